//! What stands between the application and the server, and what it can do without: PgBouncer and LISTEN: D1, D2.

mod common;

use std::time::Duration;

use common::{LEASE, Rig, Wire, until};
use signals_cluster::{Package, PgBouncer, Settings, StartOptions, install};
use signals_rig_postgres::{Work, book};
use sqlx::Connection as _;

/// D1: senders and workers behind PgBouncer, whose every transaction is another session of the server.
#[tokio::test(flavor = "multi_thread")]
async fn d1_behind_pgbouncer_in_transaction_mode_everything_is_done() {
    install(Package::PgBouncer).expect("PgBouncer is there or can be installed");
    let rig = Rig::new(Settings::fast()).await;
    let bouncer = PgBouncer::start(&rig.cluster, 8, StartOptions::Refused).expect("a bouncer starts");
    println!("PgBouncer prepares statements for its clients (1.22 and newer): {}", bouncer.prepares());
    let url = bouncer.server().url(rig.database.name());
    let worker = || rig.behind_pooler(rig.worker_command(&url, LEASE));
    let mut workers = [worker(), worker()];
    let senders = [1, 2, 3].map(|slot| rig.behind_pooler(rig.sender_command(&url, slot, 10)));
    rig.connected(&workers.each_ref()).await;
    until("load", async || rig.ended() > 300).await;
    for mut sender in senders {
        let status = sender.finish();
        assert!(status.success(), "D1: {status}\n{}", rig.events());
    }
    rig.agrees().await;
    assert!(workers.iter_mut().all(|worker| worker.stop().success()), "L2: {}", rig.events());
}

/// D2: sessions that listen are ended as fast as they come; polling alone finds everything.
#[tokio::test(flavor = "multi_thread")]
async fn d2_without_a_session_that_listens_everything_is_found_by_polling() {
    let rig = Rig::new(Settings::fast()).await;
    let worker = rig.worker();
    rig.connected(&[&worker]).await;
    let mut server = rig.database.server().connect().await.expect("it takes connections");
    let deaf = "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE datname = $1 AND query ILIKE 'listen%'";
    let mut ended = 0;
    for number in 0..20 {
        let query = sqlx::query_scalar::<_, i64>(deaf).bind(rig.database.name());
        ended += query.fetch_one(&mut server).await.expect("the server answers");
        book(&rig.signals, &Work::light(number)).await.expect("it is stored");
        // tidy: not a wait: the rate of the sends
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(ended > 0, "nobody listened: the test shows nothing");
    rig.agrees().await;
    server.close().await.expect("it was there");
}

/// D2: a connection that listens and has fallen silent looks as if there was nothing to hear; polling finds everything.
#[tokio::test(flavor = "multi_thread")]
async fn d2_with_a_session_that_listens_in_a_black_hole_everything_is_found_by_polling() {
    let rig = Rig::new(Settings::fast()).await;
    let wire = Wire::to(rig.cluster.port()).await.expect("a port is free");
    wire.hush("LISTEN");
    let worker = rig.worker_at(&rig.through(&wire));
    rig.connected(&[&worker]).await;
    until("the session that listens to be hushed", async || wire.hushed() > 0).await;
    for number in 0..20 {
        book(&rig.signals, &Work::light(number)).await.expect("it is stored");
        until("it to be found", async || rig.ended() > usize::try_from(number).expect("few")).await;
    }
    assert_eq!(wire.hushed(), 1, "it was told that nobody listens: the test shows nothing");
    rig.agrees().await;
}
