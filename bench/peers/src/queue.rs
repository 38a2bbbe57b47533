//! What is asked of each queue.

use std::future::Future;

use signals_cluster::Database;
use sqlx::postgres::{PgPool, PgPoolOptions};

/// One queue over one database.
pub(crate) trait Queue: Sized + Send + Sync {
    /// Its name and version.
    const NAME: &'static str;

    /// What is set when it is tuned.
    const TUNED: &'static str;

    /// Its tables, and a client of it.
    fn open(place: &Place) -> impl Future<Output = anyhow::Result<Self>> + Send;

    /// Enqueues so many pieces of work for one receiver, in bulk.
    fn fill(&self, count: i64) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// A transaction: the row `number` of the application, and work for five.
    fn fact(&self, number: i64) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// A transaction with the piece of work `number`.
    fn one(&self, number: i64) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// Starts a worker.
    fn work(&self, tuned: bool) -> impl Future<Output = anyhow::Result<Working>> + Send;

    /// How much is neither done nor given up.
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

impl Place {
    pub(crate) async fn new(server: &signals_cluster::Server) -> anyhow::Result<Self> {
        let database = server.database().await?;
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS).connect_with(database.options()).await?;
        sqlx::query("CREATE TABLE payment (id bigint PRIMARY KEY, amount bigint NOT NULL)").execute(&pool).await?;
        Ok(Self { database, pool })
    }
}

/// The application's row.
pub(crate) const PAYMENT: &str = "INSERT INTO payment (id, amount) VALUES ($1, 129900)";

/// A worker that runs until this is stopped or dropped.
pub(crate) struct Working(Option<Box<dyn FnOnce() + Send>>);

impl Working {
    /// `stop` ends it.
    pub(crate) fn until(stop: impl FnOnce() + Send + 'static) -> Self {
        Self(Some(Box::new(stop)))
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        if let Some(stop) = self.0.take() {
            stop();
        }
    }
}
