//! SQLite against the suite: a file for each case.
#![cfg(feature = "sqlite")]

use std::sync::Arc;
use std::time::Duration;

use signals_conformance::fixtures::paid;
use signals_conformance::hostile::d9_no_attempt_is_one_too_many;
use signals_conformance::secrets::w17_i13_what_is_refused_is_told_without_what_it_says;
use signals_conformance::stage::{Plain, Theatre};
use signals_conformance::{Db, Harness};
use signals_core::clock::ManualClock;
use signals_core::{Error, Receiver as _, Result, Signal as _};
use signals_runtime::backend::sqlite::SqliteBackend;
use signals_runtime::{Signals, Tx};
use sqlx::{SqliteConnection, SqlitePool};

struct Sqlite {
    backend: SqliteBackend,
    // The files live as long as the case.
    _directory: tempfile::TempDir,
}

impl Harness for Sqlite {
    type Backend = SqliteBackend;

    async fn open(clock: ManualClock) -> Self {
        let directory = tempfile::tempdir().expect("a directory for one test");
        let options = SqliteBackend::options().clock(Arc::new(clock));
        let backend = options.open(directory.path().join("signals.db")).await.expect("a new file can be opened");
        let table = "CREATE TABLE business (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT";
        sqlx::raw_sql(table).execute(backend.pool()).await.expect("a table for business writes");
        Self { backend, _directory: directory }
    }

    fn backend(&self) -> &SqliteBackend {
        &self.backend
    }

    async fn write(conn: &mut SqliteConnection, key: &str, value: &str) -> Result<()> {
        let write =
            "INSERT INTO business (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
        sqlx::query(write).bind(key).bind(value).execute(conn).await.map_err(database)?;
        Ok(())
    }

    async fn read(&self, key: &str) -> Option<String> {
        let read = sqlx::query_scalar("SELECT value FROM business WHERE key = ?").bind(key);
        read.fetch_optional(self.backend.pool()).await.expect("business values can be read")
    }

    async fn commit_and_begin(conn: &mut SqliteConnection) -> Result<bool> {
        sqlx::raw_sql("COMMIT; BEGIN IMMEDIATE").execute(conn).await.map_err(database)?;
        Ok(true)
    }
}

fn database(error: sqlx::Error) -> Error {
    Error::Database(error.into())
}

signals_conformance::conformance!(Sqlite, one writer);

/// I1, S4: a transaction that the application began itself takes sends, and is as careful as one of ours.
#[tokio::test]
async fn i1_s4_an_adopted_transaction_commits_its_sends_and_refuses_after_a_failed_one() {
    let db = Db::<Sqlite>::open().await;
    let theatre = Theatre::open(&db, &[Plain::DEF], []).await;
    let adopt = async || {
        #[expect(clippy::disallowed_methods, reason = "the application's own transaction")]
        let raw = db.harness.backend.pool().begin_with("BEGIN IMMEDIATE").await.expect("a transaction can begin");
        theatre.signals.adopt(raw).expect("the declarations agree")
    };

    let mut tx = adopt().await;
    Sqlite::write(&mut tx, "kept", "yes").await.expect("a business write succeeds");
    paid(7).send(&mut tx).await.expect("the send succeeds");
    assert_eq!(db.all().await.len(), 0, "nothing is seen before the commit");
    tx.commit().await.expect("the commit succeeds");
    assert_eq!((db.read("kept").await.as_deref(), theatre.drain().await.done), (Some("yes"), 1));

    let mut tx = adopt().await;
    Sqlite::write(&mut tx, "lost", "yes").await.expect("a business write succeeds");
    paid(8).send(&mut tx).after(Duration::MAX).await.expect_err("it is refused");
    let error = tx.commit().await.expect_err("a send in it has failed");
    assert!(matches!(error, Error::SendFailed), "{error:?}");
    assert_eq!((db.read("lost").await, db.all().await.len()), (None, 1));

    let mut tx = adopt().await;
    paid(9).send(&mut tx).await.expect("the send succeeds");
    drop(tx);
    assert_eq!(db.all().await.len(), 1, "dropped, it rolls back");
}

/// D9, T9: the number that is the largest on every database goes no further here, where a column would hold more.
#[tokio::test]
async fn d9_t9_the_largest_attempt_can_be_claimed_and_stolen() {
    let db = Db::<Sqlite>::open().await;
    let plant = async || {
        let attempts = sqlx::query("UPDATE signals_delivery SET attempt = 2147483647");
        attempts.execute(db.harness.backend.pool()).await.expect("a number of a foreign hand's");
    };
    d9_no_attempt_is_one_too_many(&db, plant).await;
}

/// W17, I13: what a trigger of a foreign hand's refuses is quoted by nobody.
#[tokio::test]
async fn w17_i13_a_row_that_a_trigger_refuses_is_quoted_nowhere() {
    let db = Db::<Sqlite>::open().await;
    let refuse = async {
        let triggers = "
            CREATE TRIGGER no_signal BEFORE INSERT ON signals_signal BEGIN SELECT raise(ABORT, 'refused'); END;
            CREATE TRIGGER no_attempt BEFORE INSERT ON signals_attempt BEGIN SELECT raise(ABORT, 'refused'); END;
            CREATE TRIGGER no_end BEFORE INSERT ON signals_settled BEGIN SELECT raise(ABORT, 'refused'); END";
        sqlx::raw_sql(triggers).execute(db.harness.backend.pool()).await.expect("a foreign hand's");
    };
    w17_i13_what_is_refused_is_told_without_what_it_says(&db, refuse).await;
}

/// Another program over the same file, whose connections wait a tenth of a second for the lock.
async fn hasty(db: &Db<Sqlite>) -> Signals<SqliteBackend> {
    let options = db.harness.backend.pool().connect_options().as_ref().clone().busy_timeout(Duration::from_millis(100));
    let pool = SqlitePool::connect_with(options).await.expect("the file can be opened");
    Signals::new(SqliteBackend::from_pool(pool).await.expect("nothing is wrong with it"))
}

/// A transaction of the application's own that has not taken the lock, and sees what there was when it read.
async fn reading(signals: &Signals<SqliteBackend>) -> Tx<SqliteBackend> {
    #[expect(clippy::disallowed_methods, reason = "the application's own transaction")]
    let mut raw = signals.backend().pool().begin().await.expect("it takes no lock");
    let count = sqlx::query("SELECT count(*) FROM business").execute(&mut *raw);
    count.await.expect("readers pass writers by");
    signals.adopt(raw).expect("the declarations agree")
}

/// S8: a lock that is not free in time is a typed error, of a begin and of a send; the transaction may be begun again.
#[tokio::test]
async fn s8_a_lock_that_is_not_free_in_time_is_a_typed_error() {
    let db = Db::<Sqlite>::open().await;
    let theatre = Theatre::open(&db, &[Plain::DEF], []).await;
    let hasty = hasty(&db).await;
    let holder = theatre.signals.begin().await.expect("nobody holds the lock");

    let begin = hasty.begin().await.expect_err("somebody holds it");
    assert!(matches!(begin, Error::Contention(_)) && begin.is_retryable(), "{begin:?}");
    let mut tx = reading(&hasty).await;
    let send = paid(7).send(&mut tx).await.expect_err("somebody holds it");
    assert!(matches!(send, Error::Contention(_)) && send.is_retryable(), "{send:?}");
    let commit = tx.commit().await.expect_err("a send in it has failed");
    assert!(matches!(commit, Error::SendFailed), "{commit:?}");

    holder.rollback().await.expect("rolled back");
    let mut tx = hasty.begin().await.expect("it is free");
    paid(7).send(&mut tx).await.expect("the send succeeds");
    tx.commit().await.expect("the commit succeeds");
    assert_eq!(theatre.drain().await.done, 1);
}

/// S9: SQLite's serialization failure. A transaction that has read what another has changed since cannot write any more: its
/// send is refused at once, by an error that says that it may be begun again.
#[tokio::test]
async fn s9_a_transaction_that_read_what_has_changed_since_is_told_to_begin_again() {
    let db = Db::<Sqlite>::open().await;
    let theatre = Theatre::open(&db, &[Plain::DEF], []).await;
    let mut tx = reading(&theatre.signals).await;
    theatre.send(&paid(1)).await;

    let send = paid(7).send(&mut tx).await.expect_err("its snapshot is an old one");
    assert!(matches!(send, Error::Contention(_)) && send.is_retryable(), "{send:?}");
    let commit = tx.commit().await.expect_err("a send in it has failed");
    assert!(matches!(commit, Error::SendFailed), "{commit:?}");

    let mut tx = reading(&theatre.signals).await;
    paid(7).send(&mut tx).await.expect("its snapshot is a new one");
    tx.commit().await.expect("the commit succeeds");
    assert_eq!(theatre.drain().await.done, 2);
}
