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
