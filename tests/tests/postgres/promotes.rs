//! Promote by the server's clock: from a floor, with sweeps below it. D3, S13.

use std::time::{Duration, Instant};

use signals_conformance::fixtures::{SHIP, paid};
use signals_conformance::stage::until;
use signals_core::{Backend as _, Signal as _};
use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::claims::open;
use crate::harness::{Plain, Postgres};

/// How many index entries were walked, and by how many looks, as far as the server has heard of it.
async fn walked(harness: &Postgres<Plain>) -> (i64, i64) {
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

/// S13, I9: what is committed after it was due, by a transaction that ran for long, stands below the floor, and is moved by a
/// sweep.
#[tokio::test]
async fn s13_what_was_due_before_it_was_committed_is_promoted_within_a_second() {
    let case = open().await;
    let app = case.app(&[&SHIP]).await;
    let mut long = app.begin().await;
    paid(1).send(&mut long).after(Duration::from_millis(50)).await.expect("sends");
    let began = Instant::now();
    // Longer than the floor trails.
    while began.elapsed() < Duration::from_millis(1_500) {
        let mut tx = app.begin().await;
        paid(2).send(&mut tx).after(Duration::from_millis(1)).await.expect("sends");
        tx.commit().await.expect("commits");
        until("the younger one to be moved", async || case.store.promote(10).await.expect("promotes").moved == 1).await;
    }
    long.commit().await.expect("commits");
    let committed = Instant::now();
    until("the straggler to be moved", async || case.store.promote(10).await.expect("promotes").moved == 1).await;
    assert!(committed.elapsed() < Duration::from_secs(1), "S13: after {:?}", committed.elapsed());
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
