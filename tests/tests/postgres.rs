//! Postgres against the suite: a database for each case, copied from one that is migrated already.
#![cfg(feature = "postgres")]

use std::sync::Arc;

use signals_cluster::{Database, Server};
use signals_conformance::Harness;
use signals_core::clock::ManualClock;
use signals_core::{Backend as _, Error, Result};
use signals_runtime::PgBackend;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, PgConnection, PgPool};

struct Postgres {
    backend: PgBackend,
    /// Beside the backend's pool: what the server says when that one is asked nothing.
    reader: PgPool,
    // The database lives as long as the case.
    _database: Database,
}

/// A pool over `options`, which is opened when it is used.
fn pool(options: PgConnectOptions) -> PgPool {
    PgPoolOptions::new().max_connections(20).connect_lazy_with(options.disable_statement_logging())
}

/// A migrated database with a table for business writes.
async fn database() -> Database {
    let server = Server::for_tests().expect("a server for the tests");
    let key: String =
        PgBackend::new(pool(server.options("postgres"))).store().migrations().iter().map(|m| m.sql).collect();
    let prepare = async |url: String| {
        let pool = PgPool::connect(&url).await?;
        PgBackend::new(pool.clone()).store().migrate().await?;
        let table = "CREATE TABLE business (key text PRIMARY KEY, value text NOT NULL)";
        sqlx::raw_sql(table).execute(&pool).await?;
        pool.close().await;
        Ok(())
    };
    server.database_like(&key, prepare).await.expect("a database for one test")
}

impl Harness for Postgres {
    type Backend = PgBackend;

    async fn open(clock: ManualClock) -> Self {
        let database = database().await;
        let backend = PgBackend::new(pool(database.options())).with_clock(Arc::new(clock));
        Self { backend, reader: pool(database.options()), _database: database }
    }

    fn backend(&self) -> &PgBackend {
        &self.backend
    }

    async fn write(conn: &mut PgConnection, key: &str, value: &str) -> Result<()> {
        let write =
            "INSERT INTO business (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
        sqlx::query(write).bind(key).bind(value).execute(conn).await.map_err(database_error)?;
        Ok(())
    }

    async fn read(&self, key: &str) -> Option<String> {
        let read = sqlx::query_scalar("SELECT value FROM business WHERE key = $1").bind(key);
        read.fetch_optional(&self.reader).await.expect("business values can be read")
    }

    async fn commit_and_begin(conn: &mut PgConnection) -> Result<bool> {
        sqlx::raw_sql("COMMIT; BEGIN").execute(conn).await.map_err(database_error)?;
        Ok(true)
    }
}

fn database_error(error: sqlx::Error) -> Error {
    Error::Database(error.into())
}

signals_conformance::conformance!(Postgres);
