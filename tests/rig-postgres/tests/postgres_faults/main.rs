//! Fault at k on Postgres: each statement's connection is cut before it arrives, and after it was done and before its answer.

mod names;
mod protocol;
mod proxy;
mod shelf;

use std::sync::Arc;
use std::time::Duration;

use proxy::Proxy;
use shelf::Shelf;
use signals_cluster::Database;
use signals_conformance::faults::{Cut, Ground, Meter, Soil, sweep};
use signals_core::{Error, Result};
use signals_runtime::{PgBackend, Signals};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgConnection, PgPool, raw_sql};

/// How many connections the application's pool has: one for each transaction of its receivers, and one for senders.
const CONNECTIONS: u32 = 4;

/// How long a connection may take to be there: many stories are told at once.
const PATIENCE: Duration = Duration::from_secs(30);

/// A database, and the proxy through which the application sees it.
struct Proxied {
    backend: PgBackend,
    direct: Signals<PgBackend>,
    shelf: Arc<Shelf>,
    soil: Soil,
    _proxy: Proxy,
    // The last: whoever is still connected is thrown out.
    database: Database,
}

fn pool(options: PgConnectOptions, connections: u32) -> PgPool {
    let pool = PgPoolOptions::new().max_connections(connections).acquire_timeout(PATIENCE);
    pool.connect_lazy_with(options.disable_statement_logging())
}

async fn open(shelf: Arc<Shelf>, meter: Arc<Meter>, soil: Soil) -> Proxied {
    let (database, direct) = shelf.take(soil).await;
    let options = database.options();
    let proxy = Proxy::to((options.get_host().to_owned(), options.get_port()), meter).await;
    let through = options.host("127.0.0.1").port(proxy.port()).ssl_mode(sqlx::postgres::PgSslMode::Disable);
    let backend = PgBackend::new(pool(through, CONNECTIONS));
    Proxied {
        // A hint comes when it comes: among the statements of somebody who is alone, it would number them anew.
        backend: if soil == Soil::Left { backend } else { backend.without_hints() },
        direct: Signals::new(PgBackend::new(direct).without_hints()),
        shelf,
        soil,
        _proxy: proxy,
        database,
    }
}

impl Ground for Proxied {
    /// They take a processor's time. Of more at once, each takes so much longer that the sweep does, too.
    const ABREAST: usize = 6;
    #[rustfmt::skip]
    const STATEMENTS: &'static [&'static str] = &[
        "BEGIN ISOLATION LEVEL READ COMMITTED", "send_with", "send", "send_all", "COMMIT", "SELECT; COMMIT AND CHAIN", "ROLLBACK",
        "SAVEPOINT _sqlx_savepoint_1", "RELEASE SAVEPOINT _sqlx_savepoint_1", "ROLLBACK TO SAVEPOINT _sqlx_savepoint_1",
        "enlist", "heartbeat", "claim", "fence", "ack_fenced", "ack", "fail", "promote", "retry", "resign", "prune",
        "registry_lock", "register_receiver", "merge_settled", "prepare merge_pending", "merge_names", "merge_receiver",
        "lock_deliveries", "end", "action", "switch", "forget", "retry_signal", "snooze", "renew", "release", "action_count",
        "migrations_lock", "migrations_schema", "migrations_prepare", "migrations_note",
    ];
    const BATCH: u64 = 250;

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

    async fn schema(&self) -> Vec<String> {
        shelf::schema(self.direct.backend().pool()).await
    }

    fn whole_schema(&self) -> &[String] {
        &self.shelf.whole
    }

    async fn run_script(&self, script: String) {
        let run = raw_sql(AssertSqlSafe(script)).execute(self.direct.backend().pool());
        run.await.expect("nobody is in the judge's way");
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
        self.shelf.put(self.soil, self.database);
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
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let shelf = Arc::new(runtime.block_on(Shelf::make()));
    sweep(cut, |meter, soil| open(shelf.clone(), meter, soil));
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
