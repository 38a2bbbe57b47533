//! Somebody pins the horizon, so that no dead row can be removed: throughput holds. D3, S13.

mod common;

use std::time::{Duration, Instant};

use common::{Rig, until};
use signals_cluster::Settings;
use signals_rig_postgres::{Work, book, prepare};
use signals_runtime::store::Filter;
use sqlx::{Connection as _, Executor as _, PgConnection};

/// How many dead rows each lane has, and the index on due times.
const DEAD: i64 = 100_000;

/// The indexes that a worker looks for work by, and how many of the dead one sweep walks over: in each of two lanes; and of what
/// waits once to see whether anything is due, and once to take it.
const INDEXES: [(&str, i64); 2] = [("delivery_pkey", 2 * DEAD), ("later_due", 2 * DEAD)];

/// How far apart sweeps begin at the least.
const SWEEPS: Duration = Duration::from_millis(500);

/// How much later than it happened the server knows of what a busy connection has walked over.
const COUNTED_LATE: Duration = Duration::from_secs(2);

/// How far back claims begin while somebody pins the horizon, and promoting always: what died since is walked over by every look.
const FLOORS_TRAIL: Duration = Duration::from_millis(1_100);

/// How often an index was looked into, and how many entries were walked, as far as the server has heard of it.
async fn walked(rig: &Rig, index: &str) -> (i64, i64) {
    let walked = "SELECT idx_scan, idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = $1";
    let query = sqlx::query_as(walked).bind(index);
    query.fetch_one(rig.signals.backend().pool()).await.expect("the server counts")
}

/// D3: a reader and an idle writer, who were there before: a worker walks over what has died since now and then, in sweeps, and not
/// whenever it looks for work.
#[tokio::test(flavor = "multi_thread")]
async fn d3_a_worker_seldom_walks_over_what_a_reader_and_an_idle_writer_keep_from_being_removed() {
    let rig = Rig::new(Settings::fast()).await;
    let worker = rig.worker();
    rig.connected(&[&worker]).await;

    let mut reader = PgConnection::connect(rig.database.url()).await.expect("it takes connections");
    reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM booking").await.expect("it reads");
    let mut writer = PgConnection::connect(rig.database.url()).await.expect("it takes connections");
    writer.execute("BEGIN; SELECT pg_current_xact_id()").await.expect("it has a number");
    // What hours of work leave behind, in a second: rows that were there and are not, below everything to come.
    let dead = "BEGIN;
        INSERT INTO signals.delivery (receiver, version, signal)
        SELECT receiver.id, 1, 0 FROM signals.receiver, generate_series(1, 100000);
        INSERT INTO signals.later (signal, receiver, version, due_at)
        SELECT -n, 1, 1, now() - interval '1 hour' FROM generate_series(1, 100000) AS n;
        DELETE FROM signals.delivery WHERE signal = 0;
        DELETE FROM signals.later WHERE signal < 0;
        COMMIT";
    rig.signals.backend().pool().execute(dead).await.expect("they come and go");
    let mut ended = Vec::new();
    work_for(&rig, Duration::from_secs(3), &mut ended).await; // floors rise, and what walked until then is counted
    let began = Instant::now();
    let before = [walked(&rig, INDEXES[0].0).await, walked(&rig, INDEXES[1].0).await];
    work_for(&rig, Duration::from_secs(5), &mut ended).await;
    let sweeps = (began.elapsed() + COUNTED_LATE).as_millis() / SWEEPS.as_millis() + 1;
    let sweeps = i64::try_from(sweeps).expect("not for long");
    let recent = most_within(FLOORS_TRAIL, &ended);
    for ((index, dead), before) in INDEXES.into_iter().zip(before) {
        let after = walked(&rig, index).await;
        let (looks, entries) = (after.0 - before.0, after.1 - before.1);
        println!(
            "{entries} entries of {index} in {looks} looks and at most {sweeps} sweeps; {recent} works in a moment"
        );
        assert!(entries > dead, "nothing is pinned: {entries} entries of {index} in {looks} looks");
        let most = sweeps * dead + looks * recent;
        assert!(entries <= most, "D3: {entries} entries of {index} in {looks} looks are more than {most}");
    }
}

/// The most of `moments` that lie so close together.
fn most_within(span: Duration, moments: &[Instant]) -> i64 {
    let within = |from: &Instant| moments.iter().filter(|at| (*from..=*from + span).contains(*at)).count();
    i64::try_from(moments.iter().map(within).max().unwrap_or(0)).expect("few")
}

/// Sends, now and for a moment later, and waits until both are done, again and again. Adds when each was.
async fn work_for(rig: &Rig, long: Duration, ended: &mut Vec<Instant>) {
    let began = Instant::now();
    while began.elapsed() < long {
        let number = i64::try_from(ended.len()).expect("few");
        book(&rig.signals, &Work { delay_ms: 1, ..Work::light(number) }).await.expect("it is stored");
        book(&rig.signals, &Work::light(number + 1)).await.expect("it is stored");
        until("both to be done", async || rig.ended() == ended.len() + 2).await;
        ended.extend([Instant::now(); 2]);
    }
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

/// S13: what a very long transaction commits after younger ones is found within a second of its commit, also what was to be
/// due later, and was due long before the commit.
#[tokio::test(flavor = "multi_thread")]
async fn s13_a_very_long_transaction_that_commits_after_younger_ones_is_found_soon() {
    let rig = Rig::new(Settings::fast()).await;
    let worker = rig.worker();
    rig.connected(&[&worker]).await;
    let (long, _) = prepare(&rig.signals, &Work::light(1)).await.expect("it is sent");
    let delayed = Work { delay_ms: 50, ..Work::light(300) };
    let (delayed, _) = prepare(&rig.signals, &delayed).await.expect("it is sent");
    for number in 2..300 {
        book(&rig.signals, &Work::light(number)).await.expect("it is stored");
    }
    until("the younger ones to be done", async || rig.ended() == 298).await;
    // Longer than any floor trails.
    let passed = Instant::now();
    until("the floors to rise", async || passed.elapsed() > Duration::from_secs(3)).await;

    for (long, ended) in [(long, 299), (delayed, 300)] {
        let committed = Instant::now();
        long.commit().await.expect("it is stored");
        until("the long one to be done", async || rig.ended() == ended).await;
        assert!(committed.elapsed() < Duration::from_millis(1_500), "S13: found after {:?}", committed.elapsed());
    }
    rig.agrees().await;
}
