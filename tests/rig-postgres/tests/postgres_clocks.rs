//! Machines whose clocks are an hour off: W15, I9.

mod common;

use std::time::{Duration, Instant};

use common::{LEASE, Process, Rig, starts, until};
use signals_cluster::{Package, Settings, install, shift_clock};
use signals_rig_postgres::{Work, book};
use signals_runtime::Signal as _;

/// W15, I9: leases, delays and attempts follow the server's clock, whatever those of workers and senders say.
#[tokio::test(flavor = "multi_thread")]
async fn w15_i9_clocks_an_hour_off_decide_nothing() {
    const HOUR: i64 = 3_600;
    install(Package::FakeTime).expect("libfaketime is there or can be installed");
    // The server is ahead of this process, one worker ahead of the server, the other behind both.
    let rig = Rig::new(Settings::fast().clock_ahead_by(HOUR)).await;
    let workers = [2 * HOUR, -HOUR].map(|ahead| {
        let mut command = rig.worker_command(rig.database.url(), LEASE);
        shift_clock(&mut command, ahead).expect("libfaketime is there");
        Process::start(command)
    });
    rig.connected(&workers.each_ref()).await;

    let sent = Instant::now();
    let mut tx = rig.signals.begin().await.expect("a transaction begins");
    Work::light(1).send(&mut tx).after(Duration::from_secs(2)).await.expect("it is sent");
    sqlx::query("INSERT INTO booking VALUES (1, 1)").execute(&mut *tx).await.expect("it is booked");
    tx.commit().await.expect("it is stored");
    for number in 2..10 {
        book(&rig.signals, &Work::held(number, LEASE * 2)).await.expect("it is stored");
    }
    until("the delayed one to start", async || !starts(&rig.log.read(), 1).is_empty()).await;
    assert!(sent.elapsed() >= Duration::from_secs(2), "I9: it started {:?} after it was sent", sent.elapsed());
    assert!(sent.elapsed() < Duration::from_secs(6), "it is not an hour late, either: {:?}", sent.elapsed());
    rig.agrees().await;
    assert_eq!(rig.lost_leases().await, 0, "W15: a lease was taken by a wrong clock: {}", rig.events());
    let lines = rig.log.read();
    assert!((2..10).all(|number| starts(&lines, number).len() == 1), "{lines:#?}");
}
