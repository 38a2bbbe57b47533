//! The build with the changes.

use signals_runtime::{Delivery, State, receiver, signal};
use signals_skew::{Added, Build, Forgotten, Log, Removed, Renamed, main as run, perform};

/// An order, by a text by now.
#[signal(name = "skew.raised", version = 2, allow_unheard)]
#[derive(Debug)]
struct Raised {
    order: String,
}

#[receiver(signal = Added, name = "added.kept")]
async fn kept(signal: &Added, State(log): State<Log>, delivery: Delivery) -> std::io::Result<()> {
    perform(&log, &delivery, signal.number)
}

#[receiver(signal = Added, name = "added.more")]
async fn more(signal: &Added, State(log): State<Log>, delivery: Delivery) -> std::io::Result<()> {
    perform(&log, &delivery, signal.number)
}

#[receiver(signal = Renamed, name = "renamed.dispatch", aliases = ["renamed.ship"])]
async fn dispatch(signal: &Renamed, State(log): State<Log>, delivery: Delivery) -> std::io::Result<()> {
    perform(&log, &delivery, signal.number)
}

#[receiver(signal = Forgotten, name = "forgotten.dispatch")]
async fn dispatch_too(signal: &Forgotten, State(log): State<Log>, delivery: Delivery) -> std::io::Result<()> {
    perform(&log, &delivery, signal.number)
}

#[receiver(signal = Removed, name = "removed.stays")]
async fn stays(signal: &Removed, State(log): State<Log>, delivery: Delivery) -> std::io::Result<()> {
    perform(&log, &delivery, signal.number)
}

#[receiver(signal = Raised, name = "raised.read")]
async fn read(signal: &Raised, State(log): State<Log>, delivery: Delivery) -> anyhow::Result<()> {
    Ok(log.write("raised.read/2", signal.order.parse()?, delivery.attempt)?)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    run(Build { name: "new", version: 2, raised: |number| Raised { order: number.to_string() } }).await
}
