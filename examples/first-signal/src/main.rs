//! The first signal: one module says that a payment is completed, another reacts.
//!
//! `cargo run -p first-signal` prints what `expected.txt` says.

use signals_runtime::{Signal as _, Signals, SqliteBackend, receiver, signal};

/// What happened. The sender and the receivers share this type, and nothing else.
#[signal]
struct PaymentCompleted {
    payment_id: i64,
}

/// What is done about it. A worker calls it with every payment that was completed.
#[receiver(signal = PaymentCompleted)]
async fn mail_receipt(payment: &PaymentCompleted) {
    println!("receiver: mailing the receipt of payment {}", payment.payment_id);
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // The signals are stored in the application's own database. Here that is a file in a folder of its own.
    let folder = tempfile::tempdir()?;
    let signals = Signals::new(SqliteBackend::open(folder.path().join("app.db")).await?);

    // Creates the tables and stores that `mail_receipt` exists. Every start of an application does this.
    signals.setup().await?;
    sqlx::raw_sql("CREATE TABLE payment (id INTEGER PRIMARY KEY)").execute(signals.backend().pool()).await?;

    // The change and its signal are one transaction: both are there after the commit, or neither is.
    let mut tx = signals.begin().await?;
    sqlx::query("INSERT INTO payment VALUES (7)").execute(&mut *tx).await?;
    let receipt = PaymentCompleted { payment_id: 7 }.send(&mut tx).await?;
    tx.commit().await?;
    println!("sender: payment 7 stored, {} delivery waits", receipt.deliveries);

    // This one changes its mind. Dropping the transaction rolls it back, and the signal goes with it.
    let mut tx = signals.begin().await?;
    sqlx::query("INSERT INTO payment VALUES (8)").execute(&mut *tx).await?;
    PaymentCompleted { payment_id: 8 }.send(&mut tx).await?;
    drop(tx);
    println!("sender: payment 8 rolled back");

    // A service calls `run()`, which ends at SIGTERM. `drain()` runs what is due and returns.
    let report = signals.worker().build()?.drain().await?;
    println!("worker: {} done", report.done);
    Ok(())
}

#[cfg(test)]
mod tests {
    use signals_runtime::testing::TestSignals;

    use super::*;

    /// In memory: the receiver does not mind which database it is.
    #[tokio::test]
    async fn a_payment_that_was_completed_gets_its_receipt() {
        let signals = TestSignals::new().await;
        signals.send(PaymentCompleted { payment_id: 7 }).await;
        signals.drain().await; // panics when a receiver fails
        signals.assert_delivered::<mail_receipt>(|payment| payment.payment_id == 7).await;
    }

    #[tokio::test]
    async fn a_payment_that_was_rolled_back_was_not_sent() -> signals_runtime::Result<()> {
        let signals = TestSignals::new().await;
        let mut tx = signals.begin().await?;
        PaymentCompleted { payment_id: 8 }.send(&mut tx).await?;
        drop(tx);
        signals.assert_not_sent::<PaymentCompleted>(|_| true).await;
        Ok(())
    }
}
