//! The kit on a real database: a file for each test.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use signals_runtime::clock::ManualClock;
use signals_runtime::delivery::{Counters, State};
use signals_runtime::store::Filter;
use signals_runtime::testing::{Ended, Point, TestBackend, TestSignals, TestSignalsBuilder};
use signals_runtime::{SqliteBackend, SqliteTx, receiver};

use crate::shop::{Mailer, PaymentCompleted, mail_receipt, paid, refuse};
use crate::words;

#[receiver(signal = PaymentCompleted, name = "orders.complete_in_file")]
async fn complete_in_file(payment: &PaymentCompleted, tx: &mut SqliteTx) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO completed VALUES (?)").bind(payment.payment_id).execute(&mut **tx).await?;
    Ok(())
}

async fn shop(mailer: &Mailer) -> TestSignals<SqliteBackend> {
    let builder = TestSignals::builder().receiver::<complete_in_file>().receiver::<mail_receipt>();
    let signals = builder.state(mailer.clone()).on::<SqliteBackend>().build().await;
    let table = "CREATE TABLE completed (payment_id INTEGER NOT NULL)";
    sqlx::raw_sql(table).execute(signals.backend().pool()).await.expect("a new file takes a table");
    signals
}

async fn completed(signals: &TestSignals<SqliteBackend>) -> Vec<i64> {
    let read = sqlx::query_scalar("SELECT payment_id FROM completed ORDER BY payment_id");
    read.fetch_all(signals.backend().pool()).await.expect("it can be read")
}

#[tokio::test]
async fn everything_works_in_a_file_as_in_memory() {
    let mailer = Mailer::down();
    let signals = shop(&mailer).await;
    signals.send(paid(7)).await;
    signals.assert_sent::<PaymentCompleted>(|sent| sent.payment_id == 7).await;
    signals.expect_failure::<mail_receipt>();
    signals.drain().await;
    signals.assert_delivered::<complete_in_file>(|_| true).await;
    signals.expect_failure::<mail_receipt>();
    assert_eq!(signals.settled("1h").await.dead, 1);
    signals.assert_dead::<mail_receipt>(|_| true).await;
    signals.assert_attempts::<mail_receipt>(3, |_| true).await;
    assert_eq!(completed(&signals).await, [7]);
    insta::assert_snapshot!(signals.cascade().await);
}

/// Failures, retries, a crash, and a death, with receivers that do not mind where they run.
async fn story<B: TestBackend>(builder: TestSignalsBuilder<B>) -> String {
    let mailer = Mailer::down();
    let signals = builder.receiver::<mail_receipt>().receiver::<refuse>().state(mailer.clone()).build().await;
    signals.send(paid(7)).await;
    signals.expect_failure::<mail_receipt>();
    signals.expect_failure::<refuse>();
    signals.drain().await;
    mailer.is_down.store(false, Ordering::SeqCst);
    signals.crash_at::<mail_receipt>(Point::AfterEffects);
    signals.advance("1m").await;
    signals.advance("1m").await;
    signals.run::<mail_receipt>(paid(8)).await;
    signals.cascade().await
}

#[tokio::test]
async fn the_same_story_is_told_in_memory_and_in_a_file() {
    let in_memory = story(TestSignals::builder()).await;
    assert_eq!(in_memory, story(TestSignals::builder().on::<SqliteBackend>()).await);
    insta::assert_snapshot!(in_memory);
}

#[tokio::test]
async fn w3_i5_a_crash_in_a_file_rolls_back() {
    let signals = shop(&Mailer::default()).await;
    for point in [Point::AfterClaim, Point::AfterEffects, Point::BeforeAck] {
        signals.send(paid(7)).await;
        signals.crash_at::<complete_in_file>(point);
        let before = completed(&signals).await;
        signals.drain().await;
        assert_eq!(completed(&signals).await, before, "{point:?}");
        assert_eq!(signals.advance("20s").await.done, 1, "{point:?}");
        assert_eq!(completed(&signals).await.len(), before.len() + 1);
    }
}

#[tokio::test]
async fn i5_i6_a_receiver_runs_twice_and_without_its_lease_in_a_file() {
    let signals = shop(&Mailer::default()).await;
    signals.run_twice::<complete_in_file>(paid(7), || async { completed(&signals).await }).await;
    assert_eq!(completed(&signals).await, [7]);
    let ran = signals.run_with_stale_token::<complete_in_file>(paid(8)).await;
    assert_eq!((ran.ended, completed(&signals).await), (Ended::Refused(None), vec![7]));
    assert_eq!(signals.drain().await.done, 1);
    assert_eq!(completed(&signals).await, [7, 8]);
    signals.run::<mail_receipt>(paid(9)).await;
    signals.assert_not_sent::<PaymentCompleted>(|_| true).await;
}

#[tokio::test]
async fn a_file_is_gone_with_its_kit() {
    let signals = shop(&Mailer::default()).await;
    let file = signals.backend().pool().connect_options().get_filename().to_owned();
    assert!(file.is_file());
    drop(signals);
    assert!(!file.exists());
}

/// What a transactional receiver repeats meets its own row; nothing comes of that, here as in production.
#[tokio::test]
async fn i5_a_repetition_that_meets_a_primary_key_is_no_failure() {
    let signals = shop(&Mailer::default()).await;
    let unique = "CREATE UNIQUE INDEX completed_once ON completed (payment_id)";
    sqlx::raw_sql(unique).execute(signals.backend().pool()).await.expect("a new table takes an index");
    signals.run_twice::<complete_in_file>(paid(7), || async { completed(&signals).await }).await;
    assert_eq!(completed(&signals).await, [7]);
    insta::assert_snapshot!(signals.cascade().await);
}

#[tokio::test]
async fn what_waits_in_a_file_outlives_runs_repetitions_and_stale_tokens() {
    let signals = shop(&Mailer::default()).await;
    signals.send(paid(1)).await;
    for payment_id in 2..8 {
        signals.run::<mail_receipt>(paid(payment_id)).await;
        signals.run_twice::<complete_in_file>(paid(payment_id), || async { completed(&signals).await }).await;
        signals.run_with_stale_token::<complete_in_file>(paid(payment_id)).await;
    }
    let waits = signals.inspect().list(&Filter { states: vec![State::Ready], ..Filter::default() }).await;
    let counters: Vec<Counters> = waits.expect("it lists").deliveries.iter().map(|waits| waits.counters).collect();
    assert_eq!(counters.iter().filter(|counters| **counters == Counters::default()).count(), 2, "{counters:?}");
    let report = signals.drain().await;
    assert_eq!((report.done, report.dead), (2 + 6, 0), "one signal to two receivers, and six that were refused");
}

/// What no worker would start with does not pass a test.
#[tokio::test]
async fn a_time_out_that_does_not_fit_the_lease_fails_the_test() {
    #[receiver(signal = PaymentCompleted, name = "orders.too_long", timeout = "60s")]
    async fn too_long(_: PaymentCompleted, _tx: &mut SqliteTx) {}
    let signals = TestSignals::builder().on::<SqliteBackend>().receiver::<too_long>().build().await;
    signals.send(paid(7)).await;
    insta::assert_snapshot!(words::of(signals.drain()).await);
}

#[tokio::test(start_paused = true)]
async fn a_paused_clock_of_tokios_is_told_where_a_pool_is_waited_for() {
    let message = words::of(async {
        let signals = TestSignals::builder().on::<SqliteBackend>().receiver::<refuse>().build().await;
        signals.send(paid(7)).await;
        signals.drain().await;
    });
    let message = message.await;
    assert!(message.contains("tokio's clock running: `.longest_timeout(…)`"), "{message}");
}

#[tokio::test]
async fn a_kit_runs_over_a_pool_of_the_applications() {
    let folder = tempfile::tempdir().expect("a folder");
    let own = SqliteBackend::open(folder.path().join("app.db")).await.expect("it opens");
    let clock = ManualClock::default();
    let backend = SqliteBackend::from_pool(own.pool().clone()).await.expect("its pool is fit");
    let backend = backend.with_clock(Arc::new(clock.clone()));
    let signals = TestSignals::builder().receiver::<refuse>().over(backend, clock).build().await;
    signals.expect_failure::<refuse>();
    signals.run::<refuse>(paid(7)).await;
}

/// D4: the only writer of a file is a transaction that the test forgot.
#[tokio::test]
async fn an_open_transaction_of_the_test_is_guessed_at() {
    let signals = shop(&Mailer::default()).await;
    signals.send(paid(7)).await;
    let open = signals.begin().await.expect("it begins");
    insta::assert_snapshot!(words::of(signals.drain()).await);
    drop(open);
}
