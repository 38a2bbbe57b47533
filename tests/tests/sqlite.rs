//! SQLite against the suite: a file for each case.
#![cfg(feature = "sqlite")]

use std::sync::Arc;

use signals_conformance::Harness;
use signals_core::clock::ManualClock;
use signals_core::{Error, Result};
use signals_runtime::backend::sqlite::SqliteBackend;
use sqlx::SqliteConnection;

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

signals_conformance::conformance!(Sqlite);
