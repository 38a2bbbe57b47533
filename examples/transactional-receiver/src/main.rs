//! Two receivers do the same and fail at the same moment: after their effect, before the worker could store that they
//! are done. The transactional one leaves one effect, the plain one two.
//!
//! `cargo run -p transactional-receiver` prints what `expected.txt` says.

use std::time::Duration;

use signals_runtime::{Delivery, Signal as _, Signals, SqliteBackend, SqliteTx, State, receiver, signal};
use sqlx::SqlitePool;

#[signal]
struct PaymentCompleted {
    payment_id: i64,
}

const COUNT: &str = "INSERT INTO sale (payment_id, counted_by) VALUES ($1, $2)";

/// Transactional, because it takes a `Tx`: what it writes through `tx` is committed together with the acknowledgement of
/// its delivery, or rolled back.
#[receiver(signal = PaymentCompleted, name = "transactional", backoff(initial = "10ms", max = "10ms"))]
async fn transactional(payment: &PaymentCompleted, tx: &mut SqliteTx, delivery: Delivery) -> anyhow::Result<()> {
    sqlx::query(COUNT).bind(payment.payment_id).bind("transactional").execute(&mut **tx).await?;
    stumble("transactional", &delivery)
}

/// Plain: its effect is somewhere else than the acknowledgement. Here a connection of its own, elsewhere a mail server.
#[receiver(signal = PaymentCompleted, name = "plain", backoff(initial = "10ms", max = "10ms"))]
async fn plain(payment: &PaymentCompleted, State(pool): State<SqlitePool>, delivery: Delivery) -> anyhow::Result<()> {
    sqlx::query(COUNT).bind(payment.payment_id).bind("plain").execute(&pool).await?;
    stumble("plain", &delivery)
}

/// The first attempt fails after its effect. A process that is killed here does the same to both.
fn stumble(receiver: &str, delivery: &Delivery) -> anyhow::Result<()> {
    anyhow::ensure!(delivery.attempt > 1, "stumbled after the effect");
    println!("{receiver}: attempt {} of delivery {} went well", delivery.attempt, delivery.id);
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let signals = Signals::new(SqliteBackend::open(folder.path().join("app.db")).await?);
    signals.setup().await?;
    let pool = signals.backend().pool().clone();
    sqlx::raw_sql("CREATE TABLE sale (payment_id INTEGER NOT NULL, counted_by TEXT NOT NULL)").execute(&pool).await?;

    let mut tx = signals.begin().await?;
    PaymentCompleted { payment_id: 7 }.send(&mut tx).await?;
    tx.commit().await?;

    // One receiver after the other, so that the lines come in one order. Usually one worker runs all.
    for receiver in ["transactional", "plain"] {
        let worker = signals.worker().only([receiver]).state(pool.clone()).build()?;
        let report = worker.run_until(done(&signals, receiver)).await?;
        println!("{receiver}: {} attempt failed, {} delivery done", report.failed(), report.done);
    }
    for receiver in ["transactional", "plain"] {
        let effects = sqlx::query_scalar::<_, i64>("SELECT COUNT(*) FROM sale WHERE counted_by = $1");
        println!("{receiver}: rows that count payment 7: {}", effects.bind(receiver).fetch_one(&pool).await?);
    }
    Ok(())
}

/// Resolves when nothing of this receiver waits or runs any more.
async fn done(signals: &Signals<SqliteBackend>, receiver: &str) {
    while let Ok(counts) = signals.inspect().counts().await
        && counts.lanes.iter().any(|lane| lane.receiver == receiver && lane.has_pending())
    {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// What the lines above say, as tests of the two receivers.
#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use signals_runtime::clock::ManualClock;
    use signals_runtime::testing::TestSignals;

    use super::*;

    /// The plain receiver takes the pool as a state, so it is there before the kit.
    async fn kit(folder: &tempfile::TempDir) -> TestSignals<SqliteBackend> {
        let clock = ManualClock::default();
        let backend = SqliteBackend::open(folder.path().join("app.db")).await.expect("a file");
        let backend = backend.with_clock(Arc::new(clock.clone()));
        let pool = backend.pool().clone();
        let table = "CREATE TABLE sale (payment_id INTEGER NOT NULL, counted_by TEXT NOT NULL)";
        sqlx::raw_sql(table).execute(&pool).await.expect("a table");
        TestSignals::builder().state(pool).over(backend, clock).build().await
    }

    async fn effects(signals: &TestSignals<SqliteBackend>, receiver: &str) -> i64 {
        let effects = sqlx::query_scalar("SELECT COUNT(*) FROM sale WHERE counted_by = $1").bind(receiver);
        effects.fetch_one(signals.backend().pool()).await.expect("a number")
    }

    #[tokio::test]
    async fn an_attempt_that_fails_leaves_the_effect_of_the_plain_receiver_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let signals = kit(&folder).await;
        signals.send(PaymentCompleted { payment_id: 7 }).await;
        signals.expect_failure::<transactional>().saying("stumbled after the effect");
        signals.expect_failure::<plain>().saying("stumbled after the effect");
        signals.drain().await;
        assert_eq!((effects(&signals, "transactional").await, effects(&signals, "plain").await), (0, 1));

        assert_eq!(signals.advance("10ms").await.done, 2);
        assert_eq!((effects(&signals, "transactional").await, effects(&signals, "plain").await), (1, 2));
        signals.assert_attempts::<transactional>(2, |payment| payment.payment_id == 7).await;
    }
}
