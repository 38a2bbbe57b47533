//! A database for one test, on the server that `DATABASE_URL` names; dropped with the test.

use std::str::FromStr as _;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use signals_core::clock::ManualClock;
use signals_core::delivery::{DeliveryId, SignalId};
use signals_core::store::{AttemptOutcome, Claim, Claims, StoredSignal};
use signals_core::{BoxFuture, Error, Result};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _};

use super::super::common::LEASE_LOST;
use super::time::span;
use super::{PgBackend, claim, error, rows, sql};
use crate::testing::TestBackend;

/// The variable that names the server, by one of its databases.
const VARIABLE: &str = "DATABASE_URL";

/// How many connections a test's pool has: its own, and those of the receivers that it runs.
const CONNECTIONS: u32 = 5;

/// How long a test waits for the end of its database.
const PATIENCE: Duration = Duration::from_secs(10);

/// What begins the names of databases of tests: what a killed test has left behind is found by it.
const PREFIX: &str = "signals_kit_";

/// The database of one test. Dropped with this, whoever is still connected to it.
#[derive(Debug)]
pub struct TestDatabase {
    server: PgConnectOptions,
    name: String,
}

impl TestDatabase {
    /// Its name on the server.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    async fn create() -> Result<Self> {
        let url = std::env::var(VARIABLE).map_err(|_| {
            Error::Misconfigured(format!(
                "tests on Postgres need a server: set {VARIABLE} to a URL of one of its databases"
            ))
        })?;
        let server = PgConnectOptions::from_str(&url).map_err(error::of)?.disable_statement_logging();
        let name = format!("{PREFIX}{}_{:08x}", std::process::id(), fastrand::u32(..));
        say(&server, format!("CREATE DATABASE {name}")).await.map_err(error::of)?;
        Ok(Self { server, name })
    }
}

impl Drop for TestDatabase {
    /// On a thread of its own: whoever drops it may be in the middle of a runtime.
    fn drop(&mut self) {
        let (server, statement) = (self.server.clone(), format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
        let (done, finished) = mpsc::channel();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            // A server that is gone has no databases, and whoever no longer waits needs no answer.
            let _ = runtime.map(|runtime| runtime.block_on(say(&server, statement)));
            let _ = done.send(());
        });
        let _ = finished.recv_timeout(PATIENCE);
    }
}

/// Says one statement, whose names are our own, on a connection of its own.
async fn say(server: &PgConnectOptions, statement: String) -> Result<(), sqlx::Error> {
    let mut conn = server.connect().await?;
    conn.execute(AssertSqlSafe(statement)).await?;
    conn.close().await
}

impl TestBackend for PgBackend {
    type Guard = TestDatabase;

    async fn open(clock: ManualClock) -> Result<(Self, TestDatabase)> {
        let database = TestDatabase::create().await?;
        let options = database.server.clone().database(&database.name);
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS).connect_lazy_with(options);
        // Nobody else is told of anything: the kit's worker is the only one.
        Ok((Self::new(pool).without_hints().with_clock(Arc::new(clock)), database))
    }

    fn signals_after(&self, after: SignalId) -> BoxFuture<'_, Result<Vec<StoredSignal>>> {
        Box::pin(async move {
            let mut tx = self.store.connections.snapshot().await?;
            let found = sqlx::query(sql::SIGNALS_AFTER).bind(after.0).fetch_all(&mut *tx).await.map_err(error::of)?;
            drop(tx);
            self.store.connections.settle().await;
            found.iter().map(|row| rows::signal(rows::get(row, "id")?, row)).collect()
        })
    }

    fn seize<'a>(&'a self, claim: &'a Claim, delivery: DeliveryId) -> BoxFuture<'a, Result<Claims>> {
        Box::pin(async move {
            let connections = &self.store.connections;
            let mut tx = connections.quick().await?;
            let mut claims = Claims::default();
            for lane in &claim.lanes {
                let found = sqlx::query(sql::SEIZE)
                    .bind(connections.now())
                    .bind(lane.lane.receiver.0)
                    .bind(i64::from(lane.lane.version))
                    .bind(delivery.signal.0)
                    .bind(rows::token_bits(claim.token))
                    .bind(span(claim.lease))
                    .bind(AttemptOutcome::LeaseLost.as_str())
                    .bind(LEASE_LOST)
                    .fetch_all(&mut *tx)
                    .await
                    .map_err(error::of)?;
                claim::read(claim, found, &mut claims)?;
            }
            tx.commit().await?;
            Ok(claims)
        })
    }
}
