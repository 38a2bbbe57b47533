//! An application that has all connections of its pool in use, while others send and workers run.

mod common;

use std::time::{Duration, Instant};

use common::{PATIENCE, Rig};
use signals_rig::{Work, send, send_one};
use signals_runtime::delivery::State;
use signals_runtime::store::DeliverySummary;
use signals_runtime::{Error, Signals, SqliteBackend};
use sqlx::Sqlite;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::SqlitePoolOptions;

/// How many connections the application has, and how long it waits for one.
const CONNECTIONS: u32 = 2;
const ACQUIRE: Duration = Duration::from_millis(500);

const SENT: i64 = 3;

/// The application over the rig's file, with a pool that is soon exhausted.
async fn application(rig: &Rig) -> Signals<SqliteBackend> {
    let options = rig.signals.backend().pool().connect_options().as_ref().clone();
    let pool = SqlitePoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(ACQUIRE).connect_with(options);
    let backend = SqliteBackend::from_pool(pool.await.expect("a pool")).await;
    Signals::new(backend.expect("nothing is wrong with it"))
}

/// Takes every connection that there is.
async fn exhaust(signals: &Signals<SqliteBackend>) -> Vec<PoolConnection<Sqlite>> {
    let mut held = Vec::new();
    while held.len() < CONNECTIONS as usize {
        held.push(signals.backend().pool().acquire().await.expect("a connection is free"));
    }
    held
}

/// What this receiver gets, as another program sees it.
async fn deliveries_of(rig: &Rig, receiver: &str) -> Vec<DeliverySummary> {
    rig.deliveries().await.into_iter().filter(|delivery| delivery.receiver == receiver).collect()
}

async fn states_of(rig: &Rig, receiver: &str) -> Vec<State> {
    deliveries_of(rig, receiver).await.iter().map(|delivery| delivery.state).collect()
}

async fn effects(rig: &Rig) -> Vec<i64> {
    sqlx::query_scalar("SELECT number FROM effect ORDER BY number")
        .fetch_all(rig.signals.backend().pool())
        .await
        .expect("the effects")
}

async fn until(rig: &Rig, receiver: &str, expected: &[State]) {
    let began = Instant::now();
    loop {
        let states = states_of(rig, receiver).await;
        if states == expected {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "what {receiver} gets is not {expected:?}: {states:?}");
        tokio::time::sleep(Duration::from_millis(5)).await; // tidy: not a wait: the pause of a poll with a deadline
    }
}

/// S7: a sender that gets no connection waits as long as the pool says, and is told that it may try again.
async fn is_refused_in_time(signals: &Signals<SqliteBackend>) {
    let began = Instant::now();
    let refused = send_one(signals, &Work { number: 77, hold_ms: 0 }).await.expect_err("no connection is free");
    let waited = began.elapsed();
    let Error::Unavailable(source) = &refused else { panic!("another error than that: {refused:?}") };
    assert!(matches!(source.downcast_ref(), Some(sqlx::Error::PoolTimedOut)), "{source:?}");
    assert!(refused.is_retryable());
    assert!(waited >= ACQUIRE && waited < PATIENCE, "after {waited:?}");
}

/// S7: while the application uses all its connections, senders are refused by a typed error, what was stored is run all the
/// same, and what needs one of its connections waits at no cost. When one is free, whoever waits for it goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s7_a_pool_that_is_exhausted_at_work_costs_time_and_no_delivery() {
    let rig = Rig::new().await;
    let signals = application(&rig).await;
    send(&signals, 0..SENT, Duration::ZERO).await.expect("sent");
    let mut held = exhaust(&signals).await;
    let worker = signals.worker().state(rig.log.clone()).only(["rig.hold", "rig.effect"]).build().expect("a worker");

    let story = async {
        is_refused_in_time(&signals).await;
        until(&rig, "rig.hold", &[State::Done; SENT as usize]).await;
        // In this time a transactional attempt was refused a connection, too, and began to wait again.
        is_refused_in_time(&signals).await;
        for delivery in deliveries_of(&rig, "rig.effect").await {
            let detail = rig.signals.inspect().get(delivery.id).await.expect("a look-up").expect("it is stored");
            assert!(!delivery.state.is_settled() && delivery.counters.lost_leases == 0, "{delivery:?}");
            assert_eq!((detail.attempts.len(), delivery.counters.refunds), (0, 0), "it is not charged: {detail:?}");
        }

        // The sender is polled first, and so stands in the queue when a connection comes back.
        let (sent, ()) =
            tokio::join!(biased; send_one(&signals, &Work { number: SENT, hold_ms: 0 }), async { drop(held.pop()) });
        sent.expect("it has waited for the connection");
        drop(held);
        for receiver in ["rig.hold", "rig.effect"] {
            until(&rig, receiver, &[State::Done; SENT as usize + 1]).await;
        }
    };
    let report = worker.run_until(story).await.expect("it ran");

    assert_eq!((report.done, report.dead), (2 * (SENT as u64 + 1), 0), "{report:?}");
    assert_eq!(effects(&rig).await, (0..=SENT).collect::<Vec<_>>(), "one of each, and none of a send that was refused");
}

/// I5, W5: what is lost before its transaction begins is found out inside it, with the acknowledgement: nothing of it is
/// committed. A worker that acknowledged beside the transaction would leave an effect of a delivery that was cancelled.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i5_a_delivery_lost_before_its_transaction_began_leaves_no_effect() {
    let rig = Rig::new().await;
    let signals = application(&rig).await;
    send_one(&signals, &Work { number: 7, hold_ms: 0 }).await.expect("sent");
    let id = deliveries_of(&rig, "rig.effect").await[0].id;
    let held = exhaust(&signals).await;
    // It would learn of its loss at its next renewal, which is far away.
    let worker = signals.worker().state(rig.log.clone()).only(["rig.effect"]).lease(Duration::from_secs(600)).build();

    let story = async {
        until(&rig, "rig.effect", &[State::Running]).await;
        rig.signals.operate("ops").cancel(id).await.expect("it counts at once, whoever runs it");
        drop(held);
        rig.log_until("its receiver runs", |lines| !lines.is_empty()).await;
    };
    let report = worker.expect("a worker").run_until(story).await.expect("it ran");

    assert_eq!((report.done, report.stale), (0, 1), "{report:?}");
    assert_eq!((states_of(&rig, "rig.effect").await, effects(&rig).await), (vec![State::Cancelled], vec![]));
}
