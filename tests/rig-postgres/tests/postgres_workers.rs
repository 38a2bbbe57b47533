//! Worker processes that are killed, stopped in their tracks and asked to end: W1–W6, W12, L1, L2. What receivers do to
//! their own process is in `postgres_bodies.rs`.

mod common;

use std::time::{Duration, Instant};

use common::{LEASE, Process, Rig, starts, until};
use rustix::process::Signal;
use signals_cluster::Settings;
use signals_rig_postgres::{Work, book};

/// W1, E15, L1: the delivery of a killed worker starts again within its lease and a second.
#[tokio::test(flavor = "multi_thread")]
async fn w1_l1_a_killed_workers_delivery_runs_again_within_its_lease_and_a_second_on_a_server() {
    let rig = Rig::new(Settings::fast()).await;
    let mut first = rig.worker();
    rig.connected(&[&first]).await;
    book(&rig.signals, &Work::held(1, Duration::from_secs(5))).await.expect("it is stored");
    until("the start", async || starts(&rig.log.read(), 1).len() == 1).await;
    let second = rig.worker();
    rig.may_steal(&[&second]).await;

    let killed = Instant::now();
    first.kill();
    until("the second start", async || starts(&rig.log.read(), 1).len() == 2).await;
    assert!(killed.elapsed() < LEASE + Duration::from_secs(1), "L1: after {:?}", killed.elapsed());
    assert_eq!(starts(&rig.log.read(), 1)[1].attempt, 1, "a crash costs a lease, not an attempt");
    rig.agrees().await;
}

/// W2, W3, W4, I5: workers killed under load, again and again, lose nothing and double no transactional effect.
#[tokio::test(flavor = "multi_thread")]
async fn w2_w3_w4_i5_workers_killed_under_load_lose_nothing_on_a_server() {
    let rig = Rig::new(Settings::fast()).await;
    let mut workers: Vec<Process> = (0..3).map(|_| rig.worker()).collect();
    let senders = [rig.sender_at(rig.database.url(), 1, 10), rig.sender_at(rig.database.url(), 2, 10)];
    for round in 0..9 {
        let ended = rig.ended();
        until("load", async || rig.ended() > ended + 30).await;
        let worker = &mut workers[round % 3];
        worker.kill();
        *worker = rig.worker();
    }
    for mut sender in senders {
        assert!(sender.finish().success(), "{}", rig.events());
    }
    rig.agrees().await;
}

/// W5, I6: a worker that slept past its lease changes nothing when it wakes.
#[tokio::test(flavor = "multi_thread")]
async fn w5_i6_a_worker_that_slept_past_its_lease_changes_nothing_on_a_server() {
    let rig = Rig::new(Settings::fast()).await;
    let mut first = rig.worker();
    rig.connected(&[&first]).await;
    book(&rig.signals, &Work::held(1, LEASE)).await.expect("it is stored");
    until("the start", async || starts(&rig.log.read(), 1).len() == 1).await;
    until("the other receiver to be done", async || rig.pending().await == 1).await;
    first.signal(Signal::STOP);
    let second = rig.worker();
    until("the second to start", async || starts(&rig.log.read(), 1).len() == 2).await;

    // Its time is over: it says that it is done while the second is in the middle of it.
    first.signal(Signal::CONT);
    until("the first to be told", async || rig.is_refused(0)).await;
    assert_eq!(rig.running().await, 1, "I6: what it says counts for nothing: {}", rig.events());
    rig.agrees().await;
    assert_eq!(rig.lost_leases().await, 1, "{}", rig.events());
    drop(second);
    assert!(first.stop().success(), "it goes on, and ends when asked");
}

/// W5, I6: nor does one that wakes while its heir works.
#[tokio::test(flavor = "multi_thread")]
async fn w5_i6_a_worker_that_wakes_while_its_heir_works_changes_nothing_on_a_server() {
    let rig = Rig::new(Settings::fast()).await;
    let zombie = rig.worker();
    rig.connected(&[&zombie]).await;
    book(&rig.signals, &Work::held(1, LEASE)).await.expect("it is stored");
    until("the start", async || starts(&rig.log.read(), 1).len() == 1).await;
    zombie.signal(Signal::STOP);
    let _heir = rig.worker();
    until("the heir to start", async || starts(&rig.log.read(), 1).len() == 2).await;

    // Its receiver has long been due to end: it does so at once, and its worker acknowledges it under the old token. Were that
    // accepted, the heir would lose what it works on, and stop.
    zombie.signal(Signal::CONT);
    until("both, the heir too, to finish", async || rig.ended() == 2).await;
    rig.agrees().await;
}

/// W6: a worker that slept past its lease, while nobody was there to take over, has lost nothing: what it says counts.
#[tokio::test(flavor = "multi_thread")]
async fn w6_a_worker_that_slept_past_its_lease_alone_finishes_what_it_holds_on_a_server() {
    let rig = Rig::new(Settings::fast()).await;
    let worker = rig.worker();
    rig.connected(&[&worker]).await;
    book(&rig.signals, &Work::held(1, LEASE / 2)).await.expect("it is stored");
    until("the start", async || starts(&rig.log.read(), 1).len() == 1).await;
    worker.signal(Signal::STOP);
    let held = "SELECT count(*) FROM signals.delivery WHERE lease_until > now()";
    until("the lease to be over", async || {
        let held: i64 = sqlx::query_scalar(held).fetch_one(rig.signals.backend().pool()).await.expect("it answers");
        held == 0
    })
    .await;

    worker.signal(Signal::CONT);
    rig.agrees().await;
    assert_eq!(rig.lost_leases().await, 0, "it robbed nobody, not even itself: {}", rig.events());
    assert_eq!(starts(&rig.log.read(), 1).len(), 1);
}

/// W12, L2: a worker that is asked to stop under load lets what runs finish, holds no lease, and exits with 0.
#[tokio::test(flavor = "multi_thread")]
async fn w12_l2_sigterm_under_load_holds_no_lease_and_exits_0_on_a_server() {
    let rig = Rig::new(Settings::fast()).await;
    let mut worker = rig.worker();
    rig.connected(&[&worker]).await;
    for number in 0..60 {
        book(&rig.signals, &Work::held(number, Duration::from_millis(300))).await.expect("it is stored");
    }
    until("work", async || rig.ended() > 0).await;
    assert!(worker.stop().success(), "L2: {}", rig.events());
    let held = "SELECT count(*) FROM signals.delivery WHERE token IS NOT NULL AND lease_until > now()";
    let held: i64 = sqlx::query_scalar(held).fetch_one(rig.signals.backend().pool()).await.expect("it answers");
    assert_eq!(held, 0, "L2: a lease is still held");
    let deliveries = rig.deliveries().await;
    assert!(deliveries.iter().all(|delivery| delivery.counters.lost_leases == 0), "{deliveries:#?}");
}

/// S1: a sender killed between insert and commit has stored nothing; one killed after it, everything.
#[tokio::test(flavor = "multi_thread")]
async fn s1_senders_killed_at_any_moment_store_all_or_nothing_on_a_server() {
    let rig = Rig::new(Settings::fast()).await;
    let _worker = rig.worker();
    for slot in 1..=12 {
        let stored = rig.stored();
        let mut sender = rig.sender(slot);
        until("some sends", async || rig.stored() > stored + 10).await;
        sender.kill();
    }
    rig.settled().await;
    // What its last send was is in the database alone: it must be whole.
    let half = "SELECT count(*) FROM booking FULL JOIN effect USING (number)
        WHERE booking.number IS NULL OR effect.number IS NULL";
    let half: i64 = sqlx::query_scalar(half).fetch_one(rig.signals.backend().pool()).await.expect("it answers");
    assert_eq!(half, 0, "S1, I1: a booking without its signal, or a signal without its booking");
}
