//! What a worker survives inside one process, on a file: attempts that are dropped, errors that panic, polite receivers.

mod common;

use std::fmt;
use std::time::{Duration, Instant};

use common::{PATIENCE, Rig};
use signals_rig::send_one;
use signals_runtime::delivery::State as DeliveryState;
use signals_runtime::store::{AttemptOutcome, DeliverySummary, Filter};
use signals_runtime::worker::DrainError;
use signals_runtime::{Cancelled, MemoryBackend, Signals, SqliteBackend, SqliteTx, receiver, send_all, signal};

#[signal(name = "robust.slow")]
#[derive(Debug)]
struct Slow {
    number: i64,
}

/// Holds the write lock for longer than any test waits.
#[receiver(signal = Slow, name = "robust.slow")]
async fn slow(slow: &Slow, tx: &mut SqliteTx) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO effect (number) VALUES ($1)").bind(slow.number).execute(&mut **tx).await?;
    tokio::time::sleep(Duration::from_secs(4)).await; // tidy: not a wait: it is the work
    Ok(())
}

#[signal(name = "robust.hostile")]
#[derive(Debug)]
struct Hostile;

/// An error that panics when it is printed, and again when it is dropped.
#[derive(Debug)]
struct Bomb;

impl fmt::Display for Bomb {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("an error that cannot be printed")
    }
}

impl std::error::Error for Bomb {}

#[receiver(signal = Hostile, name = "robust.hostile", max_attempts = 1)]
async fn hostile(_hostile: &Hostile) -> Result<(), Bomb> {
    Err(Bomb)
}

#[signal(name = "robust.polite")]
#[derive(Debug)]
struct Polite;

/// Gives up by itself when it is told that the worker stops.
#[receiver(signal = Polite, name = "robust.polite")]
async fn polite(_polite: &Polite, cancelled: Cancelled) -> Result<(), std::io::Error> {
    let reason = cancelled.cancelled().await;
    Err(std::io::Error::other(format!("giving up: {reason:?}")))
}

async fn only_delivery(signals: &Signals<SqliteBackend>, receiver: &str) -> DeliverySummary {
    let filter = Filter { receiver: Some(receiver.to_owned()), ..Filter::default() };
    signals.inspect().list(&filter).await.expect("a list").deliveries.pop().expect("it was sent")
}

async fn until_running(signals: &Signals<SqliteBackend>, receiver: &str) {
    let began = Instant::now();
    while only_delivery(signals, receiver).await.state != DeliveryState::Running {
        assert!(began.elapsed() < PATIENCE, "it does not start");
        tokio::time::sleep(Duration::from_millis(5)).await; // tidy: not a wait: the pause of a poll with a deadline
    }
}

/// S6, W3: a worker whose future is dropped in the middle of a transactional receiver gives the database back at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w3_a_dropped_worker_leaves_no_transaction_open() {
    let rig = Rig::new().await;
    send_one(&rig.signals, &Slow { number: 1 }).await.expect("sent");
    let worker = rig.signals.worker().only(["robust.slow"]).build().expect("a worker");
    tokio::select! {
        _ = worker.run_until(std::future::pending()) => panic!("it runs for ever"),
        () = until_running(&rig.signals, "robust.slow") => {}
    }

    let began = Instant::now();
    let tx = rig.signals.begin().await.expect("nobody holds the lock");
    assert!(began.elapsed() < Duration::from_secs(2), "it was held for {:?}", began.elapsed());
    tx.rollback().await.expect("rolled back");
    let began = Instant::now();
    while only_delivery(&rig.signals, "robust.slow").await.state == DeliveryState::Running {
        assert!(began.elapsed() < PATIENCE, "the keeper gives back what was running");
        tokio::time::sleep(Duration::from_millis(5)).await; // tidy: not a wait: the pause of a poll with a deadline
    }
    let delivery = only_delivery(&rig.signals, "robust.slow").await;
    assert_eq!((delivery.state, delivery.counters.attempt), (DeliveryState::Ready, 0), "its attempt is refunded");
}

/// I13, W7: an error that panics when it is told is a failed attempt like any other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i13_w7_an_error_that_panics_when_it_is_printed_is_recorded() {
    let rig = Rig::new().await;
    send_one(&rig.signals, &Hostile).await.expect("sent");

    let drained = rig.signals.worker().only(["robust.hostile"]).build().expect("a worker").drain().await;

    let Err(DrainError::Failed(report)) = drained else { panic!("the drain is a failure: {drained:?}") };
    assert_eq!((report.dead, report.failures[0].receiver), (1, "robust.hostile"));
    let id = only_delivery(&rig.signals, "robust.hostile").await.id;
    let detail = rig.signals.inspect().get(id).await.expect("a look-up").expect("it is kept");
    assert_eq!(detail.attempts[0].outcome, AttemptOutcome::Panic);
    assert!(detail.attempts[0].error.contains("cannot be printed"), "{}", detail.attempts[0].error);
}

/// W12, T8: a receiver that gives up because it was told to is released, and its attempt refunded.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w12_t8_a_receiver_that_heeds_its_cancellation_burns_no_attempt() {
    let rig = Rig::new().await;
    send_one(&rig.signals, &Polite).await.expect("sent");
    let worker = rig.signals.worker().only(["robust.polite"]).grace(Duration::from_millis(200)).build();

    let report =
        worker.expect("a worker").run_until(until_running(&rig.signals, "robust.polite")).await.expect("it ran");

    assert_eq!((report.released, report.failed()), (1, 0), "{report:?}");
    let delivery = only_delivery(&rig.signals, "robust.polite").await;
    assert_eq!((delivery.state, delivery.counters.attempt), (DeliveryState::Ready, 0));
}

/// L2: a grace without end is one, and a worker that was asked to stop ends when its last receiver does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l2_a_grace_without_end_waits_for_what_runs() {
    let rig = Rig::new().await;
    let worker = rig.signals.worker().only(["robust.hostile"]).grace(Duration::MAX).build().expect("a worker");
    let report = worker.run_until(std::future::ready(())).await.expect("it stops");
    assert_eq!(report.failed(), 0);
}

#[signal(name = "robust.greedy")]
#[derive(Clone, Debug)]
struct Greedy;

/// Holds its slot for as long as the test runs.
#[receiver(signal = Greedy, name = "robust.greedy")]
async fn greedy(_greedy: &Greedy) {
    std::future::pending::<()>().await;
}

#[signal(name = "robust.modest")]
#[derive(Clone, Debug)]
struct Modest;

#[receiver(signal = Modest, name = "robust.modest")]
async fn modest(_modest: &Modest) {}

/// W19: 100,000 deliveries of a receiver that keeps its slots do not keep another's ten waiting for a second.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w19_ten_deliveries_start_within_a_second_beside_a_hundred_thousand_that_hold_their_slots() {
    let signals = Signals::new(MemoryBackend::new());
    signals.setup().await.expect("set up");
    let mut tx = signals.begin().await.expect("a transaction");
    send_all(&vec![Greedy; 100_000], &mut tx).await.expect("sent");
    tx.commit().await.expect("committed");
    let worker = signals.worker().only(["robust.greedy", "robust.modest"]).grace(Duration::ZERO).build();

    let ten = async {
        until_state(&signals, "robust.greedy", DeliveryState::Running).await;
        let mut tx = signals.begin().await.expect("a transaction");
        send_all(&vec![Modest; 10], &mut tx).await.expect("sent");
        tx.commit().await.expect("committed");
        let began = Instant::now();
        loop {
            let filter = Filter { receiver: Some("robust.modest".to_owned()), ..Filter::default() };
            let page = signals.inspect().list(&filter).await.expect("a list");
            if page.deliveries.iter().all(|delivery| delivery.state == DeliveryState::Done) {
                break;
            }
            assert!(began.elapsed() < Duration::from_secs(1), "they wait: {:?}", page.deliveries);
            tokio::time::sleep(Duration::from_millis(5)).await; // tidy: not a wait: the pause of a poll with a deadline
        }
    };
    let report = worker.expect("a worker").run_until(ten).await.expect("it ran");
    assert_eq!(report.done, 10);
}

async fn until_state(signals: &Signals<MemoryBackend>, receiver: &str, state: DeliveryState) {
    let began = Instant::now();
    let filter = Filter { states: vec![state], receiver: Some(receiver.to_owned()), limit: 1, ..Filter::default() };
    while signals.inspect().list(&filter).await.expect("a list").deliveries.is_empty() {
        assert!(began.elapsed() < PATIENCE, "it does not become {state}");
        tokio::time::sleep(Duration::from_millis(5)).await; // tidy: not a wait: the pause of a poll with a deadline
    }
}

/// S10, E14: a drain over a database that takes no writes ends, and says why.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s10_e14_a_drain_over_a_database_that_takes_no_writes_is_an_error() {
    let rig = Rig::new().await;
    send_one(&rig.signals, &Hostile).await.expect("sent");
    let options = (*rig.signals.backend().pool().connect_options()).clone().read_only(true);
    let pool = sqlx::SqlitePool::connect_with(options).await.expect("it can be read");
    let signals = Signals::new(SqliteBackend::from_pool(pool).await.expect("it is set up as it must be"));

    let began = Instant::now();
    let drained = signals.worker().only(["robust.hostile"]).build().expect("a worker").drain().await;

    assert!(matches!(drained, Err(DrainError::Worker(_))), "{drained:?}");
    assert!(began.elapsed() < PATIENCE, "it took {:?}", began.elapsed());
    assert_eq!(only_delivery(&rig.signals, "robust.hostile").await.state, DeliveryState::Ready);
}

/// E14: a drain that cannot claim says so instead of "nothing was due".
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e14_a_drain_without_its_tables_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let backend = SqliteBackend::open(folder.path().join("empty.db")).await.expect("a file");
    let signals = Signals::new(backend);

    let drained = signals.worker().only(["robust.polite"]).build().expect("a worker").drain().await;

    assert!(matches!(drained, Err(DrainError::Worker(_))), "{drained:?}");
}
