//! Somebody pins the horizon, so that no dead row can be removed: throughput holds. D3, S13.

mod common;

use std::time::{Duration, Instant};

use common::{Rig, until};
use signals_cluster::Settings;
use signals_rig_postgres::{Work, book, prepare};
use signals_runtime::store::Filter;
use sqlx::{Connection as _, Executor as _, PgConnection};

/// How much is sent and done to measure the pace.
const SENT: i64 = 1_500;

async fn pace(rig: &Rig, from: i64) -> Duration {
    let began = Instant::now();
    let mut tx = rig.signals.begin().await.expect("a transaction begins");
    let works: Vec<Work> = (from..from + SENT).map(Work::light).collect();
    signals_runtime::send_all(&works, &mut tx).await.expect("they are sent");
    let booked = "INSERT INTO booking SELECT number, 0 FROM generate_series($1, $2) number";
    sqlx::query(booked).bind(from).bind(from + SENT - 1).execute(&mut *tx).await.expect("they are booked");
    tx.commit().await.expect("they are stored");
    rig.agrees().await;
    began.elapsed()
}

/// D3: a reader and an idle writer, who were there before.
#[tokio::test(flavor = "multi_thread")]
async fn d3_a_reader_and_an_idle_writer_that_pin_the_horizon_do_not_slow_workers_down() {
    let rig = Rig::new(Settings::fast()).await;
    let worker = rig.worker();
    rig.connected(&[&worker]).await;
    pace(&rig, 0).await; // what is slow only once
    let free = pace(&rig, SENT).await;

    let mut reader = PgConnection::connect(rig.database.url()).await.expect("it takes connections");
    reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM booking").await.expect("it reads");
    let mut writer = PgConnection::connect(rig.database.url()).await.expect("it takes connections");
    writer.execute("BEGIN; SELECT pg_current_xact_id()").await.expect("it has a number");
    // What hours of work leave behind, in a second: rows that were there and are not, below everything to come.
    let dead = "INSERT INTO signals.delivery (receiver, version, signal)
            SELECT receiver.id, 1, 0 FROM signals.receiver, generate_series(1, 200000);
        DELETE FROM signals.delivery WHERE signal = 0";
    rig.signals.backend().pool().execute(dead).await.expect("they come and go");
    pace(&rig, 2 * SENT).await; // floors rise
    let pinned = pace(&rig, 3 * SENT).await;
    println!("{SENT} deliveries to each of two receivers: {free:?} free, {pinned:?} pinned");
    // Generous: other tests load the machine. Claims that walk over what is dead take many times as long.
    assert!(pinned < free * 4 + Duration::from_secs(2), "D3: {free:?} free, {pinned:?} pinned");
}

/// D3: who has looked, and workers that have nothing to do, keep no transaction open: they would pin the horizon themselves.
#[tokio::test(flavor = "multi_thread")]
async fn d3_neither_workers_nor_those_who_look_pin_the_horizon_when_they_are_done() {
    let rig = Rig::new(Settings::fast()).await;
    let worker = rig.worker();
    rig.connected(&[&worker]).await;
    book(&rig.signals, &Work::light(1)).await.expect("it is stored");
    rig.agrees().await;
    rig.signals.inspect().counts().await.expect("the database answers");
    rig.signals.inspect().list(&Filter::default()).await.expect("the database answers");
    rig.signals.register().await.expect("nothing is new");
    let open = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND state LIKE 'idle in transaction%'
        AND now() - state_change > interval '300 milliseconds'";
    let mut server = PgConnection::connect(rig.database.url()).await.expect("it takes connections");
    // A transaction that is idle for as long as that was left; those of a worker at work last for milliseconds.
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(2) {
        let left: i64 = sqlx::query_scalar(open).fetch_one(&mut server).await.expect("the server answers");
        assert_eq!(left, 0, "a transaction was left open");
    }
}

/// S13: what a very long transaction commits after younger ones is found within a second of its commit.
#[tokio::test(flavor = "multi_thread")]
async fn s13_a_very_long_transaction_that_commits_after_younger_ones_is_found_soon() {
    let rig = Rig::new(Settings::fast()).await;
    let worker = rig.worker();
    rig.connected(&[&worker]).await;
    let (long, _) = prepare(&rig.signals, &Work::light(1)).await.expect("it is sent");
    for number in 2..300 {
        book(&rig.signals, &Work::light(number)).await.expect("it is stored");
    }
    until("the younger ones to be done", async || rig.ended() == 298).await;
    // Longer than any floor trails.
    let passed = Instant::now();
    until("the floors to rise", async || passed.elapsed() > Duration::from_secs(3)).await;

    let committed = Instant::now();
    long.commit().await.expect("it is stored");
    until("the long one to be done", async || rig.ended() == 299).await;
    assert!(committed.elapsed() < Duration::from_millis(1_500), "S13: found after {:?}", committed.elapsed());
    rig.agrees().await;
}
