//! A database for each case, copied from one that is migrated already, and how its sessions are set up.

use std::cell::Cell;
use std::sync::Arc;

use signals_cluster::{Database, Server};
use signals_conformance::Harness;
use signals_core::clock::ManualClock;
use signals_core::{Backend as _, Error, Result};
use signals_runtime::PgBackend;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgConnection, PgPool};

/// How sessions are set up.
#[derive(Clone, Copy)]
pub(crate) struct Sessions {
    /// What stands in the database beside the deliveries.
    pub(crate) prepare: fn() -> String,
    /// Where the databases are made.
    pub(crate) server: fn() -> Server,
    /// What the backend's connections say when they are opened.
    pub(crate) options: fn(PgConnectOptions) -> PgConnectOptions,
    /// The backend over them.
    pub(crate) over: fn(PgPool) -> PgBackend,
}

thread_local! {
    /// Those of the databases that cases open on this thread. They are no parameter of the harness's type, for each of which the
    /// compiler would make a suite of its own.
    static OPENED: Cell<Sessions> = const { Cell::new(Sessions::PLAIN) };
}

impl Sessions {
    /// As they come.
    pub(crate) const PLAIN: Self = Self {
        prepare: String::new,
        server: || Server::for_tests().expect("a server for the tests"),
        options: |options| options,
        over: PgBackend::new,
    };

    /// The databases that cases open on this thread have such sessions, until the answer is dropped.
    pub(crate) fn on_this_thread(self) -> OnThisThread {
        OPENED.set(self);
        OnThisThread
    }
}

#[must_use = "dropped, sessions are plain again"]
pub(crate) struct OnThisThread;

impl Drop for OnThisThread {
    fn drop(&mut self) {
        OPENED.set(Sessions::PLAIN);
    }
}

/// One database, whose backend has sessions of one kind.
pub(crate) struct Postgres {
    pub(crate) backend: PgBackend,
    /// Beside the backend's pool, and set up as a superuser's.
    pub(crate) reader: PgPool,
    // The database lives as long as the case.
    pub(crate) database: Database,
}

/// A pool over `options`, which is opened when it is used.
pub(crate) fn pool(options: PgConnectOptions) -> PgPool {
    PgPoolOptions::new().max_connections(20).connect_lazy_with(options.disable_statement_logging())
}

impl Postgres {
    /// A migrated database with a table for business writes, on the server's clock.
    pub(crate) async fn on_the_servers_clock() -> Self {
        Self::with(OPENED.get()).await
    }

    /// As [`Postgres::on_the_servers_clock`], with such sessions.
    pub(crate) async fn with(sessions: Sessions) -> Self {
        let server = (sessions.server)();
        let beside = (sessions.prepare)();
        let migrations = PgBackend::new(pool(server.options("postgres"))).store().migrations();
        let key: String = migrations.iter().map(|migration| migration.sql).chain([beside.as_str()]).collect();
        let prepare = async |url: String| {
            let pool = PgPool::connect(&url).await?;
            PgBackend::new(pool.clone()).store().migrate().await?;
            let table = "CREATE TABLE public.business (key text PRIMARY KEY, value text NOT NULL)";
            sqlx::raw_sql(table).execute(&pool).await?;
            sqlx::raw_sql(AssertSqlSafe(beside.clone())).execute(&pool).await?;
            pool.close().await;
            Ok(())
        };
        let database = server.database_like(&key, prepare).await.expect("a database for one test");
        let backend = (sessions.over)(pool((sessions.options)(database.options())));
        Self { backend, reader: pool(database.options()), database }
    }

    /// A number that a statement answers.
    pub(crate) async fn number(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.reader).await.expect("a number")
    }
}

impl Harness for Postgres {
    type Backend = PgBackend;

    async fn open(clock: ManualClock) -> Self {
        let own = Self::on_the_servers_clock().await;
        Self { backend: own.backend.with_clock(Arc::new(clock)), ..own }
    }

    fn backend(&self) -> &PgBackend {
        &self.backend
    }

    async fn write(conn: &mut PgConnection, key: &str, value: &str) -> Result<()> {
        let write = "INSERT INTO public.business (key, value) VALUES ($1, $2)
            ON CONFLICT (key) DO UPDATE SET value = excluded.value";
        sqlx::query(write).bind(key).bind(value).execute(conn).await.map_err(refused)?;
        Ok(())
    }

    async fn read(&self, key: &str) -> Option<String> {
        let read = sqlx::query_scalar("SELECT value FROM public.business WHERE key = $1").bind(key);
        read.fetch_optional(&self.reader).await.expect("business values can be read")
    }

    async fn commit_and_begin(conn: &mut PgConnection) -> Result<bool> {
        sqlx::raw_sql("COMMIT; BEGIN").execute(conn).await.map_err(refused)?;
        Ok(true)
    }
}

fn refused(error: sqlx::Error) -> Error {
    Error::Database(error.into())
}
