//! Many signals at once, a send that is repeated, and one that is due later.
//!
//! `cargo run -p bulk-send` prints what `expected.txt` says.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use signals_runtime::{Signal as _, Signals, SqliteBackend, State, receiver, send_all, signal};

#[signal]
struct InvoiceDue {
    invoice: u64,
}

/// How many invoices were mailed.
#[derive(Clone, Default)]
struct Mailed(Arc<AtomicU64>);

#[receiver(signal = InvoiceDue)]
async fn mail_invoice(_invoice: &InvoiceDue, State(mailed): State<Mailed>) {
    mailed.0.fetch_add(1, Ordering::SeqCst);
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let signals = Signals::new(SqliteBackend::open(folder.path().join("app.db")).await?);
    signals.setup().await?;

    // All of them, or none: one call, and a few statements for every 500 signals.
    let invoices: Vec<InvoiceDue> = (1..=10_000).map(|invoice| InvoiceDue { invoice }).collect();
    let mut tx = signals.begin().await?;
    let receipts = send_all(&invoices, &mut tx).await?;
    tx.commit().await?;
    println!("{} invoices sent in one call", receipts.len());

    // A caller that does not know whether its first try went through sends again, under the same key.
    for _ in 0..2 {
        let mut tx = signals.begin().await?;
        let receipt = InvoiceDue { invoice: 10_001 }.send(&mut tx).idempotency_key("invoice/10001").await?;
        tx.commit().await?;
        println!("invoice 10001: signal {}, repeated: {}", receipt.signal_id, receipt.repeated);
    }

    // The same key for something else is a mistake, and the transaction refuses to commit.
    let mut tx = signals.begin().await?;
    let refused = InvoiceDue { invoice: 4711 }.send(&mut tx).idempotency_key("invoice/10001").await;
    println!("invoice 4711: {}", refused.expect_err("the key is taken"));
    println!("its transaction: {}", tx.commit().await.expect_err("a send in it failed"));

    // Not before tomorrow, by the database's clock.
    let mut tx = signals.begin().await?;
    InvoiceDue { invoice: 10_002 }.send(&mut tx).after(Duration::from_secs(24 * 60 * 60)).await?;
    tx.commit().await?;

    let mailed = Mailed::default();
    signals.worker().state(mailed.clone()).concurrency(256).build()?.drain().await?;
    println!("{} invoices mailed", mailed.0.load(Ordering::SeqCst));
    for lane in signals.inspect().counts().await?.lanes {
        println!("{} is due later", lane.scheduled);
    }
    Ok(())
}

/// The same sends, in memory and by a clock that the test moves.
#[cfg(test)]
mod tests {
    use signals_runtime::testing::TestSignals;

    use super::*;

    #[tokio::test]
    async fn a_thousand_invoices_are_mailed_once_each() {
        let mailed = Mailed::default();
        let signals = TestSignals::builder().state(mailed.clone()).build().await;
        let invoices: Vec<InvoiceDue> = (1..=1_000).map(|invoice| InvoiceDue { invoice }).collect();
        let mut tx = signals.begin().await.expect("a transaction");
        send_all(&invoices, &mut tx).await.expect("all of them");
        tx.commit().await.expect("a commit");
        assert_eq!(signals.drain().await.done, 1_000);
        assert_eq!(mailed.0.load(Ordering::SeqCst), 1_000);
    }

    #[tokio::test]
    async fn a_send_under_a_known_key_is_no_second_one() {
        let signals = TestSignals::new().await;
        for is_repeated in [false, true] {
            let mut tx = signals.begin().await.expect("a transaction");
            let receipt =
                InvoiceDue { invoice: 7 }.send(&mut tx).idempotency_key("invoice/7").await.expect("a receipt");
            tx.commit().await.expect("a commit");
            assert_eq!(receipt.repeated, is_repeated);
        }
        signals.assert_sent_times::<InvoiceDue>(1, |due| due.invoice == 7).await;
    }

    #[tokio::test]
    async fn an_invoice_of_tomorrow_is_not_mailed_today() {
        let signals = TestSignals::builder().state(Mailed::default()).build().await;
        let mut tx = signals.begin().await.expect("a transaction");
        InvoiceDue { invoice: 7 }.send(&mut tx).after(Duration::from_secs(24 * 60 * 60)).await.expect("a receipt");
        tx.commit().await.expect("a commit");
        assert_eq!(signals.advance("23h").await.done, 0);
        assert_eq!(signals.advance("1h").await.done, 1);
        signals.assert_delivered::<mail_invoice>(|due| due.invoice == 7).await;
    }
}
