//! A server that answers and refuses: no connection is free, a time-out, a lock, writes that it does not take: S7–S10.

mod common;

use std::time::{Duration, Instant};

use common::{LEASE, Rig, until};
use signals_cluster::Settings;
use signals_rig_postgres::{Work, book, over};
use signals_runtime::Error;
use sqlx::{Connection as _, Executor as _, PgConnection};

/// S7: who gets no connection is told so by a typed error; workers wait for one.
#[tokio::test(flavor = "multi_thread")]
async fn s7_a_server_out_of_connections_refuses_by_a_typed_error_and_workers_wait() {
    let rig = Rig::new(Settings::fast().max_connections(30)).await;
    let mut worker = rig.worker();
    rig.connected(&[&worker]).await;
    let mut taken = Vec::new();
    take_all(&rig, &mut taken).await;
    // The worker's own sessions end, and what they free is taken before it comes back.
    let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE backend_type = 'client backend' AND application_name <> 'hog'";
    taken[0].execute(others).await.expect("it is the administrator's");
    until("the worker to be refused", async || {
        take_all(&rig, &mut taken).await;
        rig.events().contains("too many clients")
    })
    .await;

    // What ended late is free for a moment, until it is taken, too.
    let mut refused = None;
    until("a send to be refused", async || {
        take_all(&rig, &mut taken).await;
        let fresh = over(rig.database.url(), 1).expect("a URL");
        refused = book(&fresh, &Work::light(1)).await.err();
        refused.is_some()
    })
    .await;
    let error = refused.expect("it was refused");
    assert!(matches!(error, Error::Unavailable(_)) && error.is_retryable(), "S7: {error:?}");
    drop(taken);
    let fresh = over(rig.database.url(), 1).expect("a URL");
    let back = Instant::now();
    until("a connection to be free", async || book(&fresh, &Work::light(2)).await.is_ok()).await;
    until("work to go on", async || rig.ended() > 0).await;
    assert!(back.elapsed() < LEASE + Duration::from_secs(5), "back at work after {:?}", back.elapsed());
    rig.agrees().await;
    assert!(worker.is_running(), "{}", rig.events());
}

/// Takes every connection that the server has to give.
async fn take_all(rig: &Rig, taken: &mut Vec<PgConnection>) {
    let options = rig.database.options().application_name("hog");
    loop {
        match PgConnection::connect_with(&options).await {
            Ok(connection) => taken.push(connection),
            Err(refused) => {
                assert!(refused.to_string().contains("too many clients"), "{refused}");
                return;
            }
        }
    }
}

/// S7: a pool without a free connection is told apart from a database that is gone by nothing, and costs time.
#[tokio::test(flavor = "multi_thread")]
async fn s7_a_pool_without_a_free_connection_is_a_typed_error_until_there_is_one() {
    let rig = Rig::new(Settings::fast()).await;
    let signals = over(rig.database.url(), 1).expect("a URL");
    let held = signals.begin().await.expect("the only connection");
    let error = book(&signals, &Work::light(1)).await.expect_err("there is no other");
    assert!(matches!(error, Error::Unavailable(_)) && error.is_retryable(), "S7: {error:?}");
    held.rollback().await.expect("it is given back");
    book(&signals, &Work::light(1)).await.expect("it is free again");
}

/// S8, S9: a send that waits too long for a lock, or runs too long, fails by a typed error that says to begin again.
#[tokio::test(flavor = "multi_thread")]
async fn s8_s9_a_send_that_meets_a_time_out_or_a_deadlock_is_typed_and_retryable() {
    let rig = Rig::new(Settings::fast().set("deadlock_timeout", "50ms")).await;
    for setting in ["lock_timeout", "statement_timeout"] {
        let mut locked = PgConnection::connect(rig.database.url()).await.expect("it takes connections");
        locked.execute("BEGIN; LOCK TABLE signals.delivery IN ACCESS EXCLUSIVE MODE").await.expect("it is locked");
        let mut tx = rig.signals.begin().await.expect("a transaction begins");
        let limit = format!("SET LOCAL {setting} = '100ms'");
        tx.execute(sqlx::AssertSqlSafe(limit)).await.expect("it is set");
        let error = signals_runtime::Signal::send(&Work::light(1), &mut tx).await.expect_err("it waits for a lock");
        assert!(matches!(error, Error::Contention(_)) && error.is_retryable(), "S8, {setting}: {error:?}");
        assert!(tx.commit().await.is_err(), "S4");
        locked.execute("ROLLBACK").await.expect("it is free");
    }

    // Two transactions that wait for each other: one of the two sends is the victim, or its opponent.
    let mut other = PgConnection::connect(rig.database.url()).await.expect("it takes connections");
    let mut tx = rig.signals.begin().await.expect("a transaction begins");
    tx.execute("INSERT INTO booking VALUES (7, 7); SELECT pg_advisory_xact_lock(1)").await.expect("it is held");
    other.execute("BEGIN; SET LOCAL deadlock_timeout = '60s'").await.expect("it is not the victim");
    other.execute("LOCK TABLE signals.delivery IN ACCESS EXCLUSIVE MODE").await.expect("it is held");
    let (sent, waited) = tokio::join!(
        signals_runtime::Signal::send(&Work::light(1), &mut tx),
        other.execute("SELECT pg_advisory_xact_lock(1)")
    );
    let error = sent.expect_err("a deadlock");
    assert!(matches!(error, Error::Contention(_)) && error.is_retryable(), "S9: {error:?}");
    assert!(waited.is_ok(), "{waited:?}");
    drop(tx);
    other.execute("ROLLBACK").await.expect("it is free");
    assert_eq!(rig.deliveries().await.len(), 0);
    book(&rig.signals, &Work::light(1)).await.expect("nothing is in the way any more");
}

/// S10: a server that takes no writes is a typed error until it does; a worker waits, and is soon back at work.
#[tokio::test(flavor = "multi_thread")]
async fn s10_a_server_that_takes_no_writes_is_a_typed_error_until_it_does() {
    let mut rig = Rig::new(Settings::fast()).await;
    let mut worker = rig.worker();
    rig.connected(&[&worker]).await;
    let mut sender = rig.sender(1);
    until("load", async || rig.ended() > 20).await;

    rig.cluster.set("default_transaction_read_only", "on").expect("it runs");
    until("sends to be refused", async || rig.journal.read().iter().any(|line| line.what == "refused")).await;
    let error = book(&rig.signals, &Work::light(1)).await.expect_err("it takes no writes");
    assert!(matches!(error, Error::NotWritable(_)), "S10: {error:?}");

    rig.cluster.set("default_transaction_read_only", "off").expect("it runs");
    let (back, ended) = (Instant::now(), rig.ended());
    until("work to go on", async || rig.ended() > ended).await;
    assert!(back.elapsed() < LEASE + Duration::from_secs(5), "back at work after {:?}", back.elapsed());
    assert!(sender.finish().success(), "{}", rig.events());
    rig.agrees().await;
    assert!(worker.is_running(), "{}", rig.events());
}
