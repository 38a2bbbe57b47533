//! Worker processes over one SQLite file, killed and asked to stop. Only the log outside the database is believed.

mod common;

use std::time::{Duration, Instant};

use common::{LEASE, Rig, starts};
use rustix::process::Signal;
use signals_rig::{Blockade, Line, Work, send, send_one};
use signals_runtime::delivery::State;
use signals_runtime::store::Filter;
use signals_runtime::{Signals, SqliteBackend};

/// W1, E15, L1: the delivery of a killed worker starts again within its lease plus one second.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w1_e15_l1_a_killed_workers_delivery_runs_again_within_its_lease_and_a_second() {
    let rig = Rig::new().await;
    let mut first = rig.worker(Duration::from_secs(5));
    send(&rig.signals, 1..2, Duration::from_secs(30)).await.expect("sent");
    rig.log_until("the first start", |lines| starts(lines, 1).len() == 1).await;
    let second = rig.worker(Duration::from_secs(5));
    // The second worker must have been connected for a whole lease before the first dies: L1 then counts from the last
    // renewal, which is at most a third of a lease before the kill.
    rig.connected_for(&second, LEASE).await;

    let killed = Instant::now();
    first.0.kill().expect("SIGKILL");
    first.0.wait().expect("it is dead");
    let lines = rig.log_until("the second start", |lines| starts(lines, 1).len() == 2).await;

    let recovered = killed.elapsed();
    assert!(recovered <= LEASE + Duration::from_secs(1), "recovered after {recovered:?}");
    let starts = starts(&lines, 1);
    assert_eq!(starts[1].pid, second.0.id());
    assert_eq!([starts[0].attempt, starts[1].attempt], [1, 1], "a crash costs a lease, not an attempt");
}

/// L1: a restarted worker counts from its connecting.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l1_a_restarted_worker_recovers_within_a_lease_and_a_second_of_its_connecting() {
    let rig = Rig::new().await;
    let mut first = rig.worker(Duration::from_secs(5));
    send(&rig.signals, 1..2, Duration::from_secs(30)).await.expect("sent");
    rig.log_until("the first start", |lines| starts(lines, 1).len() == 1).await;
    first.0.kill().expect("SIGKILL");
    first.0.wait().expect("it is dead");

    let _second = rig.worker(Duration::from_secs(5));
    let lines = rig.log_until("the second start", |lines| starts(lines, 1).len() == 2).await;

    let workers = rig.signals.inspect().workers().await.expect("workers");
    let connected = workers.iter().map(|worker| worker.started.as_micros()).max().expect("the second enlisted");
    let recovered = Duration::from_micros((starts(&lines, 1)[1].at - connected).try_into().expect("later"));
    assert!(recovered <= LEASE + Duration::from_secs(1), "recovered {recovered:?} after it connected");
}

/// L2, W12: after SIGTERM the process lets what runs finish, holds no lease, and exits 0.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l2_w12_sigterm_under_load_finishes_or_gives_back_and_exits_0() {
    let rig = Rig::new().await;
    let mut worker = rig.worker(Duration::from_secs(3));
    send(&rig.signals, 0..60, Duration::from_millis(300)).await.expect("sent");
    rig.log_until("work", |lines| lines.iter().any(|line| line.what == "end")).await;

    let asked = Instant::now();
    worker.signal(Signal::TERM);
    let status = worker.0.wait().expect("it exits");

    assert!(status.success(), "{status}");
    assert!(asked.elapsed() < Duration::from_secs(4), "took {:?}", asked.elapsed());
    let states = rig.states().await;
    assert!(!states.contains(&State::Running), "a lease is still held: {states:?}");
    assert!(!states.contains(&State::Dead), "shutting down burns nothing");
    let lines = rig.log.read();
    let count = |what: &str| lines.iter().filter(|line| line.what == what).count();
    assert_eq!(count("start"), count("end"), "what had started was allowed to finish");
}

/// L2, W12: several workers under load that are asked to stop at once: nothing is lost, held, or burned.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l2_w12_sigterm_to_several_workers_under_load_burns_no_attempt() {
    const SENT: i64 = 120;
    let rig = Rig::new().await;
    let mut workers = [(); 3].map(|()| rig.worker_of(LEASE * 3, Duration::from_millis(1_500), Some("rig.")));
    // Some end within the grace; those held for longer are given back.
    for number in 0..SENT {
        let hold_ms = if number % 4 == 0 { 20_000 } else { 100 };
        send_one(&rig.signals, &Work { number, hold_ms }).await.expect("sent");
    }
    let pids: Vec<u32> = workers.iter().map(|worker| worker.0.id()).collect();
    rig.log_until("work in all of them", |lines| pids.iter().all(|pid| lines.iter().any(|line| line.pid == *pid)))
        .await;

    let asked = Instant::now();
    for worker in &workers {
        worker.signal(Signal::TERM);
    }
    for worker in &mut workers {
        let status = worker.0.wait().expect("it exits");
        assert!(status.success(), "{status}");
    }

    assert!(asked.elapsed() < Duration::from_secs(5), "took {:?}", asked.elapsed());
    let deliveries = rig.deliveries().await;
    assert_eq!(deliveries.len(), 2 * SENT as usize);
    for delivery in deliveries {
        let burned = delivery.counters.attempt > u32::from(delivery.state == State::Done);
        assert!(matches!(delivery.state, State::Ready | State::Done) && !burned, "{delivery:?}");
        assert_eq!(delivery.counters.lost_leases, 0, "{delivery:?}");
    }
}

/// W12: a second SIGTERM ends the grace: what runs is given back, its attempt refunded.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w12_a_second_sigterm_gives_back_at_once_without_burning_an_attempt() {
    let rig = Rig::new().await;
    let mut worker = rig.worker(Duration::from_secs(60));
    send(&rig.signals, 1..2, Duration::from_secs(50)).await.expect("sent");
    rig.log_until("the start", |lines| starts(lines, 1).len() == 1).await;

    let asked = Instant::now();
    // Two that arrive at once count as one, so it is asked again and again.
    let status = loop {
        worker.signal(Signal::TERM);
        tokio::time::sleep(Duration::from_millis(100)).await; // tidy: not a wait: the pause of a poll with a deadline
        if let Some(status) = worker.0.try_wait().expect("a child") {
            break status;
        }
        assert!(asked.elapsed() < Duration::from_secs(5), "it has not exited");
    };

    assert!(status.success(), "{status}");
    let page = rig.signals.inspect().list(&Filter::default()).await.expect("deliveries");
    let hold = page.deliveries.iter().find(|delivery| delivery.receiver == "rig.hold").expect("it is pending");
    assert_eq!((hold.state, hold.counters.attempt, hold.counters.refunds), (State::Ready, 0, 1));
}

/// W2, W3, I5: a worker killed again and again while it works loses nothing and doubles no transactional effect.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w2_w3_i5_kills_under_load_lose_nothing_and_double_no_transactional_effect() {
    const SENT: i64 = 120;
    let rig = Rig::new().await;
    send(&rig.signals, 0..SENT, Duration::from_millis(5)).await.expect("sent");
    let mut kills = 0;
    let mut seen = 0;
    while kills < 5 {
        let mut worker = rig.worker(Duration::from_secs(5));
        let lines = rig.log_until("more work", |lines| lines.len() > seen + 20 || done(lines, SENT)).await;
        seen = lines.len();
        worker.0.kill().expect("SIGKILL");
        worker.0.wait().expect("it is dead");
        kills += 1;
    }
    let _last = rig.worker(Duration::from_secs(5));
    let states = rig.states_until("everything done", |states| states.iter().all(|state| *state == State::Done)).await;

    assert_eq!(states.len(), 2 * SENT as usize, "nothing is lost");
    let effects: i64 = sqlx_count(&rig.signals).await;
    assert_eq!(effects, SENT, "one effect for each: the table's key refuses a second one");
    let lines = rig.log.read();
    assert!((0..SENT).all(|number| !starts(&lines, number).is_empty()));
}

/// W5, I6: a worker that was stopped past its lease and goes on is a zombie: what it writes matches nothing, and it steals
/// nothing itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w5_i6_a_worker_that_slept_past_its_lease_changes_nothing_when_it_wakes() {
    const HOLD: Duration = Duration::from_millis(2_500);
    let rig = Rig::new().await;
    let zombie = rig.worker_of(LEASE, Duration::from_secs(5), Some("rig.hold"));
    send(&rig.signals, 1..2, HOLD).await.expect("sent");
    rig.log_until("the first start", |lines| starts(lines, 1).len() == 1).await;
    zombie.signal(Signal::STOP);
    let heir = rig.worker_of(LEASE, Duration::from_secs(5), Some("rig.hold"));
    rig.log_until("the heir's start", |lines| starts(lines, 1).len() == 2).await;

    zombie.signal(Signal::CONT);
    // Its receiver has long been due to end: it does so at once, and its worker acknowledges it under the old token.
    let ended = |lines: &[Line], pid| lines.iter().any(|line| line.what == "end" && line.pid == pid);
    rig.log_until("the heir's end", |lines| ended(lines, heir.0.id())).await;
    let settled = |states: &[State]| states.iter().filter(|state| state.is_settled()).count() == 1;
    rig.states_until("the heir's acknowledgement", settled).await;

    let filter = Filter { receiver: Some("rig.hold".to_owned()), ..Filter::default() };
    let delivery = rig.signals.inspect().list(&filter).await.expect("a list").deliveries.pop().expect("it was sent");
    assert_eq!((delivery.state, delivery.counters.attempt, delivery.counters.lost_leases), (State::Done, 1, 1));
    let detail = rig.signals.inspect().get(delivery.id).await.expect("a look-up").expect("it is kept");
    assert_eq!(detail.attempts.len(), 1, "the lost lease is all that is recorded: {:?}", detail.attempts);
    assert_eq!(starts(&rig.log.read(), 1).len(), 2, "the zombie has stolen nothing back");
}

/// W6: a worker that slept past its lease, while nobody was there to take over, has lost nothing: what it says counts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w6_a_worker_that_slept_past_its_lease_alone_finishes_what_it_holds() {
    let rig = Rig::new().await;
    let worker = rig.worker_of(LEASE, Duration::from_secs(5), Some("rig.hold"));
    send(&rig.signals, 1..2, LEASE / 2).await.expect("sent");
    rig.log_until("the start", |lines| starts(lines, 1).len() == 1).await;
    worker.signal(Signal::STOP);
    rig.lease_over("rig.hold").await;

    worker.signal(Signal::CONT);
    rig.log_until("the end", |lines| lines.iter().any(|line| line.what == "end")).await;
    rig.states_until("the acknowledgement", |states| states.contains(&State::Done)).await;
    let filter = Filter { receiver: Some("rig.hold".to_owned()), ..Filter::default() };
    let delivery = rig.signals.inspect().list(&filter).await.expect("a list").deliveries.pop().expect("it was sent");
    assert_eq!((delivery.counters.attempt, delivery.counters.lost_leases), (1, 0), "it robbed nobody, not even itself");
    assert_eq!(starts(&rig.log.read(), 1).len(), 1);
}

/// L2, W10: receivers that block the whole runtime cannot keep their leases beyond the grace.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l2_w10_a_blocked_runtime_holds_no_lease_after_its_grace() {
    const GRACE: Duration = Duration::from_secs(2);
    let rig = Rig::new().await;
    let worker = rig.worker_of(LEASE, GRACE, Some("rig.blockade"));
    // More of them than the runtime has threads, so that nothing else of the worker runs.
    for number in 0..16 {
        send_one(&rig.signals, &Blockade { number }).await.expect("sent");
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(12);
    rig.log_until("all threads blocked", |lines| lines.len() >= threads).await;

    let asked = Instant::now();
    worker.signal(Signal::TERM);
    let states = rig.states_until("no lease", |states| !states.contains(&State::Running)).await;

    // Half a second for the executor, which cannot, and a tick of the keeper are within the second kept for giving back.
    assert!(asked.elapsed() < GRACE + Duration::from_secs(1), "the leases were held for {:?}", asked.elapsed());
    assert!(states.iter().all(|state| *state == State::Ready), "given back, not burned: {states:?}");
}

fn done(lines: &[Line], sent: i64) -> bool {
    lines.iter().filter(|line| line.what == "end").count() >= sent as usize
}

async fn sqlx_count(signals: &Signals<SqliteBackend>) -> i64 {
    use sqlx::Row as _;

    let row = sqlx::query("SELECT count(*) FROM effect").fetch_one(signals.backend().pool()).await;
    row.expect("a count").get(0)
}
