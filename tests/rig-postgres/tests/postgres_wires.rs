//! The connection between the application and its server: cut, a black hole, or led to another server.

mod common;

use std::time::{Duration, Instant};

use common::{Flow, LEASE, PATIENCE, Process, Rig, Wire, starts, until};
use rustix::process::Signal;
use signals_cluster::{Settings, Stop};
use signals_rig_postgres::{Work, book, over, prepare};
use signals_runtime::{Error, Signal as _};
use tokio::net::TcpListener;
use tokio::time::timeout;

async fn booked(rig: &Rig, number: i64) -> bool {
    let query = sqlx::query_scalar("SELECT EXISTS (SELECT FROM booking WHERE number = $1)").bind(number);
    query.fetch_one(rig.signals.backend().pool()).await.expect("the database answers")
}

/// S2: a commit whose answer is lost is told as unknown; the same again under its key adds nothing.
#[tokio::test(flavor = "multi_thread")]
async fn s2_a_commit_whose_answer_is_lost_is_unknown_and_its_repetition_adds_nothing() {
    let rig = Rig::new(Settings::fast()).await;
    let wire = Wire::to(rig.cluster.port()).await.expect("a port is free");
    let signals = over(&rig.through(&wire), 2).expect("a URL");
    let (tx, first) = prepare(&signals, &Work::light(1)).await.expect("it is sent");
    wire.flow(Flow::Deaf);
    let (committed, ()) = tokio::join!(tx.commit(), async {
        until("the server to commit", async || booked(&rig, 1).await).await;
        wire.cut();
        wire.flow(Flow::Open);
    });
    assert!(matches!(committed, Err(Error::CommitUnknown(_))), "{committed:?}");

    let again = book(&signals, &Work::light(1)).await.expect("the wire is whole again");
    assert!(again.repeated && again.signal_id == first.signal_id, "{again:?}");
    assert_eq!(rig.deliveries().await.len(), 2, "one for each receiver");
}

/// S3: a connection that is cut in the middle of a send leaves nothing, and the next one is as good as any.
#[tokio::test(flavor = "multi_thread")]
async fn s3_a_connection_cut_in_the_middle_of_a_send_leaves_nothing() {
    let rig = Rig::new(Settings::fast()).await;
    let wire = Wire::to(rig.cluster.port()).await.expect("a port is free");
    let signals = over(&rig.through(&wire), 1).expect("a URL");
    // The statements are prepared, so that a send is one message.
    let mut tx = signals.begin().await.expect("a transaction begins");
    Work::light(0).send(&mut tx).await.expect("it is sent");
    tx.rollback().await.expect("it is undone");
    for flow in [Flow::Deaf, Flow::Hole] {
        let mut tx = signals.begin().await.expect("a transaction begins");
        wire.flow(flow);
        let work = Work::light(1);
        let (sent, ()) = tokio::join!(async { work.send(&mut tx).await }, async {
            // Deaf: until the statement has run; a hole swallows it, and there is nothing to be seen.
            until("the send to be on its way", async || flow == Flow::Hole || idle_in_transaction(&rig).await).await;
            wire.cut();
            wire.flow(Flow::Open);
        });
        let error = sent.expect_err("its connection was cut");
        assert!(error.is_retryable() && error.is_connection(), "S3: {error:?}");
        let error = tx.commit().await.expect_err("there is nothing to commit");
        assert!(matches!(error, Error::SendFailed | Error::Unavailable(_)), "{error:?}");
    }
    book(&signals, &Work::light(2)).await.expect("the pool has another connection");
    until("the server to notice", async || !idle_in_transaction(&rig).await).await;
    assert_eq!(rig.deliveries().await.len(), 2, "the second's alone");
}

/// Whether some session of the database has a transaction that waits for its client, after it has written.
async fn idle_in_transaction(rig: &Rig) -> bool {
    let query = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
        AND state LIKE 'idle in transaction%' AND backend_xid IS NOT NULL)";
    sqlx::query_scalar(query).fetch_one(rig.signals.backend().pool()).await.expect("the database answers")
}

/// W14, I6, L1: what a worker in a black hole holds is taken over; what it says later counts for nothing, and it works on.
#[tokio::test(flavor = "multi_thread")]
async fn w14_i6_a_worker_in_a_black_hole_loses_its_deliveries_and_works_on_later() {
    let rig = Rig::new(Settings::fast()).await;
    let wire = Wire::to(rig.cluster.port()).await.expect("a port is free");
    let mut cut_off = rig.worker_at(&rig.through(&wire));
    rig.connected(&[&cut_off]).await;
    book(&rig.signals, &Work::held(1, LEASE * 3)).await.expect("it is stored");
    until("the start", async || starts(&rig.log.read(), 1).len() == 1).await;
    let mut other = rig.worker();
    rig.may_steal(&[&other]).await;

    wire.flow(Flow::Hole);
    let began = Instant::now();
    until("the other to take it over", async || starts(&rig.log.read(), 1).len() == 2).await;
    let took = began.elapsed();
    assert!(took < LEASE + Duration::from_secs(1), "L1: taken over after {took:?}");
    // Its acknowledgement arrives while the other is in the middle of it.
    until("the first to end", async || rig.ended() == 1).await;
    let told = rig.events().len();
    wire.flow(Flow::Open);
    until("the first to be told", async || rig.is_refused(told)).await;
    assert_eq!(rig.running().await, 1, "I6: what it says counts for nothing: {}", rig.events());
    until("the other to end", async || rig.ended() == 2).await;
    rig.agrees().await;
    assert_eq!(rig.lost_leases().await, 1, "the plain one's; the other's effect was done");

    assert!(other.stop().success(), "L2");
    let ended = rig.ended();
    book(&rig.signals, &Work::light(2)).await.expect("it is stored");
    until("the worker that was cut off to work on", async || rig.ended() > ended).await;
    rig.agrees().await;
    assert!(cut_off.is_running(), "{}", rig.events());
}

/// W13, T9: a worker whose keeper is refused asks again within a quarter of its lease, however long the outage is: whoever is back
/// first steals a lease later from those who are not.
#[tokio::test(flavor = "multi_thread")]
async fn w13_t9_a_keeper_that_is_refused_asks_again_within_a_quarter_of_its_lease() {
    const SHORT: Duration = Duration::from_millis(400);
    // Thirteen seconds of pauses at the most. All others pause for up to five seconds in the end, and do not come to half as many
    // in all of the patience.
    const QUESTIONS: usize = 130;
    let rig = Rig::new(Settings::fast()).await;
    let wire = Wire::to(rig.cluster.port()).await.expect("a port is free");
    let mut worker = Process::start(rig.worker_command(&rig.through(&wire), SHORT));
    rig.connected(&[&worker]).await;
    let refusing = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");

    wire.turn_to(refusing.local_addr().expect("it listens").port());
    let asked = async {
        for _ in 0..QUESTIONS {
            drop(refusing.accept().await.expect("a connection, which is refused"));
        }
    };
    timeout(PATIENCE, asked)
        .await
        .expect("a hundred questions and more: it pauses for longer than a quarter of its lease");
    assert!(worker.is_running(), "{}", rig.events());
}

/// W14: connections that fall silent for good, as where a firewall has forgotten them, are given up, and others are opened.
#[tokio::test(flavor = "multi_thread")]
async fn w14_a_worker_gives_up_connections_that_have_fallen_silent_for_good() {
    let rig = Rig::new(Settings::fast()).await;
    let wire = Wire::to(rig.cluster.port()).await.expect("a port is free");
    let mut worker = rig.worker_at(&rig.through(&wire));
    rig.connected(&[&worker]).await;
    book(&rig.signals, &Work::light(1)).await.expect("it is stored");
    rig.agrees().await;

    wire.forget();
    book(&rig.signals, &Work::light(2)).await.expect("it is stored");
    rig.agrees().await;
    assert!(worker.is_running(), "{}", rig.events());
    assert!(worker.stop().success(), "L2: {}", rig.events());
}

/// W13, I1, I2, I5: after a failover to a standby that has every commit, business rows and deliveries agree.
#[tokio::test(flavor = "multi_thread")]
async fn w13_i1_i2_after_a_failover_business_rows_and_deliveries_agree() {
    let mut rig = Rig::new(Settings::durable()).await;
    let mut standby = rig.cluster.standby(Settings::durable()).expect("a standby follows");
    rig.cluster.set("synchronous_standby_names", "*").expect("it runs");
    let wire = Wire::to(rig.cluster.port()).await.expect("a port is free");
    let url = rig.through(&wire);
    rig.signals = over(&url, 10).expect("a URL");
    let (mut workers, senders) =
        ([rig.worker_at(&url), rig.worker_at(&url)], [1, 2].map(|slot| rig.sender_at(&url, slot, 10)));
    rig.connected(&workers.each_ref()).await;
    let (stored, ended) = (rig.stored(), rig.ended());
    until("load", async || rig.stored() > stored + 100 && rig.ended() > ended + 100).await;

    rig.cluster.stop(Stop::Kill).expect("it runs");
    standby.promote().expect("it follows nobody any more");
    wire.turn_to(standby.port());
    let (back, ended) = (Instant::now(), rig.ended());
    until("work to go on", async || rig.ended() > ended).await;
    assert!(back.elapsed() < LEASE + Duration::from_secs(5), "W13: back at work after {:?}", back.elapsed());

    for mut sender in senders {
        let status = sender.finish();
        assert!(status.success(), "{status}\n{}", rig.events());
    }
    rig.agrees().await;
    assert!(workers.iter_mut().all(|worker| worker.is_running()), "{}", rig.events());
    workers.iter().for_each(|worker| worker.signal(Signal::TERM));
}
