//! Receivers that take their process down or block it, and an operator who will not wait: W8, W10, W12.

mod common;

use std::time::{Duration, Instant};

use common::{LEASE, Process, Rig, starts, until};
use rustix::process::Signal;
use signals_cluster::Settings;
use signals_rig_postgres::{HOLD, How, Work, book};
use signals_runtime::delivery::State;
use signals_runtime::store::DeathReason;

/// W8, T9: the delivery that aborts its workers ends as a dead letter; its neighbours do not.
#[tokio::test(flavor = "multi_thread")]
async fn w8_t9_a_delivery_that_aborts_its_workers_dies_and_its_neighbours_do_not_on_a_server() {
    const SHORT: Duration = Duration::from_millis(500);
    let rig = Rig::new(Settings::fast()).await;
    book(&rig.signals, &Work { how: How::Aborting, ..Work::light(0) }).await.expect("it is stored");
    for number in 1..4 {
        book(&rig.signals, &Work::light(number)).await.expect("it is stored");
    }
    let mut crashes = 0;
    while rig.pending().await > 0 {
        let mut worker = Process::start(rig.worker_command(rig.database.url(), SHORT));
        until("a crash, or everything settled", async || !worker.is_running() || rig.pending().await == 0).await;
        crashes += u32::from(!worker.is_running());
    }
    assert_eq!(crashes, 5, "the first start, and one after each of four stolen leases: {}", rig.events());
    let deliveries = rig.deliveries().await;
    let (dead, others): (Vec<_>, Vec<_>) = deliveries.iter().partition(|delivery| delivery.state == State::Dead);
    let [dead] = dead[..] else { panic!("one is dead: {deliveries:#?}") };
    assert_eq!((&*dead.receiver, dead.death, dead.counters.lost_leases), (HOLD, Some(DeathReason::Crashed), 5));
    assert!(others.iter().all(|delivery| delivery.state == State::Done), "{deliveries:#?}");
}

/// W10: receivers that block every thread of the runtime for longer than a lease cost no delivery its lease.
#[tokio::test(flavor = "multi_thread")]
async fn w10_receivers_that_block_the_runtime_cost_nobody_a_lease_on_a_server() {
    let rig = Rig::new(Settings::fast()).await;
    let (worker, other) = (rig.worker(), rig.worker());
    rig.may_steal(&[&worker, &other]).await;
    let threads = i64::try_from(std::thread::available_parallelism().expect("it is known").get()).expect("a few");
    for number in 0..threads * 2 {
        book(&rig.signals, &Work { how: How::Blocking, ..Work::held(number, LEASE * 2) }).await.expect("it is stored");
    }
    rig.agrees().await;
    assert_eq!(rig.lost_leases().await, 0, "W10: {}", rig.events());
    let lines = rig.log.read();
    assert!((0..threads * 2).all(|number| starts(&lines, number).len() == 1), "{lines:#?}");
}

/// W12: a second SIGTERM ends the grace: what runs is given back, its attempt refunded.
#[tokio::test(flavor = "multi_thread")]
async fn w12_a_second_sigterm_gives_back_at_once_without_burning_an_attempt_on_a_server() {
    let rig = Rig::new(Settings::fast()).await;
    let mut worker = rig.worker();
    book(&rig.signals, &Work::held(1, Duration::from_secs(100))).await.expect("it is stored");
    until("the start, and the other to be done", async || {
        starts(&rig.log.read(), 1).len() == 1 && rig.pending().await == 1
    })
    .await;
    let asked = Instant::now();
    // Two that arrive at once count as one, so it is asked again and again.
    until("the worker to exit", async || {
        let is_running = worker.is_running();
        if is_running {
            worker.signal(Signal::TERM);
            // tidy: not a wait: how often it is asked
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        !is_running
    })
    .await;
    assert!(asked.elapsed() < Duration::from_secs(10), "W12: after {:?}", asked.elapsed());
    assert!(worker.finish().success(), "L2: {}", rig.events());
    let deliveries = rig.deliveries().await;
    let held = deliveries.iter().find(|delivery| &*delivery.receiver == HOLD).expect("it is pending");
    assert_eq!((held.state, held.counters.attempt, held.counters.refunds), (State::Ready, 0, 1));
}
