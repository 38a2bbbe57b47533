//! The build before the changes.

#[path = "../raised.rs"]
mod raised;

use raised::Raised;
use signals_runtime::{Delivery, State, receiver};
use signals_skew::{Added, Build, Forgotten, Log, Removed, Renamed, main as run, perform};

#[receiver(signal = Added, name = "added.kept")]
async fn kept(signal: &Added, State(log): State<Log>, delivery: Delivery) -> std::io::Result<()> {
    perform(&log, &delivery, signal.number)
}

#[receiver(signal = Renamed, name = "renamed.ship")]
async fn ship(signal: &Renamed, State(log): State<Log>, delivery: Delivery) -> std::io::Result<()> {
    perform(&log, &delivery, signal.number)
}

#[receiver(signal = Forgotten, name = "forgotten.ship")]
async fn ship_too(signal: &Forgotten, State(log): State<Log>, delivery: Delivery) -> std::io::Result<()> {
    perform(&log, &delivery, signal.number)
}

#[receiver(signal = Removed, name = "removed.stays")]
async fn stays(signal: &Removed, State(log): State<Log>, delivery: Delivery) -> std::io::Result<()> {
    perform(&log, &delivery, signal.number)
}

#[receiver(signal = Removed, name = "removed.goes")]
async fn goes(signal: &Removed, State(log): State<Log>, delivery: Delivery) -> std::io::Result<()> {
    perform(&log, &delivery, signal.number)
}

#[receiver(signal = Raised, name = "raised.read")]
async fn read(signal: &Raised, State(log): State<Log>, delivery: Delivery) -> std::io::Result<()> {
    log.write("raised.read/1", signal.number, delivery.attempt)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    run(Build { name: "old", version: 1, raised: |number| Raised { number } }).await
}
