//! Deliveries in one SQLite file.
//!
//! What is particular here: one writer at a time, so a transactional receiver shuts out every other write while it runs;
//! no clock of the database's own, so all times are parameters, read while the write lock is held; and no server, so a
//! worker notices commits of other processes by `PRAGMA data_version`.
//!
//! The SQL is in `sql/`, one statement a file, and the tables are in `migrations/`. Nothing outside this folder knows of
//! either.

mod by_hand;
mod claim;
mod connections;
mod error;
mod finish;
mod hints;
mod inspect;
mod migrate;
mod open;
mod patience;
mod register;
mod rows;
mod send;
mod sql;
mod store;
#[cfg(feature = "testing")]
mod testing;
mod transactions;
mod upkeep;
mod workers;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use signals_core::clock::Clock;
use signals_core::store::{Acked, Finished, Store};
use signals_core::{Backend, BoxFuture, Error, Receipt, Result, SendBatch};
use sqlx::{Connection as _, SqlSafeStr as _, Sqlite, SqliteConnection, SqlitePool, Transaction};

pub use open::SqliteOptions;

use crate::broken;
use store::SqliteStore;

/// Signals and their deliveries in the application's own SQLite file.
///
/// ```no_run
/// # async fn example() -> signals_core::Result<()> {
/// use signals_runtime::backend::sqlite::SqliteBackend;
///
/// let backend = SqliteBackend::open("app.db").await?;
/// let pool = backend.pool(); // for the application's own statements
/// # let _ = pool;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SqliteBackend {
    pool: SqlitePool,
    /// Whether the library has made the pool, so that nothing of the application's runs before a connection is used.
    is_own_pool: bool,
    clock: Arc<dyn Clock>,
    store: Arc<SqliteStore>,
}

impl SqliteBackend {
    fn assemble(pool: SqlitePool, is_own_pool: bool, clock: Arc<dyn Clock>) -> Self {
        let store = Arc::new(SqliteStore::new(&pool, Arc::clone(&clock)));
        Self { pool, is_own_pool, clock, store }
    }

    /// The same database with another clock, for tests.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self::assemble(self.pool, self.is_own_pool, clock)
    }

    /// The clock that decides what is due and what has expired.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// The application's connections.
    #[must_use]
    pub fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    /// Passes over the next `count` ids of signals and of deliveries, for a file that was restored from a backup: what was drawn
    /// after the backup would be drawn again, and with it the idempotency keys that other services have seen. More than was
    /// sent since is enough; a million costs nothing.
    ///
    /// # Errors
    ///
    /// Returns [`Error::NotMigrated`] when the tables are not there, [`Error::Database`] when the row that counts the ids is not,
    /// and an error when the database cannot be reached or refuses.
    ///
    /// # Cancel safety
    ///
    /// One transaction: dropped before it answers, it has happened or it has not. Twice does no harm.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> signals_runtime::Result<()> {
    /// # let folder = tempfile::tempdir().expect("a folder");
    /// # let restored = folder.path().join("app.db");
    /// use signals_runtime::{Signals, SqliteBackend};
    ///
    /// let signals = Signals::new(SqliteBackend::open(restored).await?);
    /// signals.migrate().await?;
    /// signals.backend().skip_ids(1_000_000).await?; // before anything is sent or run
    /// # Ok(())
    /// # }
    /// ```
    pub async fn skip_ids(&self, count: u32) -> Result<()> {
        self.store.skip_ids(count).await
    }

    /// Begins, past connections on which a receiver ended its transaction behind sqlx's back: sqlx still counts that
    /// transaction as open, and would refuse to begin on them for ever. Each is thrown away when it is met.
    async fn begin_immediate(&self) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
        loop {
            // `acquire` asks an idle connection whether it is alive; the BEGIN that follows at once finds that out too.
            let idle = if self.is_own_pool { self.pool.try_acquire() } else { None };
            let was_idle = idle.is_some();
            let mut conn = match idle {
                Some(conn) => conn,
                None => self.pool.acquire().await?,
            };
            if broken::leave_open() {
                transactions::end_quietly(&mut conn).await;
            }
            if conn.is_in_transaction() {
                // It may be that a rollback is still on its way to the connection's thread; a ping goes behind it.
                conn.ping().await?;
            }
            if conn.is_in_transaction() {
                drop(conn.detach());
                continue;
            }
            match Transaction::begin(conn, Some(transactions::BEGIN_IMMEDIATE.into_sql_str())).await {
                Err(sqlx::Error::WorkerCrashed) if was_idle => {}
                begun => return begun,
            }
        }
    }
}

impl fmt::Debug for SqliteBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteBackend")
            .field("file", &self.pool.connect_options().get_filename())
            .finish_non_exhaustive()
    }
}

impl Backend for SqliteBackend {
    type Conn = SqliteConnection;
    type Tx = Transaction<'static, Sqlite>;

    const NAME: &'static str = "sqlite";

    fn begin(&self) -> BoxFuture<'_, Result<Self::Tx>> {
        Box::pin(async move {
            // tidy: a duration: how long the transaction waited
            let since = Instant::now();
            let begun = self.begin_immediate().await.map_err(error::of);
            patience::tell_of_begin(since.elapsed());
            begun
        })
    }

    fn commit(&self, tx: Self::Tx) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let mut tx = tx;
            if transactions::was_lost(&mut tx).await {
                tx.rollback().await.map_err(error::of)?;
                return Err(Error::SendFailed);
            }
            let committed = transactions::commit(&mut tx).await.map_err(error::of_commit);
            if committed.is_err() {
                // SQLite may have rolled back; dropped, sqlx's transaction must find one.
                transactions::is_lost(&mut tx).await;
            }
            if broken::leave_open() {
                transactions::begin_quietly(&mut tx).await;
            }
            committed
        })
    }

    fn rollback(&self, tx: Self::Tx) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let mut tx = tx;
            match transactions::rollback(&mut tx).await {
                // SQLite did it before. Dropped, sqlx's transaction finds the one that is open in its place.
                Err(_) if transactions::is_lost(&mut tx).await => Ok(()),
                rolled_back => rolled_back.map_err(error::of),
            }
        })
    }

    fn conn(tx: &Self::Tx) -> &Self::Conn {
        tx
    }

    fn conn_mut(tx: &mut Self::Tx) -> &mut Self::Conn {
        tx
    }

    fn savepoint(conn: &mut Self::Conn) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move { transactions::begin(conn).await.map_err(error::of) })
    }

    fn release_savepoint(conn: &mut Self::Conn) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move { transactions::commit(conn).await.map_err(error::of) })
    }

    fn rollback_savepoint(conn: &mut Self::Conn) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move { transactions::rollback(conn).await.map_err(error::of) })
    }

    fn start_rollback_savepoint(conn: &mut Self::Conn) {
        transactions::start_rollback(conn);
    }

    fn send<'c>(conn: &'c mut Self::Conn, batch: &'c SendBatch) -> BoxFuture<'c, Result<Vec<Receipt>>> {
        Box::pin(send::send(conn, batch))
    }

    fn fence<'t>(&'t self, tx: &'t mut Self::Tx) -> BoxFuture<'t, Result<()>> {
        Box::pin(async move { sqlx::query(sql::FENCE).execute(&mut **tx).await.map(drop).map_err(error::of) })
    }

    fn ack<'t>(&'t self, tx: &'t mut Self::Tx, acked: &'t Acked) -> BoxFuture<'t, Result<()>> {
        Box::pin(async move {
            if let Err(error) = sqlx::query(sql::FENCE_END).execute(&mut **tx).await {
                if !error::is_missing_savepoint(&error) {
                    return Err(error::of(error));
                }
                // sqlx still counts the transaction as open. If it is not, one must be, or its rollback fails and the
                // connection goes back to the pool unusable; if another one is, that is rolled back.
                transactions::is_lost(tx).await;
                return Err(Error::TransactionEnded);
            }
            let now = self.clock.now();
            match finish::ack_all(tx, std::slice::from_ref(acked), now).await?.as_slice() {
                [Finished::Done] => Ok(()),
                _ => Err(Error::Stale { delivery: acked.held.delivery }),
            }
        })
    }

    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store) as Arc<dyn Store>
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Self::clock(self)
    }
}
