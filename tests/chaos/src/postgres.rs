//! Postgres: a private server whose commits wait for the disk, and a wire to it for each process.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use signals_cluster::{Binaries, Cluster, Server, Settings, Stop, Wire};
use signals_runtime::{Delivery, Error, PgBackend, PgTx, Registry, Result, Signals, State, receiver};
use sqlx::postgres::PgPoolOptions;

use crate::Log;
use crate::app::{Order, TABLES, plain, reluctant};
use crate::database::{Books, Database, Host, Way};
use crate::nemesis::Ill;

/// How many clients the server lets in: a few dozen more than all processes together want.
const CONNECTIONS: u32 = 120;

/// The most connections of one process's pool, beside its worker's own.
const POOL: u32 = 16;

/// Its effect is a row, which nothing keeps from being there twice. An attempt that lost its server is soon repeated, and often
/// enough to outlast all that is done to it.
#[receiver(
    signal = Order,
    name = "chaos.transactional",
    timeout = "5s",
    max_attempts = 500,
    backoff(initial = "50ms", max = "500ms")
)]
async fn transactional(order: &Order, tx: &mut PgTx, State(log): State<Log>, delivery: Delivery) -> anyhow::Result<()> {
    log.write("transactional", order.number, delivery.attempt)?;
    sqlx::query("INSERT INTO chaos_effect (number) VALUES ($1)").bind(order.number).execute(&mut **tx).await?;
    // tidy: not a wait: it is the work
    tokio::time::sleep(order.holds_transaction()).await;
    Ok(())
}

/// The application over a database of a server.
#[derive(Debug)]
pub enum Postgres {}

impl Database for Postgres {
    type Backend = PgBackend;

    const NAME: &'static str = "postgres";
    const ONE_WRITER: bool = false;

    /// Connects when it must.
    async fn open(address: &str) -> anyhow::Result<Signals<PgBackend>> {
        let registry =
            Registry::builder().receiver::<plain>().receiver::<transactional>().receiver::<reluctant>().build()?;
        // Whoever waits longer than this for a connection is better told.
        let pool = PgPoolOptions::new().max_connections(POOL).acquire_timeout(Duration::from_secs(5));
        Ok(Signals::new(PgBackend::new(pool.connect_lazy(address)?)).with_registry(registry))
    }

    async fn write_order(tx: &mut PgTx, number: i64, signal: i64) -> Result<()> {
        let insert = sqlx::query("INSERT INTO chaos_order (number, signal) VALUES ($1, $2)").bind(number).bind(signal);
        insert.execute(&mut **tx).await.map(drop).map_err(|error| Error::Unavailable(error.into()))
    }

    async fn read_books(signals: &Signals<PgBackend>) -> anyhow::Result<Books> {
        let pool = signals.backend().pool();
        Ok(Books {
            orders: sqlx::query_as("SELECT number, signal FROM chaos_order").fetch_all(pool).await?,
            rows: sqlx::query_scalar("SELECT number FROM chaos_effect").fetch_all(pool).await?,
            integrity: "ok".to_owned(),
        })
    }

    async fn is_pinned(signals: &Signals<PgBackend>) -> anyhow::Result<bool> {
        let pinned = "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE backend_type = 'client backend' \
                      AND pid <> pg_backend_pid() AND (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL) \
                      AND xact_start < clock_timestamp() - INTERVAL '500 ms')";
        Ok(sqlx::query_scalar(pinned).fetch_one(signals.backend().pool()).await?)
    }

    async fn count(signals: &Signals<PgBackend>) -> anyhow::Result<(i64, i64)> {
        let count = "SELECT (SELECT count(*) FROM chaos_order), (SELECT count(*) FROM chaos_effect)";
        Ok(sqlx::query_as(count).fetch_one(signals.backend().pool()).await?)
    }
}

/// A server of this campaign. It is stopped and removed when this is dropped, and when the campaign dies.
#[derive(Debug)]
pub struct PrivateServer {
    cluster: Cluster,
    server: Server,
    database: String,
}

impl Host for PrivateServer {
    type Database = Postgres;

    async fn start(_folder: &Path) -> anyhow::Result<Self> {
        // After a crash the server asks the file system once, instead of each of its thousand files.
        let settings = Settings::durable().max_connections(CONNECTIONS).set("recovery_init_sync_method", "syncfs");
        let cluster = Cluster::start_with(Binaries::find_or_install()?, settings)?;
        let server = cluster.server();
        // It goes with its server.
        let database = server.database().await?.keep();
        let host = Self { cluster, server, database };
        let signals = Postgres::open(&host.address()).await?;
        signals.setup().await?;
        for table in TABLES {
            sqlx::query(table).execute(signals.backend().pool()).await?;
        }
        signals.backend().pool().close().await;
        Ok(host)
    }

    fn address(&self) -> String {
        self.server.url(&self.database)
    }

    async fn way(&self) -> anyhow::Result<Way> {
        let port = self.cluster.port();
        let wire = Wire::to(port).await?;
        let address = self.address().replace(&format!(":{port}/"), &format!(":{}/", wire.port()));
        Ok(Way { address, wire: Some(wire) })
    }

    fn ills() -> &'static [Ill] {
        &[Ill::Terminate, Ill::Restart, Ill::Crash, Ill::Kill, Ill::Exhaust, Ill::Cut, Ill::Hole]
    }

    async fn suffer(&mut self, ill: Ill, lasts: Duration) -> anyhow::Result<()> {
        match ill {
            Ill::Terminate => self.server.terminate(Some(&self.database)).await.map(drop),
            Ill::Restart => self.down(Stop::Fast, lasts).await,
            Ill::Crash => self.down(Stop::Immediate, lasts).await,
            Ill::Kill => self.down(Stop::Kill, lasts).await,
            Ill::Exhaust => self.exhaust(lasts).await,
            Ill::Cut | Ill::Hole => anyhow::bail!("{ill:?} is done to a wire"),
        }
    }
}

impl PrivateServer {
    /// Stops the server, and starts it again after a while.
    async fn down(&mut self, how: Stop, lasts: Duration) -> anyhow::Result<()> {
        tokio::task::block_in_place(|| self.cluster.stop(how))?;
        // tidy: not a wait: for so long it is down
        tokio::time::sleep(lasts).await;
        tokio::task::block_in_place(|| self.cluster.up()).context("the server does not start again")
    }

    /// Takes every connection that is left, and keeps them for a while.
    async fn exhaust(&self, lasts: Duration) -> anyhow::Result<()> {
        let mut taken = Vec::new();
        while let Ok(connection) = self.server.connect().await {
            taken.push(connection);
            anyhow::ensure!(taken.len() <= CONNECTIONS as usize, "the server lets everybody in");
        }
        // tidy: not a wait: for so long there is none
        tokio::time::sleep(lasts).await;
        Ok(())
    }
}
