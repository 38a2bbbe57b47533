//! What is asked of each queue.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use signals_cluster::Database;
use sqlx::postgres::{PgPool, PgPoolOptions};

/// One queue over one database.
pub(crate) trait Queue: Sized + Send + Sync + 'static {
    /// Its name and version.
    const NAME: &'static str;

    /// What is set when it is tuned, and which page of its documentation says so.
    const TUNED: &'static str;

    /// What a completion is: when it is on the disk, and whether one comes too late that another worker has taken over.
    const COMPLETIONS: &'static str;

    /// Its tables, and a client of it.
    fn open(place: &Place) -> impl Future<Output = anyhow::Result<Self>> + Send;

    /// Enqueues so many pieces of work for one receiver, in bulk.
    fn fill(&self, count: i64, tuned: bool) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// A transaction: the row `number` of the application, and work for five.
    fn fact(&self, number: i64) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// A transaction with the piece of work `number`.
    fn one(&self, number: i64) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// Starts a worker.
    fn work(&self, tuned: bool) -> impl Future<Output = anyhow::Result<Working>> + Send;

    /// How much is neither done nor given up, as the database has it.
    fn left(&self) -> impl Future<Output = anyhow::Result<i64>> + Send;
}

/// A database for one measurement.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) database: Database,
    pub(crate) pool: PgPool,
}

/// The connections of a pool: more than any of them needs.
pub(crate) const CONNECTIONS: u32 = 40;

/// Connections that are there before a clock runs: as many as there are senders, and some for the worker.
pub(crate) const OPEN: u32 = 16;

impl Place {
    /// Writes what is dirty, first: no measurement pays for the one before it.
    pub(crate) async fn new(server: &signals_cluster::Server) -> anyhow::Result<Self> {
        let mut conn = server.connect().await?;
        sqlx::query("CHECKPOINT").execute(&mut conn).await?;
        let database = server.database().await?;
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS).min_connections(OPEN);
        let pool = pool.connect_with(database.options()).await?;
        sqlx::query("CREATE TABLE payment (id bigint PRIMARY KEY, amount bigint NOT NULL)").execute(&pool).await?;
        Ok(Self { database, pool })
    }
}

/// The application's row.
pub(crate) const PAYMENT: &str = "INSERT INTO payment (id, amount) VALUES ($1, 129900)";

/// The longest that a worker's end is waited for.
const GRACE: Duration = Duration::from_secs(10);

/// A worker that runs.
pub(crate) struct Working(Pin<Box<dyn Future<Output = ()> + Send>>);

impl Working {
    /// `stop` ends it, and waits until it has ended.
    pub(crate) fn until(stop: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(Box::pin(stop))
    }

    /// Stops it: it must not work beside what is measured next.
    pub(crate) async fn stop(self, name: &str) {
        if tokio::time::timeout(GRACE, self.0).await.is_err() {
            eprintln!("{name}: its worker did not stop within {GRACE:?}");
        }
    }
}
