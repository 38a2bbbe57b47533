//! Opening, checking, migrating, hints and incarnations.

use std::time::Duration;

use signals_core::store::{Registration, Renewed, WorkerInfo};
use signals_core::{Backend as _, Error, Outgoing};
use sqlx::AssertSqlSafe;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::{Fixture, LEASE, Paid};
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
        assert_eq!(stores[0].enlist(&WorkerInfo::default()).await.is_err(), refused, "a worker's start");
        let registered = stores[0].register(&Registration::default()).await;
        assert_eq!(matches!(registered, Err(Error::SchemaTooNew { migration: 1000 })), refused, "{registered:?}");
    }
}

/// D7: also while somebody else writes, or where nobody may.
#[tokio::test]
async fn d7_that_the_schema_is_too_new_is_told_without_the_write_lock() {
    let fixture = Fixture::new(&["a"]).await;
    let newer = "INSERT INTO signals_migration (number, name, additive, applied_at) VALUES (1000, 'later', 0, 0)";
    sqlx::query(newer).execute(fixture.backend.pool()).await.expect("a newer release");
    let writer = fixture.backend.begin().await.expect("begins");
    let refused = fixture.store.migrate().await;
    assert!(matches!(refused, Err(Error::SchemaTooNew { migration: 1000 })), "{refused:?}");
    drop(writer);
}

/// D7: what another tool applied of the printed scripts, migration by migration, is accepted; nothing is left to do, and
/// everything works on it.
#[tokio::test]
async fn d7_printed_migrations_that_another_tool_applied_are_accepted() {
    let dir = tempfile::tempdir().expect("a directory");
    let backend = SqliteBackend::open(dir.path().join("db")).await.expect("opens");
    let store = backend.store();
    let migrations = store.migrations();
    for (applied, migration) in migrations.iter().enumerate() {
        let not_yet = store.enlist(&WorkerInfo::default()).await;
        assert!(matches!(not_yet, Err(Error::NotMigrated { .. })), "{applied} applied: {not_yet:?}");
        let script = AssertSqlSafe(migration.to_string());
        sqlx::raw_sql(script).execute(backend.pool()).await.expect("another tool applies it");
    }
    let noted = "SELECT number, applied_at FROM signals_migration ORDER BY number";
    let before: Vec<(i64, i64)> = sqlx::query_as(noted).fetch_all(backend.pool()).await.expect("reads");
    store.migrate().await.expect("accepts it");
    let after: Vec<(i64, i64)> = sqlx::query_as(noted).fetch_all(backend.pool()).await.expect("reads");
    assert_eq!((before.len(), &before), (migrations.len(), &after), "nothing was applied again");
    assert!(before.iter().all(|(_, at)| *at > 1_500_000_000_000_000), "in microseconds: {before:?}");

    let incarnation = store.enlist(&WorkerInfo::default()).await.expect("works");
    store.resign(incarnation).await.expect("works");
    store.register(&Registration::default()).await.expect("works");
    assert_eq!(store.counts().await.expect("works").lanes, []);
}

/// D7: what the release before left is brought up to date.
#[tokio::test]
async fn d7_a_database_that_begins_at_the_first_migration_is_brought_up_to_date() {
    let dir = tempfile::tempdir().expect("a directory");
    let backend = SqliteBackend::open(dir.path().join("db")).await.expect("opens");
    let store = backend.store();
    let first = AssertSqlSafe(store.migrations()[0].to_string());
    sqlx::raw_sql(first).execute(backend.pool()).await.expect("the release before this one");
    store.migrate().await.expect("migrates");
    let applied: Vec<i64> = sqlx::query_scalar("SELECT number FROM signals_migration ORDER BY number")
        .fetch_all(backend.pool())
        .await
        .expect("reads");
    assert_eq!(applied, store.migrations().iter().map(|migration| migration.number).collect::<Vec<_>>());
    assert_eq!(store.actions(None, 10).await.expect("the log is there"), []);
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
async fn s11_after_a_full_disk_the_stores_connections_work_again() {
    let fixture = Fixture::new(&["a"]).await;
    let connections = &fixture.backend.store.connections;
    let incarnation = fixture.store.workers(LEASE).await.expect("reads")[0].incarnation;
    for quick in [false, true] {
        let mut tx = if quick { connections.quick_write().await } else { connections.durable().await }.expect("begins");
        // The smallest that there can be is what there is.
        sqlx::query("PRAGMA max_page_count = 1").execute(&mut *tx).await.expect("no room for more");
        tx.commit().await.expect("commits");
        let lanes = (0..100_000).map(super::lane).collect();
        let info = WorkerInfo { host: "h".repeat(500_000), lanes, ..WorkerInfo::default() };
        let full = async || {
            if quick {
                fixture.store.heartbeat(incarnation, &info).await
            } else {
                fixture.store.enlist(&info).await.map(drop)
            }
        };
        let failed = full().await;
        assert!(matches!(failed, Err(Error::NotWritable(_))), "{failed:?}");
        // Another connection has no such limit, as a disk with room again.
        let again = full().await;
        assert!(again.is_ok() || matches!(again, Err(Error::NotWritable(_))), "quick {quick}: {again:?}");
        let mut tx = if quick { connections.quick_write().await } else { connections.durable().await }.expect("begins");
        sqlx::query("PRAGMA max_page_count = 1000000").execute(&mut *tx).await.expect("room");
        tx.commit().await.expect("commits");
        full().await.expect("writes");
    }
}

/// D4: SQLite's own wait is short, so that it asks often; ours goes on until the busy time-out.
#[tokio::test]
async fn d4_a_writer_that_waits_asks_again_and_again_until_the_lock_is_free() {
    let fixture = Fixture::new(&["a"]).await;
    let connections = &fixture.backend.store.connections;
    for quick in [false, true] {
        let holder = fixture.backend.begin().await.expect("begins");
        let write = async { if quick { connections.quick_write().await } else { connections.durable().await } };
        let (writing, ()) = tokio::join!(write, async {
            // tidy: not a wait: for so long the other keeps the lock, many tries of SQLite's own
            tokio::time::sleep(Duration::from_millis(400)).await;
            drop(holder);
        });
        let mut writing = writing.expect("it is free");
        let asks: i64 = sqlx::query_scalar("PRAGMA busy_timeout").fetch_one(&mut *writing).await.expect("a number");
        assert!(asks <= 50, "beyond this, SQLite pauses for 50 and 100 ms: {asks}");
    }
}

/// D3: beside a reader whose snapshot no checkpoint can pass, everything is claimed and completed; the WAL that grew
/// meanwhile is cut when the reader is gone.
#[tokio::test]
async fn d3_a_wal_that_a_reader_made_large_is_cut_again() {
    const LIMIT: u64 = 1 << 20;
    let mut fixture = Fixture::new(&["a"]).await;
    let connections = &fixture.backend.store.connections;
    for quick in [false, true] {
        let mut conn =
            if quick { connections.quick_write().await } else { connections.durable().await }.expect("begins");
        let limit: i64 = sqlx::query_scalar("PRAGMA journal_size_limit").fetch_one(&mut *conn).await.expect("a number");
        assert_eq!(limit, 64 << 20, "quick {quick}");
        // So that the test need not write more than that.
        let less: i64 =
            sqlx::query_scalar("PRAGMA journal_size_limit = 1048576").fetch_one(&mut *conn).await.expect("less");
        assert_eq!(less, LIMIT as i64);
    }
    let wal = fixture.dir.path().join("db-wal");
    let size = || std::fs::metadata(&wal).expect("there is a WAL").len();

    let mut reader = fixture.backend.pool().acquire().await.expect("connects");
    let waiting = "SELECT count(*) FROM signals_delivery";
    sqlx::raw_sql("BEGIN").execute(&mut *reader).await.expect("begins");
    let pinned: i64 = sqlx::query_scalar(waiting).fetch_one(&mut *reader).await.expect("reads");
    let large = |id| Outgoing::new(&Paid { id, note: "x".repeat(64 << 10) });
    fixture.send((0..200).map(large).collect()).await.expect("sends beside the reader");
    let mut completed = 0;
    for _ in 0..2 {
        completed += fixture.complete(100).await;
    }
    assert_eq!((completed, fixture.number(waiting).await), (200, 0), "two claims of a hundred, as without the reader");
    assert!(size() > 8 * LIMIT, "no checkpoint could pass the reader: {}", size());
    let still: i64 = sqlx::query_scalar(waiting).fetch_one(&mut *reader).await.expect("reads");
    assert_eq!(still, pinned, "its snapshot is as it was");
    sqlx::raw_sql("COMMIT").execute(&mut *reader).await.expect("ends");

    // The first commit copies the WAL into the database, the next one begins it anew.
    for id in 200..202 {
        fixture.send_ids(id..id + 1).await;
        assert_eq!(fixture.complete(1).await, 1);
    }
    assert!(size() <= LIMIT, "{} bytes are left", size());
}

#[tokio::test]
async fn s10_a_file_that_takes_no_writes_is_a_typed_error_until_it_does() {
    let mut fixture = Fixture::new(&["a"]).await;
    fixture.send_ids(0..1).await;
    let held = fixture.claimed(&[1]).await.claimed[0].held;
    for read_only in [true, false] {
        let mut quick = fixture.backend.store.connections.quick().await.expect("opens");
        let pragma = if read_only { "PRAGMA query_only = 1" } else { "PRAGMA query_only = 0" };
        sqlx::query(pragma).execute(&mut *quick).await.expect("runs");
        drop(quick);
        let renewed = fixture.store.renew(&[held], LEASE).await;
        if read_only {
            assert!(matches!(renewed, Err(Error::NotWritable(_))), "{renewed:?}");
        } else {
            assert_eq!(renewed.expect("renews"), [Renewed::Kept]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_file_may_be_opened_by_many_at_once() {
    let dir = tempfile::tempdir().expect("a directory");
    for round in 0..20 {
        let file = dir.path().join(format!("db{round}"));
        let mut opening: tokio::task::JoinSet<_> = (0..8).map(|_| SqliteBackend::open(file.clone())).collect();
        while let Some(opened) = opening.join_next().await {
            opened.expect("no panic").expect("opens");
        }
    }
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
