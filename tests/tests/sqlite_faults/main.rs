//! Fault at k on SQLite: each call is left before a statement is sent, and once it was sent, so that it is done and its answer
//! lost.
#![cfg(feature = "sqlite")]

mod call;
mod faulty;

use std::path::Path;
use std::sync::Arc;

use call::{Call, Ends};
use faulty::{Faulty, FaultyTx};
use signals_conformance::faults::{Cut, Fault, Ground, Meter, sweep};
use signals_core::{Error, Result};
use signals_runtime::{Signals, SqliteBackend};

/// How many connections the application's pool has.
const CONNECTIONS: u32 = 4;

/// A file, and two ways to it.
struct Sqlite {
    faulty: Faulty,
    direct: Signals<SqliteBackend>,
    // The files live as long as the story.
    _directory: tempfile::TempDir,
}

async fn open(fault: Fault) -> Sqlite {
    // In memory, where that is a folder: nothing here is about the disk.
    let memory = Path::new("/dev/shm");
    let directory = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    let directory = directory.expect("a directory for one story");
    let file = directory.path().join("signals.db");
    let options = SqliteBackend::options().max_connections(CONNECTIONS);
    let direct = Signals::new(options.clone().open(&file).await.expect("a new file can be opened"));
    direct.migrate().await.expect("it is empty");
    let table = "CREATE TABLE business (what TEXT NOT NULL, number INTEGER NOT NULL) STRICT";
    sqlx::raw_sql(table).execute(direct.backend().pool()).await.expect("a table for business writes");
    let faulty = Faulty {
        inner: options.open(&file).await.expect("it can be opened again"),
        meter: Arc::new(Meter::new(fault)),
    };
    Sqlite { faulty, direct, _directory: directory }
}

impl Ground for Sqlite {
    type Backend = Faulty;
    type Direct = SqliteBackend;

    fn backend(&self) -> &Faulty {
        &self.faulty
    }

    fn direct(&self) -> &Signals<SqliteBackend> {
        &self.direct
    }

    fn meter(&self) -> &Meter {
        &self.faulty.meter
    }

    async fn note(conn: &mut FaultyTx, what: &'static str, number: i64) -> Result<()> {
        let FaultyTx { tx, meter } = conn;
        let insert = sqlx::query("INSERT INTO business (what, number) VALUES (?, ?)").bind(what).bind(number);
        let insert = async { insert.execute(&mut **tx).await.map(drop).map_err(|error| Error::Database(error.into())) };
        Call::new(meter, "a business row", Ends::Open, Box::pin(insert)).await
    }

    async fn is_noted(conn: &mut FaultyTx, what: &'static str, number: i64) -> Result<bool> {
        let FaultyTx { tx, meter } = conn;
        let select = "SELECT EXISTS (SELECT 1 FROM business WHERE what = ? AND number = ?)";
        let select = sqlx::query_scalar(select).bind(what).bind(number);
        let select = async { select.fetch_one(&mut **tx).await.map_err(|error| Error::Database(error.into())) };
        Call::new(meter, "a look", Ends::Open, Box::pin(select)).await
    }

    async fn noted(&self) -> Vec<(String, i64)> {
        let rows = sqlx::query_as("SELECT what, number FROM business").fetch_all(self.direct.backend().pool());
        rows.await.expect("nobody is in the judge's way")
    }

    fn pool_size(&self) -> u32 {
        CONNECTIONS
    }

    /// A transaction begins on each connection of the pool, and none of the others reads or writes.
    async fn unrest(&self) -> Option<String> {
        let mut held = Vec::new();
        for _ in 0..CONNECTIONS {
            let mut conn = self.faulty.inner.pool().acquire().await.expect("S6: every connection is in its pool");
            let probed = sqlx::raw_sql("BEGIN; ROLLBACK").execute(&mut *conn).await;
            if let Err(error) = probed {
                return Some(format!("a connection of the pool: {error}"));
            }
            held.push(conn);
        }
        let checkpoint = sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(self.direct.backend().pool());
        let (busy, _, _): (bool, i64, i64) = checkpoint.await.expect("nobody is in the judge's way");
        busy.then(|| "some connection reads or writes".to_owned())
    }
}

/// S1, S3, S6, I1, I2, I5: a call that is left before a statement costs a repetition.
#[test]
fn s1_s3_s6_i1_i5_a_call_left_before_any_statement_loses_and_doubles_nothing() {
    sweep(Cut::Before, open);
}

/// S2, S6, I1, I2, I5: a statement whose answer is lost is done once, or told to be unknown.
#[test]
fn s2_s6_i1_i5_a_call_left_after_any_statement_loses_and_doubles_nothing() {
    sweep(Cut::After, open);
}
