//! A database for each case, copied from one that is migrated already, and how its sessions are set up.

use std::marker::PhantomData;
use std::sync::Arc;

use signals_cluster::{Database, Server};
use signals_conformance::Harness;
use signals_core::clock::ManualClock;
use signals_core::{Backend as _, Error, Result};
use signals_runtime::PgBackend;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgConnection, PgPool};

/// How sessions are set up.
pub(crate) trait Sessions: Send + Sync + 'static {
    /// What stands in the database beside the deliveries.
    fn prepare() -> String {
        String::new()
    }

    /// Where the databases are made.
    fn server() -> Server {
        Server::for_tests().expect("a server for the tests")
    }

    /// What the backend's connections say when they are opened.
    fn options(options: PgConnectOptions) -> PgConnectOptions {
        options
    }

    /// The backend over them.
    fn over(pool: PgPool) -> PgBackend {
        PgBackend::new(pool)
    }
}

/// As they come.
pub(crate) struct Plain;

impl Sessions for Plain {}

/// One database, whose backend connects as `S` says.
pub(crate) struct Postgres<S> {
    pub(crate) backend: PgBackend,
    /// Beside the backend's pool, and set up as a superuser's.
    pub(crate) reader: PgPool,
    // The database lives as long as the case.
    pub(crate) database: Database,
    sessions: PhantomData<S>,
}

/// A pool over `options`, which is opened when it is used.
pub(crate) fn pool(options: PgConnectOptions) -> PgPool {
    PgPoolOptions::new().max_connections(20).connect_lazy_with(options.disable_statement_logging())
}

impl<S: Sessions> Postgres<S> {
    /// A migrated database with a table for business writes, on the server's clock.
    pub(crate) async fn on_the_servers_clock() -> Self {
        let server = S::server();
        let migrations = PgBackend::new(pool(server.options("postgres"))).store().migrations();
        let key: String = migrations.iter().map(|migration| migration.sql).chain([S::prepare().as_str()]).collect();
        let prepare = async |url: String| {
            let pool = PgPool::connect(&url).await?;
            PgBackend::new(pool.clone()).store().migrate().await?;
            let table = "CREATE TABLE public.business (key text PRIMARY KEY, value text NOT NULL)";
            sqlx::raw_sql(table).execute(&pool).await?;
            sqlx::raw_sql(AssertSqlSafe(S::prepare())).execute(&pool).await?;
            pool.close().await;
            Ok(())
        };
        let database = server.database_like(&key, prepare).await.expect("a database for one test");
        let backend = S::over(pool(S::options(database.options())));
        Self { backend, reader: pool(database.options()), database, sessions: PhantomData }
    }

    /// A number that a statement answers.
    pub(crate) async fn number(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.reader).await.expect("a number")
    }
}

impl<S: Sessions> Harness for Postgres<S> {
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
