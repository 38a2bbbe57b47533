//! T2, S13, I15: claims by the server's clock, with floors and sweeps.

use std::time::Duration;

use signals_conformance::fixtures::{SHIP, paid};
use signals_conformance::stage::until;
use signals_conformance::{App, Db, Harness as _, Puppet};
use signals_core::clock::ManualClock;
use signals_core::delivery::{Lane, ReceiverId};
use signals_core::store::{Acked, ReceiverEntry, Registration, SignalEntry};
use signals_core::{Backend as _, Signal as _};
use signals_runtime::PgBackend;
use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::harness::Postgres;

/// A database on the server's own clock, where floors rise and sweeps come now and then.
pub(crate) async fn open() -> Db<Postgres> {
    let harness = Postgres::on_the_servers_clock().await;
    let store = harness.backend().store();
    Db { harness: std::sync::Arc::new(harness), clock: ManualClock::default(), store }
}

async fn complete(puppet: &mut Puppet, limit: usize) -> usize {
    let claimed = puppet.claim(limit).await;
    let acked: Vec<_> =
        claimed.iter().map(|claimed| Acked { held: claimed.held, ran: Duration::ZERO, keep: false }).collect();
    puppet.store.ack(&acked).await.expect("acknowledges").len()
}

/// Sends and completes for longer than floors trail: claims begin above what was sent before, also while somebody else on the
/// server has a transaction open.
async fn rise(app: &App<Postgres>, puppet: &mut Puppet) {
    let began = tokio::time::Instant::now();
    while began.elapsed() < Duration::from_millis(1_500) {
        app.send(&paid(2)).await;
        complete(puppet, 10).await;
    }
}

/// S13: ids commit out of order all the time; whoever comes late is found by the very next claim, not by a sweep.
#[tokio::test]
async fn s13_what_commits_a_moment_late_is_found_at_once() {
    let case = open().await;
    let app = case.app(&[&SHIP]).await;
    let mut puppet = app.puppet().await;
    rise(&app, &mut puppet).await;
    let mut shown = 0;
    for _ in 0..20 {
        let began = tokio::time::Instant::now();
        let mut late = app.begin().await;
        paid(1).send(&mut late).await.expect("sends");
        for _ in 0..3 {
            app.send(&paid(2)).await;
            assert_eq!(complete(&mut puppet, 10).await, 1);
        }
        late.commit().await.expect("commits");
        let found = complete(&mut puppet, 10).await;
        // Later than floors trail, it is a straggler, which a sweep finds: this machine has much to do.
        let is_a_moment = began.elapsed() < Duration::from_millis(800);
        assert!(found == 1 || !is_a_moment, "what was sent first was not found after {:?}", began.elapsed());
        shown += usize::from(is_a_moment);
        if shown == 5 {
            return;
        }
        while found == 0 && complete(&mut puppet, 10).await == 0 {
            assert!(began.elapsed() < Duration::from_secs(30), "the straggler was not found");
        }
    }
    panic!("only {shown} of 20 rounds took a moment");
}

/// How many sessions have swept last, in a sweep that began after `moment` of the server's clock. A claim that found nothing ends
/// with its statement, so that its session says which one that was.
async fn swept_since(harness: &Postgres, moment: f64) -> i64 {
    let (_, sweep) = PgBackend::statements().find(|(name, _)| *name == "sweep").expect("it has a name");
    let head = sweep.lines().next().expect("it begins with a comment");
    let swept = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
        AND starts_with(query, $1) AND extract(epoch FROM query_start)::float8 > $2";
    sqlx::query_scalar(swept).bind(head).bind(moment).fetch_one(&harness.reader).await.expect("a number")
}

/// The server's clock.
async fn moment(harness: &Postgres) -> f64 {
    let now = "SELECT extract(epoch FROM clock_timestamp())::float8";
    sqlx::query_scalar(now).fetch_one(&harness.reader).await.expect("the time")
}

/// S13: whatever ids it holds, what a transaction that ran for long commits is found by the first sweep that begins after its
/// commit. How often sweeps come is shown where that is decided (`sweeps.rs`), and how soon it all is by the rigs.
#[tokio::test]
async fn s13_a_straggler_below_the_floors_is_found_by_the_next_sweep() {
    let case = open().await;
    let app = case.app(&[&SHIP]).await;
    let mut puppet = app.puppet().await;
    let mut long = app.begin().await;
    paid(1).send(&mut long).await.expect("sends");
    rise(&app, &mut puppet).await;
    let puppet = tokio::sync::Mutex::new(puppet);
    let before = moment(&case.harness).await;
    until("a sweep that finds nothing is seen, and the next is half a second away", async || {
        assert_eq!(complete(&mut *puppet.lock().await, 10).await, 0, "everything younger is done");
        swept_since(&case.harness, before).await > 0
    })
    .await;
    long.commit().await.expect("commits");
    let committed = moment(&case.harness).await;
    until("the straggler to be found", async || {
        let found = complete(&mut *puppet.lock().await, 10).await;
        let in_vain = found == 0 && swept_since(&case.harness, committed).await > 0;
        assert!(!in_vain, "a sweep that began after the commit passed it by");
        found == 1
    })
    .await;
}

/// How many times as much stands below the floors as a claim takes.
const BATCHES: usize = 6;

/// S13: nor does a large transaction that ran for long come a batch for each sweep's interval.
#[tokio::test]
async fn s13_stragglers_are_claimed_as_fast_as_there_are_slots() {
    let case = open().await;
    let app = case.app(&[&SHIP]).await;
    let mut puppet = app.puppet().await;
    let mut long = app.begin().await;
    for _ in 0..BATCHES * 10 {
        paid(1).send(&mut long).await.expect("sends");
    }
    rise(&app, &mut puppet).await;
    complete(&mut puppet, 10).await;
    long.commit().await.expect("commits");
    let puppet = tokio::sync::Mutex::new(puppet);
    until("the first are found", async || complete(&mut *puppet.lock().await, 10).await == 10).await;
    for batch in 1..BATCHES {
        assert_eq!(complete(&mut *puppet.lock().await, 10).await, 10, "batch {batch}");
    }
}

/// T9, L1: a dead worker may have held many times what another has slots for. It is taken over as fast as these are free, not a
/// batch for each sweep's interval.
#[tokio::test]
async fn l1_t9_what_a_dead_worker_held_is_taken_over_as_fast_as_there_are_slots() {
    let case = open().await;
    let app = case.app(&[&SHIP]).await;
    let (mut victim, mut thief) = (app.puppet().await, app.puppet().await);
    for _ in 0..BATCHES * 10 {
        app.send(&paid(1)).await;
    }
    let lease = Duration::from_millis(400);
    let held = victim.claim_with(BATCHES * 10, |claim| claim.lease = lease).await.claimed;
    assert_eq!(held.len(), BATCHES * 10);
    rise(&app, &mut thief).await;
    let thief = tokio::sync::Mutex::new(thief);
    until("the first are stolen", async || thief.lock().await.steal(10).await.lost.len() == 10).await;
    for batch in 1..BATCHES {
        assert_eq!(thief.lock().await.steal(10).await.lost.len(), 10, "batch {batch}");
    }
}

/// T9, L1: by the server's clock; expired leases stand below the floors, too.
#[tokio::test]
async fn t9_an_expired_lease_below_the_floors_is_stolen_by_a_sweep() {
    let case = open().await;
    let app = case.app(&[&SHIP]).await;
    let (mut victim, mut thief) = (app.puppet().await, app.puppet().await);
    app.send(&paid(1)).await;
    let lease = Duration::from_millis(400);
    let held = victim.claim_with(1, |claim| claim.lease = lease).await.claimed.remove(0);
    rise(&app, &mut thief).await;
    let thief = tokio::sync::Mutex::new(thief);
    until("the lease is stolen", async || !thief.lock().await.steal(10).await.lost.is_empty()).await;
    assert_eq!(victim.ack(&held).await, signals_core::store::Finished::Stale);
}

/// T8: what was given back is below the floors of whoever claimed beyond it.
#[tokio::test]
async fn t8_what_was_given_back_is_found_by_a_sweep() {
    let case = open().await;
    let app = case.app(&[&SHIP]).await;
    let (mut leaving, mut staying) = (app.puppet().await, app.puppet().await);
    app.send(&paid(1)).await;
    let held = leaving.claim_one().await;
    rise(&app, &mut staying).await;
    leaving.release(&held).await;
    let staying = tokio::sync::Mutex::new(staying);
    until("it is found", async || complete(&mut *staying.lock().await, 10).await == 1).await;
}

fn registration(name: &'static str, aliases: &'static [&'static str]) -> Registration {
    let signal = signals_conformance::fixtures::SHIP.signal.name;
    let signals = vec![SignalEntry { name: signal, aliases: &[] }];
    Registration { signals, receivers: vec![ReceiverEntry { name, aliases, signal }], retired: Vec::new() }
}

/// I15, I2: a send that began before two names became one receiver stores its delivery for the one that is no more; it is
/// moved.
#[tokio::test]
async fn i15_a_send_that_began_before_a_merge_reaches_who_took_over() {
    let case = open().await;
    let store = &case.store;
    store.register(&registration("old", &[])).await.expect("registers");
    store.register(&registration("new", &[])).await.expect("registers");
    let app = case.program(&[]);
    let mut tx = app.begin().await;
    paid(1).send(&mut tx).await.expect("sends to both");
    let merged = store.register(&registration("new", &["old"])).await.expect("merges while the send is under way");
    tx.commit().await.expect("commits");
    let into = merged.ids[0].1;
    until("what was on its way is moved", async || {
        store.promote(10).await.expect("promotes");
        case.harness.number("SELECT count(DISTINCT receiver) FROM signals.delivery").await == 1
    })
    .await;
    let mut puppet = Puppet::enlist(store.clone(), vec![Lane { receiver: into, version: 1 }]).await;
    assert_eq!(puppet.claim(10).await.len(), 1);
    let cancelled = "SELECT count(*) FROM signals.settled WHERE outcome = 'cancelled' AND reason = 'merged'";
    assert_eq!((case.harness.number(cancelled).await, into == ReceiverId(0)), (1, false), "of two one is left");
}

/// I9: the server's clock decides, and the sender's is not asked.
#[tokio::test]
async fn i9_a_delay_is_measured_by_the_servers_clock() {
    let case = open().await;
    let app = case.app(&[&SHIP]).await;
    let mut tx = case.harness.backend.begin().await.expect("begins");
    let mut outgoing = signals_core::Outgoing::new(&paid(1));
    outgoing.due = signals_core::Due::After(Duration::from_millis(300));
    let context = signals_core::SendContext::new(app.registry.clone());
    let batch = signals_core::SendBatch { signals: vec![outgoing], context };
    PgBackend::send(&mut tx, &batch).await.expect("sends");
    case.harness.backend.commit(tx).await.expect("commits");
    let waits = "SELECT extract(epoch FROM due_at - sent_at)::numeric * 1000 = 300 AND sent_at <= clock_timestamp()
        FROM signals.overview";
    let waits: bool = sqlx::query_scalar(waits).fetch_one(&case.harness.reader).await.expect("it waits");
    assert!(waits);
    let puppet = tokio::sync::Mutex::new(app.puppet().await);
    until("it is due", async || {
        case.store.promote(10).await.expect("promotes");
        complete(&mut *puppet.lock().await, 10).await == 1
    })
    .await;
}

/// The median of many claims, each of one delivery that was just sent.
async fn median_claim(app: &App<Postgres>, puppet: &mut Puppet) -> Duration {
    let mut took = Vec::new();
    for _ in 0..101 {
        app.send(&paid(1)).await;
        // tidy: a duration: how long a claim takes
        let began = std::time::Instant::now();
        let claimed = puppet.claim(1).await;
        took.push(began.elapsed());
        assert_eq!(claimed.len(), 1);
        puppet.ack(&claimed[0]).await;
    }
    took.sort_unstable();
    took[took.len() / 2]
}

/// D3, P4: dead rows that nobody can clear away, because somebody reads or an idle writer has a number.
#[tokio::test]
async fn d3_claims_take_no_longer_above_400_000_dead_rows_that_a_reader_or_an_idle_writer_pins() {
    let case = open().await;
    let app = case.app(&[&SHIP]).await;
    let mut puppet = app.puppet().await;
    median_claim(&app, &mut puppet).await; // what is slow only once
    let free = median_claim(&app, &mut puppet).await;
    for pin in
        ["BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM business", "BEGIN; SELECT pg_current_xact_id()"]
    {
        let mut pinning = PgConnection::connect_with(&case.harness.database.options()).await.expect("connects");
        pinning.execute(pin).await.expect("it pins the horizon");
        let dead = "INSERT INTO signals.delivery (receiver, version, signal)
                SELECT receiver.id, 1, 0 FROM signals.receiver, generate_series(1, 400000);
            DELETE FROM signals.delivery WHERE signal = 0";
        case.harness.reader.execute(dead).await.expect("they come and go");
        let began = tokio::time::Instant::now();
        while began.elapsed() < Duration::from_millis(1_500) {
            median_claim(&app, &mut puppet).await; // the trailing floor rises
        }
        let pinned = median_claim(&app, &mut puppet).await;
        println!("a claim takes {free:?}, and {pinned:?} behind `{pin}`");
        // A walk over the dead rows takes tens of milliseconds; another test that takes the processor takes fewer.
        assert!(pinned < free * 2 + Duration::from_millis(3), "D3: {free:?}, and {pinned:?} behind `{pin}`");
    }
}

/// I15, I2: a send that commits while a merge is under way is decided for both receivers as one: a lane never holds two
/// deliveries of one signal.
#[tokio::test]
async fn i15_a_send_in_the_middle_of_a_merge_leaves_one_delivery_of_its_signal() {
    let case = open().await;
    let store = &case.store;
    store.register(&registration("old", &[])).await.expect("registers");
    store.register(&registration("new", &[])).await.expect("registers");
    let app = case.program(&[]);
    app.send(&paid(1)).await;
    let mut holder = case.harness.reader.acquire().await.expect("a connection");
    sqlx::raw_sql("BEGIN; SELECT FROM signals.delivery FOR UPDATE").execute(&mut *holder).await.expect("locks");
    let merge = registration("new", &["old"]);
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let meanwhile = async {
        until("the merge waits", async || case.harness.number(waits).await == 1).await;
        app.send(&paid(2)).await;
        sqlx::raw_sql("COMMIT").execute(&mut *holder).await.expect("lets go");
    };
    let (merged, ()) = tokio::join!(store.register(&merge), meanwhile);
    merged.expect("merges");
    let twice = "SELECT count(*) - count(DISTINCT (receiver, signal)) FROM signals.delivery";
    assert_eq!(case.harness.number(twice).await, 0, "one lane holds a signal twice");
    until("what was sent meanwhile is moved", async || {
        store.promote(10).await.expect("promotes");
        case.harness.number("SELECT count(DISTINCT receiver) FROM signals.delivery").await == 1
    })
    .await;
    assert_eq!(case.harness.number("SELECT count(*) FROM signals.delivery").await, 2);
}

/// W11, T9: rows that a foreign hand has written, which cannot be made dead letters, stop no claim.
#[tokio::test]
async fn t9_a_row_that_cannot_be_buried_keeps_nothing_else_from_being_claimed() {
    let case = open().await;
    let app = case.app(&[&SHIP]).await;
    app.send(&paid(1)).await;
    let planted = "
        INSERT INTO signals.delivery (receiver, version, signal, token, lease_until, lost_leases)
        SELECT d.receiver, d.version, s, 1, now() - interval '1 s', 4
        FROM signals.delivery AS d CROSS JOIN unnest(ARRAY[d.signal, 1000000]) AS s;
        INSERT INTO signals.settled (signal, receiver, version, life, attempt, lost_leases, refunds, outcome, settled_at,
                                     name, sent_at)
        SELECT DISTINCT d.signal, d.receiver, 1, 0, 1, 0, 0, 'done', now(), 'paid', now() FROM signals.delivery AS d";
    sqlx::raw_sql(planted).execute(&case.harness.reader).await.expect("rows of a foreign hand's");
    let puppet = tokio::sync::Mutex::new(app.puppet().await);
    let claimed = puppet.lock().await.claim_with(10, |claim| claim.steal = true).await;
    assert_eq!(
        (claimed.claimed.len(), claimed.lost.len()),
        (1, 1),
        "the one that stands in settled goes without another"
    );
    let refuse = "ALTER TABLE signals.settled ADD CHECK (outcome <> 'dead') NOT VALID;
        UPDATE signals.delivery SET token = 1, lease_until = now() - interval '1 s', lost_leases = 4;
        DELETE FROM signals.settled";
    sqlx::raw_sql(refuse).execute(&case.harness.reader).await.expect("a table that takes no dead letters");
    app.send(&paid(2)).await;
    // A store of its own, whose first claim is a sweep.
    let store = case.store.dedicated().await.expect("connects");
    let mut other = Puppet::enlist(store, vec![claimed.claimed[0].held.lane]).await;
    let claimed = other.claim_with(10, |claim| claim.steal = true).await.claimed;
    assert_eq!(claimed.len(), 1, "what else there is");
}
