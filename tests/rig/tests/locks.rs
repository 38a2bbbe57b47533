//! SQLite's one write lock in other hands: who lives keeps its leases, and what the dead held is recovered all the same.

mod common;

use std::time::{Duration, Instant};

use common::{Rig, WorkerProcess, starts};
use rustix::process::Signal;
use signals_rig::{Hogging, Line, Work, send_one};
use signals_runtime::delivery::State;
use signals_runtime::store::AttemptOutcome;

const GRACE: Duration = Duration::from_secs(5);

fn by(lines: &[Line], worker: &WorkerProcess) -> bool {
    lines.iter().any(|line| line.pid == worker.0.id())
}

/// Two workers, each with deliveries that it holds for `hold`: the numbers from 100 on.
async fn two_busy_workers(rig: &Rig, receivers: &str, lease: Duration, hold: Duration) -> [WorkerProcess; 2] {
    let workers = [(); 2].map(|()| rig.worker_of(lease, GRACE, Some(receivers)));
    for worker in &workers {
        rig.connected_for(worker, Duration::ZERO).await;
    }
    let hold_ms = hold.as_millis().try_into().expect("a short time");
    // More than one of them may take.
    for number in 100..120 {
        send_one(&rig.signals, &Work { number, hold_ms }).await.expect("sent");
    }
    rig.log_until("both work", |lines| workers.iter().all(|worker| by(lines, worker)) && lines.len() == 20).await;
    workers
}

/// Waits until the twenty have ended, and checks that nobody was robbed of one.
async fn nobody_was_robbed(rig: &Rig) {
    let ends = |lines: &[Line]| lines.iter().filter(|line| line.what == "end" && line.number >= 100).count();
    let lines = rig.log_until("all ends", |lines| ends(lines) >= 20).await;
    for number in 100..120 {
        assert_eq!(starts(&lines, number).len(), 1, "delivery {number} changed hands: {lines:#?}");
    }
    let robbed: Vec<_> =
        rig.deliveries().await.into_iter().filter(|delivery| delivery.counters.lost_leases > 0).collect();
    assert!(robbed.is_empty(), "{robbed:#?}");
}

/// D4, T9: the lock is held for longer than a busy time-out and longer than a lease, and then again and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d4_t9_a_lock_held_for_longer_than_a_lease_costs_the_living_nothing() {
    const LEASE: Duration = Duration::from_secs(2);
    let rig = Rig::new().await;
    let mut workers = two_busy_workers(&rig, "rig.hold", LEASE, Duration::from_secs(14)).await;

    rig.shut(Duration::from_secs(6)).await;
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(400)).await; // tidy: not a wait: a gap in which everybody may renew
        rig.shut(LEASE + LEASE / 4).await;
    }

    nobody_was_robbed(&rig).await;
    rig.states_until("everything done", |states| states.iter().filter(|state| **state == State::Done).count() >= 20)
        .await;
    for worker in &mut workers {
        assert!(worker.0.try_wait().expect("a child").is_none(), "a worker has exited");
    }
}

/// L1, T9: writers that hold the lock for two seconds again and again do not put off the recovery of what a dead worker
/// held, and nobody living is robbed for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l1_t9_writers_that_hold_the_lock_for_seconds_again_and_again_do_not_put_off_recovery() {
    const LEASE: Duration = Duration::from_secs(9);
    const HELD: Duration = Duration::from_secs(2);
    let rig = Rig::new().await;
    let mut dead = rig.worker_of(LEASE, GRACE, Some("rig.h"));
    send_one(&rig.signals, &Work { number: 1, hold_ms: 60_000 }).await.expect("sent");
    rig.log_until("the start", |lines| starts(lines, 1).len() == 1).await;
    let heir = rig.worker_of(LEASE, GRACE, Some("rig.h"));
    rig.connected_for(&heir, Duration::ZERO).await;
    // It is among the living, and must not be robbed by itself or by the second heir.
    let _second = two_living(&rig, LEASE, &heir, &dead).await;

    dead.0.kill().expect("SIGKILL");
    dead.0.wait().expect("it is dead");
    let killed = Instant::now();
    let writers = async {
        loop {
            rig.shut(HELD).await;
            tokio::time::sleep(Duration::from_millis(200)).await; // tidy: not a wait: a gap in which others write
        }
    };
    let recovery = rig.log_until("the second start", |lines| starts(lines, 1).len() == 2);
    let lines = tokio::select! { lines = recovery => lines, () = writers => unreachable!("they go on for ever") };

    let recovered = killed.elapsed();
    // Its own wait for the lock, and as long again for those who waited with it.
    let allowed = LEASE + LEASE / 3 + HELD + Duration::from_secs(1);
    assert!(recovered <= allowed, "recovered after {recovered:?}, more than {allowed:?}");
    let living: Vec<_> = lines.iter().filter(|line| line.number >= 200 && line.what == "start").collect();
    assert_eq!(living.len(), 4, "what the living held changed hands: {lines:#?}");
}

/// A second heir, and four deliveries that the two of them hold for as long as the test runs.
async fn two_living(rig: &Rig, lease: Duration, heir: &WorkerProcess, dead: &WorkerProcess) -> WorkerProcess {
    let second = rig.worker_of(lease, GRACE, Some("rig.h"));
    rig.connected_for(&second, Duration::ZERO).await;
    // Stopped for a moment, the one that will die takes none of them.
    dead.signal(Signal::STOP);
    for number in 200..204 {
        send_one(&rig.signals, &Work { number, hold_ms: 60_000 }).await.expect("sent");
    }
    let taken = |lines: &[Line]| lines.iter().filter(|line| line.number >= 200 && line.what == "start").count() == 4;
    rig.log_until("the living work", taken).await;
    assert!(by(&rig.log.read(), heir) || by(&rig.log.read(), &second));
    second
}

/// W10, T5: a transactional receiver that blocks its thread for twice the renewal interval, past its own time-out, costs no
/// other delivery its lease, and is failed as soon as the lock is free.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w10_t5_a_receiver_that_blocks_inside_its_tx_costs_no_other_delivery_its_lease() {
    const LEASE: Duration = Duration::from_secs(3);
    let rig = Rig::new().await;
    let _workers = two_busy_workers(&rig, "rig.h", LEASE, Duration::from_secs(8)).await;
    let hold_ms = (LEASE * 2 / 3).as_millis().try_into().expect("a short time");

    let signal = send_one(&rig.signals, &Hogging { number: 7, hold_ms }).await.expect("sent");
    let lines = rig.log_until("both attempts", |lines| {
        lines.iter().filter(|line| line.what == "end" && line.number == 7).count() == 2
    });
    lines.await;
    rig.states_until("the second is done", |states| states.contains(&State::Done)).await;

    let delivery = rig.deliveries().await.into_iter().find(|delivery| delivery.id.signal == signal).expect("sent");
    assert_eq!((delivery.state, delivery.counters.attempt, delivery.counters.lost_leases), (State::Done, 2, 0));
    let detail = rig.signals.inspect().get(delivery.id).await.expect("a look-up").expect("it is kept");
    assert_eq!(detail.attempts.iter().map(|attempt| attempt.outcome).collect::<Vec<_>>(), [AttemptOutcome::Timeout]);
    let written: i64 = sqlx::query_scalar("SELECT count(*) FROM effect WHERE number = 7")
        .fetch_one(rig.signals.backend().pool())
        .await
        .expect("a count");
    assert_eq!(written, 1, "what the first attempt wrote is rolled back");
    nobody_was_robbed(&rig).await;
}

/// W5, I5: a transactional worker that is stopped inside its transaction, past its lease, shuts everybody out; continued, its
/// effect counts once, and nobody was robbed meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w5_i5_a_worker_stopped_inside_its_tx_past_its_lease_doubles_no_effect() {
    const LEASE: Duration = Duration::from_secs(3);
    let rig = Rig::new().await;
    let zombie = rig.worker_of(LEASE, GRACE, Some("rig.hogging"));
    send_one(&rig.signals, &Hogging { number: 7, hold_ms: 800 }).await.expect("sent");
    rig.log_until("the start", |lines| starts(lines, 7).len() == 1).await;

    zombie.signal(Signal::STOP);
    let began = Instant::now();
    let heir = rig.worker_of(LEASE, GRACE, Some("rig.hogging"));
    tokio::time::sleep(LEASE + LEASE / 2).await; // tidy: not a wait: for so long it is stopped
    assert_eq!(starts(&rig.log.read(), 7).len(), 1, "nobody can write, so nobody steals");
    zombie.signal(Signal::CONT);
    rig.states_until("it is done", |states| states == [State::Done]).await;

    assert!(began.elapsed() < LEASE * 5, "{:?}", began.elapsed());
    let written: i64 = sqlx::query_scalar("SELECT count(*) FROM effect")
        .fetch_one(rig.signals.backend().pool())
        .await
        .expect("a count");
    assert_eq!(written, 1);
    drop(heir);
}
