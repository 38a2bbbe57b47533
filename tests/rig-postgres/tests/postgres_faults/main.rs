//! Fault at k on Postgres: each statement's connection is cut before it arrives, and after it was done and before its answer.

mod names;
mod protocol;
mod proxy;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use proxy::Proxy;
use signals_cluster::{Database, Server};
use signals_conformance::faults::{Cut, Ground, Meter, Soil, sweep};
use signals_core::{Backend as _, Error, Result};
use signals_runtime::{PgBackend, Signals};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, PgConnection, PgPool};

/// How many connections the application's pool has: one for each transaction of its receivers, and one for senders.
const CONNECTIONS: u32 = 4;

/// The application's own table.
const TABLE: &str = "CREATE TABLE public.business (what text NOT NULL, number bigint NOT NULL)";

/// A database, and the proxy through which the application sees it.
struct Proxied {
    backend: PgBackend,
    direct: Signals<PgBackend>,
    free: Arc<Free>,
    _proxy: Proxy,
    // The last: whoever is still connected is thrown out.
    database: Database,
}

/// Databases of stories that went well, and left nothing in them: to make one takes longer than to tell a story. They are dropped
/// with the sweep.
#[derive(Default)]
struct Free(Mutex<Vec<Database>>);

impl Free {
    fn take(&self) -> Option<Database> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn put(&self, database: Database) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(database);
    }
}

fn pool(options: PgConnectOptions, connections: u32) -> PgPool {
    let pool = PgPoolOptions::new().max_connections(connections).acquire_timeout(Duration::from_secs(5));
    pool.connect_lazy_with(options.disable_statement_logging())
}

/// An empty database, with the tables of the library and of the application.
async fn database() -> Database {
    let server = Server::for_tests().expect("a server for the tests");
    let migrations = PgBackend::new(pool(server.options("postgres"), 1)).store().migrations();
    let key: String = migrations.iter().map(|migration| migration.sql).chain([TABLE]).collect();
    let prepare = async |url: String| {
        let pool = PgPool::connect(&url).await?;
        PgBackend::new(pool.clone()).store().migrate().await?;
        sqlx::query(TABLE).execute(&pool).await?;
        pool.close().await;
        Ok(())
    };
    server.database_like(&key, prepare).await.expect("a database for stories")
}

async fn open(free: Arc<Free>, meter: Arc<Meter>, soil: Soil) -> Proxied {
    let left = if soil == Soil::Left { free.take() } else { None };
    let database = match left {
        Some(database) => database,
        None => database().await,
    };
    let options = database.options();
    let proxy = Proxy::to((options.get_host().to_owned(), options.get_port()), meter).await;
    let through = options.clone().host("127.0.0.1").port(proxy.port()).ssl_mode(sqlx::postgres::PgSslMode::Disable);
    let direct = pool(options, 1);
    sqlx::query("DELETE FROM public.business").execute(&direct).await.expect("nobody is in the judge's way");
    Proxied {
        backend: PgBackend::new(pool(through, CONNECTIONS)),
        direct: Signals::new(PgBackend::new(direct).without_hints()),
        free,
        _proxy: proxy,
        database,
    }
}

impl Ground for Proxied {
    /// Most of them wait. A story has up to ten connections, and the server has some for two such sweeps at once; of more at
    /// once, each takes so much longer that the sweep does, too.
    const ABREAST: usize = 10;
    #[rustfmt::skip]
    const STATEMENTS: &'static [&'static str] = &[
        "BEGIN ISOLATION LEVEL READ COMMITTED", "send_with", "send", "send_all", "COMMIT", "SELECT; COMMIT AND CHAIN", "ROLLBACK",
        "SAVEPOINT _sqlx_savepoint_1", "RELEASE SAVEPOINT _sqlx_savepoint_1", "ROLLBACK TO SAVEPOINT _sqlx_savepoint_1",
        "enlist", "heartbeat", "claim", "fence", "ack_fenced", "ack", "fail", "promote", "retry", "resign", "prune",
        "registry_lock", "register_receiver", "merge_settled", "prepare merge_pending", "merge_names", "merge_receiver",
        "lock_deliveries", "end", "action", "switch", "forget", "retry_signal", "snooze", "renew", "release",
    ];

    type Backend = PgBackend;
    type Direct = PgBackend;

    fn backend(&self) -> &PgBackend {
        &self.backend
    }

    fn direct(&self) -> &Signals<PgBackend> {
        &self.direct
    }

    async fn note(conn: &mut PgConnection, what: &'static str, number: i64) -> Result<()> {
        let insert = sqlx::query("INSERT INTO public.business (what, number) VALUES ($1, $2)").bind(what).bind(number);
        insert.execute(conn).await.map(drop).map_err(cut_off)
    }

    async fn is_noted(conn: &mut PgConnection, what: &'static str, number: i64) -> Result<bool> {
        let select = "SELECT EXISTS (SELECT FROM public.business WHERE what = $1 AND number = $2)";
        sqlx::query_scalar(select).bind(what).bind(number).fetch_one(conn).await.map_err(cut_off)
    }

    async fn noted(&self) -> Vec<(String, i64)> {
        let rows = sqlx::query_as("SELECT what, number FROM public.business").fetch_all(self.direct.backend().pool());
        rows.await.expect("nobody is in the judge's way")
    }

    fn pool_size(&self) -> u32 {
        CONNECTIONS
    }

    fn is_at_rest(&self) -> bool {
        let pool = self.backend.pool();
        pool.num_idle() == pool.size() as usize
    }

    fn leave(self) {
        self.free.put(self.database);
    }

    async fn unrest(&self) -> Option<String> {
        let open = "SELECT state || ' after: ' || query FROM pg_stat_activity
            WHERE datname = current_database() AND state LIKE 'idle in transaction%' LIMIT 1";
        let open = sqlx::query_scalar(open).fetch_optional(self.direct.backend().pool());
        open.await.expect("nobody is in the judge's way")
    }
}

/// The application's own statements fail here for no other reason.
fn cut_off(error: sqlx::Error) -> Error {
    Error::Unavailable(error.into())
}

/// Every story, on a few databases.
fn sweep_databases(cut: Cut) {
    let free = Arc::new(Free::default());
    sweep(cut, |meter, soil| open(free.clone(), meter, soil));
}

/// S1, S3, S6, I1, I2, I5, W13: a connection that is gone before a statement arrives costs a repetition.
#[test]
fn s1_s3_i1_i5_a_connection_cut_before_any_statement_loses_and_doubles_nothing() {
    sweep_databases(Cut::Before);
}

/// S2, S6, I1, I2, I5, W13: a statement whose answer is lost is done once, or told to be unknown.
#[test]
fn s2_i1_i5_a_connection_cut_after_any_statement_loses_and_doubles_nothing() {
    sweep_databases(Cut::After);
}
