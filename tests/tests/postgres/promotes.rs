//! Promote by the server's clock: from a floor, with sweeps below it. D3, S13.

use std::time::{Duration, Instant};

use signals_conformance::fixtures::{SHIP, paid};
use signals_conformance::stage::{self, Theatre, until};
use signals_conformance::{Db, Puppet};
use signals_core::store::{AttemptOutcome, Claimed, Failed, Fate, Finished, Snoozed};
use signals_core::{Backend as _, Receiver as _, Signal as _};
use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::claims::open;
use crate::harness::Postgres;

/// How many index entries were walked, and by how many looks, as far as the server has heard of it.
async fn walked(harness: &Postgres) -> (i64, i64) {
    let walked = "SELECT idx_tup_read, idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'later_due'";
    sqlx::query_as(walked).fetch_one(&harness.reader).await.expect("the server counts")
}

/// D3, P4: what was moved has died where every look begins, and nobody can clear it away, because somebody reads or an idle
/// writer has a number. Looks walk over it as often as they sweep, and no more often.
#[tokio::test]
async fn d3_promoting_walks_over_400_000_dead_rows_that_somebody_pins_only_in_sweeps() {
    const DEAD: i64 = 400_000;
    const LOOKS: i64 = 200;
    let case = open().await;
    for pin in
        ["BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM business", "BEGIN; SELECT pg_current_xact_id()"]
    {
        let mut pinning = PgConnection::connect_with(&case.harness.database.options()).await.expect("connects");
        pinning.execute(pin).await.expect("it pins the horizon");
        let dead = "INSERT INTO signals.later (signal, receiver, version, due_at)
                SELECT n, 1, 1, now() - interval '1 hour' FROM generate_series(1, 400000) AS n;
            DELETE FROM signals.later";
        case.harness.reader.execute(dead).await.expect("they come and go");
        // A store of its own, which knows of nothing.
        let store = case.harness.backend.store().dedicated().await.expect("connects");
        let before = walked(&case.harness).await;
        let began = Instant::now();
        for _ in 0..LOOKS {
            store.promote(100).await.expect("promotes");
        }
        until("the server to have counted", async || {
            store.promote(100).await.expect("promotes");
            walked(&case.harness).await.1 >= before.1 + LOOKS
        })
        .await;
        let entries = walked(&case.harness).await.0 - before.0;
        // The first look is a sweep, and then there is one in half a second at the most.
        let sweeps = 1 + i64::try_from(began.elapsed().as_millis()).expect("not for long") / 500;
        println!("{entries} entries in {LOOKS} looks and at most {sweeps} sweeps, behind `{pin}`");
        assert!(entries >= DEAD, "nothing was pinned by `{pin}`: {entries} entries");
        assert!(entries <= sweeps * DEAD * 2, "D3: {entries} entries, in at most {sweeps} sweeps, behind `{pin}`");
        pinning.close().await.expect("it was open");
    }
}

/// Something that every sweep moves, and no other look: it was due long before everything else.
async fn lay_at_the_bottom(case: &Db<Postgres>, signal: i64) {
    let bottom = "INSERT INTO signals.later (signal, receiver, version, due_at)
        SELECT $1, receiver.id, 1, now() - interval '1 hour' FROM signals.receiver";
    sqlx::query(bottom).bind(signal).execute(&case.harness.reader).await.expect("it waits");
}

/// S13, I9: what is committed after it was due, by a transaction that ran for long, stands below the floor, and is moved by the
/// first sweep that begins after its commit: by the one that moves what was laid at the bottom before that.
#[tokio::test]
async fn s13_what_was_due_before_it_was_committed_is_promoted_by_the_next_sweep() {
    let case = open().await;
    // Not one of the suite's own, whose clock stands still.
    let program = Theatre::open(&case, &[&SHIP], []).await;
    let begin = async || program.signals.begin().await.expect("begins");
    let mut long = begin().await;
    paid(1).send(&mut long).after(Duration::from_millis(50)).await.expect("sends");
    let look = async || case.store.promote(10).await.expect("promotes").moved;
    let began = Instant::now();
    // Longer than the floor trails.
    while began.elapsed() < Duration::from_millis(1_500) {
        let mut tx = begin().await;
        paid(2).send(&mut tx).after(Duration::from_millis(1)).await.expect("sends");
        tx.commit().await.expect("commits");
        until("the younger one to be moved", async || look().await == 1).await;
    }
    lay_at_the_bottom(&case, -1).await;
    until("a sweep, so that the next is half a second away", async || look().await == 1).await;
    lay_at_the_bottom(&case, -2).await;
    long.commit().await.expect("commits");
    until("the straggler to be moved", async || {
        let moved = look().await;
        assert!([0, 2].contains(&moved), "a sweep that began after the commit passed it by, or what found it was none");
        moved == 2
    })
    .await;
}

/// A batch that is full says nothing of what is due after its last: the next begins there.
#[tokio::test]
async fn promoting_in_small_batches_leaves_nothing_that_is_due_behind() {
    let case = open().await;
    let due = "INSERT INTO signals.later (signal, receiver, version, due_at)
        SELECT n, 1, 1, now() - n % 7 * interval '1 minute' FROM generate_series(1, 100) AS n";
    case.harness.reader.execute(due).await.expect("they wait");
    // Those of one moment do not fit into one batch; the first call is a sweep, and none of the others is.
    for call in 1..=34 {
        let moved = case.store.promote(3).await.expect("promotes").moved;
        assert_eq!(moved, if call == 34 { 1 } else { 3 }, "call {call}");
    }
    assert_eq!(case.harness.number("SELECT count(*) FROM signals.later").await, 0);
    let order =
        "SELECT count(*) FROM (SELECT due_at < lag(due_at) OVER (ORDER BY id) AS wrong FROM signals.delivery) AS d
        WHERE wrong";
    assert_eq!(case.harness.number(order).await, 0, "who waits longest comes first");
}

/// What is committed long after it was due.
async fn due_at_once(case: &Db<Postgres>, deliveries: usize) {
    let due = "INSERT INTO signals.later (signal, receiver, version, due_at)
        SELECT n, 1, 1, now() - interval '1 hour' + n * interval '1 us' FROM generate_series(1, $1::bigint) AS n";
    let deliveries = i64::try_from(deliveries).expect("few");
    sqlx::query(due).bind(deliveries).execute(&case.harness.reader).await.expect("they wait");
}

/// L1: of what is committed long after it was due, the sweep that finds it moves one batch, and the looks that follow the rest.
#[tokio::test]
async fn l1_a_backlog_below_the_floor_is_moved_as_fast_as_looks_come() {
    const BATCH: usize = 50;
    let case = open().await;
    due_at_once(&case, 1).await;
    assert_eq!(case.store.promote(BATCH).await.expect("promotes").moved, 1, "the floor stands at a second ago");
    due_at_once(&case, BATCH * 3).await;
    until("a sweep", async || case.store.promote(BATCH).await.expect("promotes").moved > 0).await;
    let mut moved = Vec::new();
    for _ in 0..3 {
        moved.push(case.store.promote(BATCH).await.expect("promotes").moved);
    }
    assert_eq!(moved, [BATCH, BATCH, 0]);
}

/// The next look after what waits is due, and the claim after it.
async fn comes(case: &Db<Postgres>, puppet: &mut Puppet) -> Claimed {
    let due = "SELECT count(*) FROM signals.later WHERE due_at <= clock_timestamp()";
    until("it to be due", async || case.harness.number(due).await == 1).await;
    assert_eq!(case.store.promote(10).await.expect("promotes").moved, 1, "a look above the floor does not see it");
    puppet.claim_one().await
}

/// S5, T5, T6: where looks begin at floors, as they do at work, each sees what has become due since the one before.
#[tokio::test]
async fn t5_t6_delays_retries_and_snoozes_end_above_the_floor() {
    const DELAY: Duration = Duration::from_millis(30);
    let case = open().await;
    let program = Theatre::open(&case, &[&SHIP], []).await;
    let mut puppet = case.program(&[&SHIP]).puppet().await;
    let began = Instant::now();
    // Longer than the floor trails.
    while began.elapsed() < Duration::from_millis(1_500) {
        let mut tx = program.signals.begin().await.expect("begins");
        paid(1).send(&mut tx).after(DELAY).await.expect("sends");
        tx.commit().await.expect("commits");
        let held = comes(&case, &mut puppet).await.held;
        let (outcome, fate) = (AttemptOutcome::Error, Fate::Retry { delay: DELAY });
        let failed = Failed { held, outcome, error: "boom".to_owned(), ran: DELAY, fate };
        assert_eq!(case.store.fail(&[failed]).await.expect("fails"), [Finished::Done]);
        let held = comes(&case, &mut puppet).await.held;
        assert_eq!(case.store.snooze(&[Snoozed { held, delay: DELAY }]).await.expect("snoozes"), [Finished::Done]);
        let last = comes(&case, &mut puppet).await;
        assert_eq!(last.counters.attempt, 2, "the snoozed one is refunded");
        assert_eq!(puppet.ack(&last).await, Finished::Done);
    }
}

/// W5, I3: a drain ends when nothing is due, and not when nothing is due above the floors that the drain before it has left.
#[tokio::test]
async fn i3_a_drain_leaves_nothing_behind_that_stands_below_the_floors() {
    let case = open().await;
    let theatre = Theatre::open(&case, &[stage::Plain::DEF], []).await;
    let mut long = theatre.signals.begin().await.expect("begins");
    paid(1).send(&mut long).await.expect("sends");
    paid(2).send(&mut long).after(Duration::from_millis(1)).await.expect("sends");
    let began = Instant::now();
    // Longer than the floors trail.
    while began.elapsed() < Duration::from_millis(1_500) {
        theatre.send(&paid(3)).await;
        assert_eq!(theatre.drain().await.done, 1);
    }
    theatre.send(&paid(3)).await;
    long.commit().await.expect("commits");
    assert_eq!(theatre.drain().await.done, 3, "of the last, and of two that committed late");
}
