//! The server is killed, stopped at once, and ends its sessions, under load: W13, I1, I2, I5.

mod common;

use std::time::{Duration, Instant};

use common::{LEASE, Process, Rig, starts, until};
use signals_cluster::{Settings, Stop};
use signals_rig_postgres::{Work, book};
use sqlx::Executor as _;

/// Waits until a receiver has finished something that it had not, and asserts that this was soon enough after `back`.
async fn back_at_work(rig: &Rig, back: Instant) {
    let before = rig.ended();
    until("work to go on", async || rig.ended() > before).await;
    let took = back.elapsed();
    assert!(took < LEASE + Duration::from_secs(5), "W13: back at work {took:?} after the server was");
}

/// Two workers and two senders, whose work fails now and then and is due later now and then: what a crash undoes was moved to be
/// claimed, too.
async fn load(rig: &Rig) -> ([Process; 2], [Process; 2]) {
    let sender = |slot| rig.sender_at(rig.database.url(), slot, 10);
    let (workers, senders) = ([rig.worker(), rig.worker()], [sender(1), sender(2)]);
    rig.connected(&workers.each_ref()).await;
    (workers, senders)
}

async fn end(rig: &Rig, mut workers: [Process; 2], senders: [Process; 2]) {
    for mut sender in senders {
        let status = sender.finish();
        assert!(status.success(), "a sender met an error that nothing explains: {status}\n{}", rig.events());
    }
    rig.agrees().await;
    for worker in &mut workers {
        assert!(worker.is_running(), "W13: a worker outlives its server: {}", rig.events());
        let status = worker.stop();
        assert!(status.success(), "L2: {status}");
    }
}

/// W13, I2, I5: whatever was confirmed is there, everything is done, and the workers are those that were there before.
#[tokio::test(flavor = "multi_thread")]
async fn w13_i2_i5_a_server_killed_under_load_loses_nothing_and_is_worked_on_again() {
    let mut rig = Rig::new(Settings::durable()).await;
    let (workers, senders) = load(&rig).await;
    for how in [Stop::Kill, Stop::Immediate, Stop::Kill, Stop::Fast] {
        let (stored, ended) = (rig.stored(), rig.ended());
        until("load", async || rig.stored() > stored + 50 && rig.ended() > ended + 50).await;
        rig.cluster.restart(how).expect("the server starts again");
        back_at_work(&rig, Instant::now()).await;
    }
    end(&rig, workers, senders).await;
}

/// W13, I1: sessions that end in the middle of anything cost time, nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn w13_i1_a_stream_of_terminated_sessions_loses_nothing() {
    let rig = Rig::new(Settings::fast()).await;
    let (workers, senders) = load(&rig).await;
    let mut ended = 0;
    for _ in 0..30 {
        ended += rig.database.server().terminate(Some(rig.database.name())).await.expect("the server answers");
        // tidy: not a wait: the rate at which sessions are ended
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(ended > 60, "only {ended} sessions were ended");
    back_at_work(&rig, Instant::now()).await;
    end(&rig, workers, senders).await;
}

/// W13, T9: after an outage that outlasts every lease, those who hold deliveries go on: nobody takes them over, though they
/// had tried to connect so often in vain that they ask only now and then.
#[tokio::test(flavor = "multi_thread")]
async fn w13_t9_after_an_outage_longer_than_a_lease_nobody_steals_from_the_living() {
    const HELD: i64 = 16;
    let mut rig = Rig::new(Settings::durable()).await;
    let workers = [rig.worker(), rig.worker(), rig.worker(), rig.worker()];
    rig.connected(&workers.each_ref()).await;
    for number in 0..HELD {
        book(&rig.signals, &Work::held(number, LEASE * 6)).await.expect("it is stored");
    }
    until("all to start", async || rig.log.read().iter().filter(|line| line.what == "start").count() == 16).await;

    // Claims wait for no disk: those that a crash takes back are claimed anew, and that is no theft.
    rig.signals.backend().pool().execute("CHECKPOINT").await.expect("it writes everything");

    rig.cluster.stop(Stop::Immediate).expect("it runs");
    // tidy: not a wait: for how long the server is down
    tokio::time::sleep(LEASE * 3).await;
    rig.cluster.up().expect("it starts again");

    rig.agrees().await;
    assert_eq!(rig.lost_leases().await, 0, "a lease was taken from a worker that lives: {}", rig.events());
    let lines = rig.log.read();
    assert!((0..HELD).all(|number| starts(&lines, number).len() == 1), "{lines:#?}");
}
