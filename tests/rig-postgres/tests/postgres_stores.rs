//! A store whose server dies: what a crash forgets, and how its connections come back. I6, I8, W13.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use signals_cluster::{Cluster, Settings, Stop};
use signals_conformance::Puppet;
use signals_conformance::fixtures::{SHIP, paid};
use signals_conformance::harness::{LEASE, acked};
use signals_core::clock::ManualClock;
use signals_core::delivery::{Counters, Lane, MAX_LOST_LEASES};
use signals_core::store::{Finished, LostLease, Store};
use signals_core::token::Tokens;
use signals_core::{Backend, Error, Outgoing, Registry, Result, SendBatch, SendContext};
use signals_runtime::PgBackend;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, PgPool};

/// A server that writes nothing before a crash that commits without waiting.
fn forgetful() -> Settings {
    Settings::durable().set("wal_writer_delay", "10s").set("wal_writer_flush_after", "1GB")
}

fn pool(options: PgConnectOptions) -> PgPool {
    PgPoolOptions::new().max_connections(20).connect_lazy_with(options.disable_statement_logging())
}

/// Connects again after the server was down: the first tries may find what was cut.
async fn again<T, F: Future<Output = Result<T>>>(mut work: impl FnMut() -> F) -> T {
    for attempt in 0.. {
        match work().await {
            Ok(done) => return done,
            Err(error) => assert!(attempt < 20, "the database is up again: {error:?}"),
        }
    }
    unreachable!("the loop ends by an answer or a panic")
}

async fn puppet(store: &Arc<dyn Store>, registry: &Registry) -> Puppet {
    let registration = registry.registration();
    let registered = again(|| store.resolve(&registration)).await;
    let lane = |receiver| Lane { receiver, version: SHIP.signal.version };
    let lanes: Vec<_> = registered.ids.into_iter().map(|(_, receiver)| lane(receiver)).collect();
    again(|| async {
        let incarnation = store.enlist(&Default::default()).await?;
        Ok(Puppet { store: store.clone(), tokens: Tokens::new(incarnation), lanes: lanes.clone() })
    })
    .await
}

/// A database with these tables, in which this receiver is registered.
async fn set_up(store: &Arc<dyn Store>, registry: &Registry) {
    again(|| store.migrate()).await;
    let registration = registry.registration();
    again(|| store.register(&registration)).await;
}

async fn send(backend: &PgBackend, registry: &Arc<Registry>, order: i64) {
    again(|| async {
        let mut tx = backend.begin().await?;
        let signals = vec![Outgoing::new(&paid(order))];
        PgBackend::send(&mut tx, &SendBatch { signals, context: SendContext::new(registry.clone()) }).await?;
        backend.commit(tx).await
    })
    .await;
}

/// I6, I4: claims commit without waiting for the disk, so a crash of the database forgets some. Whoever held one and whoever
/// claims it next never both acknowledge.
#[tokio::test]
async fn i6_a_claim_that_a_crash_of_the_database_forgot_is_acknowledged_by_one_holder() {
    let mut cluster = Cluster::start(forgetful()).expect("a private server starts");
    let database = cluster.server().database().await.expect("a database");
    let registry = Arc::new(Registry::builder().receiver_def(&SHIP).build().expect("nothing contradicts itself"));
    let mut forgotten = 0;
    for round in 0..6 {
        let backend = PgBackend::new(pool(database.options())).without_hints();
        let store = backend.store();
        set_up(&store, &registry).await;
        let mut first = puppet(&store, &registry).await;
        send(&backend, &registry, round).await;
        let held = first.claim_one().await;
        cluster.restart(Stop::Kill).expect("it dies, and starts again");

        let later = PgBackend::new(pool(database.options())).without_hints().store();
        let mut second = puppet(&later, &registry).await;
        let claimed = second.claim(1).await;
        forgotten += usize::from(!claimed.is_empty());
        let late = again(|| async { Ok(store.ack(&[acked(&held, true)]).await?[0]) }).await;
        match claimed.first() {
            // The claim was forgotten: its holder is told so, and the second one's acknowledgement counts.
            Some(again) => assert_eq!((late, second.ack(again).await), (Finished::Stale, Finished::Done)),
            None => assert_eq!(late, Finished::Done, "the claim survived, and so does its token"),
        }
    }
    assert!(forgotten > 0, "no claim was forgotten: nothing is shown");
}

/// I8, T9: claims that wait for the disk are counted, whatever crashes. Where the database dies after every one of them, a
/// delivery starts as often as where it never does, and is a dead letter then.
#[tokio::test]
async fn i8_a_database_that_dies_after_every_durable_claim_has_counted_it() {
    let mut cluster = Cluster::start(forgetful()).expect("a private server starts");
    let database = cluster.server().database().await.expect("a database");
    let registry = Arc::new(Registry::builder().receiver_def(&SHIP).build().expect("nothing contradicts itself"));
    let clock = ManualClock::default();
    let open = || {
        let backend = PgBackend::new(pool(database.options())).without_hints().with_clock(Arc::new(clock.clone()));
        backend.durable_claims(true)
    };
    set_up(&open().store(), &registry).await;
    send(&open(), &registry, 7).await;
    for lost_leases in 0..MAX_LOST_LEASES {
        let claims = puppet(&open().store(), &registry).await.steal(1).await;
        let counted: Vec<_> = claims.claimed.iter().map(|claimed| claimed.counters).collect();
        assert_eq!(counted, [Counters { attempt: 1, lost_leases, refunds: 0 }], "a crash forgot a start");
        cluster.restart(Stop::Kill).expect("it dies, and starts again");
        clock.advance(LEASE + Duration::from_secs(1));
    }
    let claims = puppet(&open().store(), &registry).await.steal(1).await;
    assert!(claims.claimed.is_empty(), "it starts a sixth time: {claims:?}");
    let buried = |lost: &LostLease| lost.dead && lost.lost_leases == MAX_LOST_LEASES;
    assert!(claims.lost.iter().any(buried), "{claims:?}");
}

/// W13: a store goes on by itself after its server was killed, and after its sessions were ended.
#[tokio::test]
async fn w13_a_store_connects_again_after_its_server_was_killed_or_its_sessions_ended() {
    let mut cluster = Cluster::start(Settings::durable()).expect("a private server starts");
    let database = cluster.server().database().await.expect("a database");
    let backend = PgBackend::new(pool(database.options()));
    let store = backend.store();
    again(|| store.migrate()).await;
    for kill in [true, false, true] {
        if kill {
            cluster.restart(Stop::Kill).expect("it dies, and starts again");
        } else {
            cluster.server().terminate(Some(database.name())).await.expect("sessions end");
        }
        let error = store.counts().await.err();
        assert!(error.as_ref().is_none_or(Error::is_retryable), "{error:?}");
        again(|| store.counts()).await;
        again(|| store.promote(1)).await;
        let tx = again(|| backend.begin()).await;
        again_rolls_back(&backend, tx).await;
    }
}

async fn again_rolls_back(backend: &PgBackend, tx: <PgBackend as Backend>::Tx) {
    let rolled_back = tokio::time::timeout(Duration::from_secs(10), backend.rollback(tx)).await;
    rolled_back.expect("it answers").expect("it rolls back");
}
