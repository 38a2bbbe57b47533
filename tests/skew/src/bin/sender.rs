//! A program that sends what the old build sends, and links no receiver.

#[path = "../raised.rs"]
mod raised;

use raised::Raised;
use signals_skew::Build;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    signals_skew::main(Build { name: "sender", version: 1, raised: |number| Raised { number } }).await
}
