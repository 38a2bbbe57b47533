//! D2: hints between processes, which may be lost.

use std::sync::Arc;
use std::time::Duration;

use signals_conformance::Harness as _;
use signals_conformance::fixtures::{SHIP, paid};
use signals_conformance::stage::{Plain as Receives, Theatre, until, until_every};
use signals_core::store::Store;
use signals_core::{Backend as _, Receiver as _, Signal as _};
use signals_runtime::{PgBackend, Registry, Signals};
use tokio::time::{Instant, timeout};

use crate::claims;
use crate::harness::{Postgres, pool};

/// Long enough for whatever comes at all.
const LONG: Duration = Duration::from_secs(20);

async fn open() -> (Postgres, Signals<PgBackend>, Arc<dyn Store>) {
    let harness = Postgres::on_the_servers_clock().await;
    let registry = Registry::builder().receiver_def(&SHIP).build().expect("nothing contradicts itself");
    let signals = Signals::new(harness.backend().clone()).with_registry(registry);
    signals.register().await.expect("registers");
    // Another process: it shares nothing but the database.
    let other = PgBackend::new(pool(harness.database.options())).store();
    (harness, signals, other)
}

async fn send(signals: &Signals<PgBackend>) {
    let mut tx = signals.begin().await.expect("begins");
    paid(7).send(&mut tx).await.expect("sends");
    tx.commit().await.expect("commits");
}

#[tokio::test]
async fn d2_a_commit_is_heard_by_other_processes_and_many_are_heard_as_few() {
    let (_harness, signals, other) = open().await;
    let mut hints = other.hints().await.expect("listens").expect("this database gives hints");
    send(&signals).await;
    timeout(LONG, hints.next()).await.expect("a hint comes").expect("the connection stands");

    let began = Instant::now();
    // Several at a time: some commit while a hint is on its way, and some while the next one waits.
    let sender = async || {
        for _ in 0..25 {
            send(&signals).await;
        }
    };
    tokio::join!(sender(), sender(), sender(), sender());
    let took = began.elapsed();
    let mut heard = 0_u32;
    while timeout(Duration::from_millis(500), hints.next()).await.is_ok() {
        heard += 1;
    }
    let most = took.as_millis() / 5 + 2;
    assert!(heard >= 1 && u128::from(heard) <= most, "{heard} hints of 100 commits within {took:?}");
}

#[tokio::test]
async fn d2_without_hints_nothing_is_said_and_nobody_listens() {
    let (harness, _, _) = open().await;
    let quiet = PgBackend::new(pool(harness.database.options())).without_hints();
    assert!(quiet.store().hints().await.expect("answers").is_none());
    let registry = Registry::builder().receiver_def(&SHIP).build().expect("nothing contradicts itself");
    let signals = Signals::new(quiet).with_registry(registry);
    let loud = harness.backend().store();
    let mut hints = loud.hints().await.expect("listens").expect("this database gives hints");
    send(&signals).await;
    timeout(Duration::from_millis(200), hints.next()).await.expect_err("nobody has said anything");
}

/// D2: a listener whose connection is cut says so or listens again; in either case the next one hears.
#[tokio::test]
async fn d2_a_listener_that_was_cut_off_can_listen_again() {
    let (harness, signals, other) = open().await;
    let mut hints = other.hints().await.expect("listens").expect("this database gives hints");
    harness.database.server().terminate(Some(harness.database.name())).await.expect("terminates");
    let _ = timeout(LONG, hints.next()).await.expect("it notices");
    let mut hints = other.hints().await.expect("listens").expect("this database gives hints");
    for attempt in 0.. {
        assert!(attempt < 50, "no hint comes any more");
        // What the pool held was cut off, too, and so was the connection that says it.
        if let Ok(mut tx) = signals.begin().await {
            let _ = paid(7).send(&mut tx).await;
            let _ = tx.commit().await;
        }
        if timeout(Duration::from_millis(200), hints.next()).await.is_ok() {
            break;
        }
    }
}

/// How many sessions, but for those that look here, have said something in the last two seconds.
const LOUD: &str =
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
    AND query_start > clock_timestamp() - interval '2 s' AND strpos(query, 'pg_stat_activity') = 0";

/// P6: whoever is woken by hints and by commits of its own process may poll seldom, and the database is left alone.
#[tokio::test]
async fn p6_an_idle_worker_that_polls_seldom_asks_nothing_for_seconds() {
    let db = claims::open().await;
    let theatre = Theatre::open(&db, &[Receives::DEF], []).await;
    let seldom = Duration::from_secs(10);
    let worker = theatre.worker().poll(Duration::from_millis(10), seldom).build().expect("the worker lacks nothing");
    let stop = async {
        until("the worker has started", async || !theatre.signals.inspect().workers().await.expect("lists").is_empty())
            .await;
        let is_quiet = async || db.harness.number(LOUD).await == 0;
        until_every(Duration::from_millis(50), seldom, "two seconds without a question", is_quiet).await;
    };
    worker.run_until(stop).await.expect("runs");
}
