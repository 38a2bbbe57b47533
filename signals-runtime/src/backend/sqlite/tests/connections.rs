//! Opening, checking, migrating, hints and incarnations.

use std::time::Duration;

use signals_core::store::WorkerInfo;
use signals_core::{Backend as _, Error};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::{Fixture, LEASE};
use crate::backend::sqlite::SqliteBackend;

#[tokio::test]
async fn d5_a_pool_that_cannot_keep_the_promises_is_refused_with_what_to_change() {
    let dir = tempfile::tempdir().expect("a directory");
    let good = |name: &str| {
        SqliteConnectOptions::new()
            .filename(dir.path().join(name))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
    };
    let cases = [
        (good("a").journal_mode(SqliteJournalMode::Delete), "SqliteJournalMode::Wal"),
        (good("b").synchronous(SqliteSynchronous::Normal), "SqliteSynchronous::Full"),
        (good("c").busy_timeout(Duration::ZERO), "busy_timeout"),
        (SqliteConnectOptions::new().in_memory(true), "use a file"),
        (SqliteConnectOptions::new().filename(":memory:"), "use a file"),
    ];
    for (options, advice) in cases {
        let pool = SqlitePoolOptions::new().connect_with(options).await.expect("connects");
        let refused = SqliteBackend::from_pool(pool).await;
        assert!(matches!(&refused, Err(Error::Misconfigured(text)) if text.contains(advice)), "{advice}: {refused:?}");
    }
    let pool = SqlitePoolOptions::new().connect_with(good("d")).await.expect("connects");
    SqliteBackend::from_pool(pool).await.expect("nothing is wrong with it");
}

#[tokio::test(flavor = "multi_thread")]
async fn migrations_may_run_at_once_and_newer_ones_are_judged_by_their_mark() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut backends = Vec::new();
    for _ in 0..4 {
        backends.push(SqliteBackend::open(dir.path().join("db")).await.expect("opens"));
    }
    let not_yet = backends[0].store().enlist(&WorkerInfo::default()).await;
    assert!(matches!(not_yet, Err(Error::NotMigrated { .. })), "{not_yet:?}");
    let stores: Vec<_> = backends.iter().map(SqliteBackend::store).collect();
    futures_util::future::try_join_all(stores.iter().map(|store| store.migrate())).await.expect("all migrate");
    for (additive, refused) in [(1, false), (0, true)] {
        sqlx::query("REPLACE INTO signals_migration (number, name, additive, applied_at) VALUES (1000, 'later', ?, 0)")
            .bind(additive)
            .execute(backends[0].pool())
            .await
            .expect("a newer release");
        assert_eq!(matches!(stores[0].migrate().await, Err(Error::SchemaTooNew { migration: 1000 })), refused);
        assert_eq!(stores[0].enlist(&WorkerInfo::default()).await.is_err(), refused);
    }
}

#[tokio::test]
async fn commits_of_other_connections_are_hinted_at_and_own_claims_of_an_idle_store_are_not() {
    let mut fixture = Fixture::new(&["a"]).await;
    let mut hints = fixture.store.hints().await.expect("opens").expect("SQLite gives hints");
    assert!(tokio::time::timeout(Duration::from_millis(50), hints.next()).await.is_err(), "nothing happened");
    fixture.claimed(&[1]).await;
    assert!(
        tokio::time::timeout(Duration::from_millis(50), hints.next()).await.is_err(),
        "an idle poll writes nothing"
    );
    fixture.send_ids(0..1).await;
    tokio::time::timeout(Duration::from_secs(5), hints.next()).await.expect("in time").expect("a hint");
}

#[tokio::test]
async fn workers_are_listed_until_they_resign_and_never_deleted() {
    let fixture = Fixture::new(&["a"]).await;
    let info = WorkerInfo { host: "h".into(), pid: 7, build: "b".into(), lanes: vec![super::lane(1)] };
    let incarnation = fixture.store.enlist(&info).await.expect("enlists");
    fixture.clock.advance(LEASE);
    fixture.store.heartbeat(incarnation, &info).await.expect("beats");
    let seen = fixture.store.workers(Duration::from_secs(1)).await.expect("reads");
    assert_eq!((seen.len(), seen[0].incarnation, seen[0].lanes.as_slice()), (1, incarnation, &[super::lane(1)][..]));
    fixture.store.resign(incarnation).await.expect("resigns");
    assert!(fixture.store.workers(LEASE / 2).await.expect("reads").is_empty());
    assert_eq!(fixture.number("SELECT count(*) FROM signals_worker").await, 2);
}

#[tokio::test]
async fn a_store_of_its_own_works_while_the_other_is_busy() {
    let mut fixture = Fixture::new(&["a"]).await;
    fixture.send_ids(0..1).await;
    let dedicated = fixture.store.dedicated().await.expect("opens");
    let held = fixture.claimed(&[1]).await.claimed[0].held;
    let renewed = dedicated.renew(&[held], LEASE).await.expect("renews");
    assert_eq!(renewed, [signals_core::store::Renewed::Kept]);
    assert!(fixture.store.capabilities().single_writer && fixture.dir.path().join("db").exists());
    drop(fixture.backend.begin().await.expect("begins"));
}
