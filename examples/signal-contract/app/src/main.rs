//! An application of three crates: a contract, a receiver that knows the contract alone, and this one, which sends what
//! the contract declares and runs whatever is linked.
//!
//! `cargo run -p signal-contract` prints what `expected.txt` says.

use payments_contract::PaymentCompleted;
use signals_runtime::{Signal as _, Signals, SqliteBackend};

// Nothing else here names this crate, so the linker would drop it, and its receivers with it.
signals_runtime::link!(ledger);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let signals = Signals::new(SqliteBackend::open(folder.path().join("app.db")).await?);
    signals.setup().await?;
    for receiver in signals.inspect().receivers().await? {
        println!("{} receives {}", receiver.name, receiver.signal);
    }

    let mut tx = signals.begin().await?;
    PaymentCompleted { payment_id: 7, amount_cents: 1999 }.send(&mut tx).await?;
    tx.commit().await?;

    signals.worker().build()?.drain().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use signals_runtime::testing::TestSignals;

    use super::*;

    /// Whatever is linked gets it: here the ledger, which this crate does not know.
    #[tokio::test]
    async fn a_payment_is_heard_by_what_is_linked() {
        let signals = TestSignals::new().await;
        let receipt = signals.send(PaymentCompleted { payment_id: 7, amount_cents: 1999 }).await;
        assert_eq!(receipt.deliveries, 1);
        assert_eq!(signals.drain().await.done, 1);
        let cascade = signals.cascade().await;
        assert!(cascade.contains("ledger.book: done"), "{cascade}");
    }
}
