//! Deliveries in one Postgres database, in the schema `signals`.
//!
//! What is particular here: many writers at once, so every statement on several deliveries locks them in key order first;
//! a clock of the server's own, which decides; and ids that commit out of order, so that claims start at a floor for speed
//! and sweep from the bottom now and then for correctness (`claim/floors.rs`).
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
mod promote;
mod raw;
mod register;
mod rows;
mod send;
mod sessions;
mod sql;
mod store;
mod sweeps;
#[cfg(feature = "testing")]
mod testing;
mod time;
mod transactions;
mod upkeep;
mod workers;

use std::fmt;
use std::sync::Arc;

use signals_core::clock::{Clock, SystemClock, micros};
use signals_core::store::{Acked, Store};
use signals_core::{Backend, BoxFuture, Error, Receipt, Result, SendBatch, Sent};
use sqlx::{Connection as _, PgConnection, PgPool, Postgres, Transaction};

use crate::broken;
use hints::Notifier;
use store::PgStore;
use time::Moment;
use transactions::Sessions;

/// What grants the rights of the four roles: see [`PgBackend::roles`].
const ROLES: &str = include_str!("roles.sql");

/// Signals and their deliveries in the application's own Postgres database, 14 or newer.
///
/// | option | default | meaning |
/// |---|---|---|
/// | [`durable_claims`](Self::durable_claims) | no | claims wait for the disk, too |
/// | [`without_hints`](Self::without_hints) | hints on | neither LISTEN nor NOTIFY: workers of other processes poll alone |
/// | [`behind_pooler`](Self::behind_pooler) | no | every transaction may be another session, as behind PgBouncer |
/// | [`with_clock`](Self::with_clock) | the server's | another clock, for tests |
///
/// Beside the pool, the library opens connections of its own with the pool's connect options: a worker up to six, a process
/// that only sends one, for hints.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use signals_runtime::{PgBackend, Signals};
/// use sqlx::postgres::PgPoolOptions;
///
/// let pool = PgPoolOptions::new().max_connections(16).connect("postgres://app@localhost/shop").await?;
/// let signals = Signals::new(PgBackend::new(pool));
/// signals.setup().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PgBackend {
    pool: PgPool,
    settings: Settings,
    store: Arc<PgStore>,
    notifier: Notifier,
}

/// What is chosen before anything is opened.
#[derive(Clone, Debug)]
struct Settings {
    clock: Arc<dyn Clock>,
    durable_claims: bool,
    hints: bool,
    sessions: Sessions,
}

impl PgBackend {
    /// Uses the connections that the application has. Nothing is opened or asked yet.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        let settings =
            Settings { clock: Arc::new(SystemClock), durable_claims: false, hints: true, sessions: Sessions::Own };
        Self::assemble(pool, settings)
    }

    fn assemble(pool: PgPool, settings: Settings) -> Self {
        let store = Arc::new(PgStore::new(&pool, &settings));
        let notifier = Notifier::new(&pool.connect_options());
        Self { pool, settings, store, notifier }
    }

    /// Whether claims wait for the disk, as acknowledgements always do. Without it a crash of the database may forget claims:
    /// their deliveries run again, and the attempts that were under way are not counted (I8); nothing else follows from it.
    #[must_use]
    pub fn durable_claims(self, durable: bool) -> Self {
        let settings = Settings { durable_claims: durable, ..self.settings };
        Self::assemble(self.pool, settings)
    }

    /// Without LISTEN and NOTIFY, which say to workers of other processes that something was committed. They find it by
    /// polling, up to 100 ms later.
    #[must_use]
    pub fn without_hints(self) -> Self {
        let settings = Settings { hints: false, ..self.settings };
        Self::assemble(self.pool, settings)
    }

    /// For a database behind a pooler that gives every transaction another session, such as PgBouncer in transaction mode, of
    /// any version: no statement stays prepared from one transaction to the next, and there is [no LISTEN](Self::without_hints).
    /// Claims, acknowledgements and sends plan their statements each time.
    ///
    /// What is executed in a [`PgTx`](crate::PgTx) is taken care of. A statement of the application's own outside of one
    /// must be `persistent(false)`, and a raw sqlx transaction is best not used: sqlx would prepare under names that are
    /// taken.
    #[must_use]
    pub fn behind_pooler(self) -> Self {
        let settings = Settings { hints: false, sessions: Sessions::Lent, ..self.settings };
        Self::assemble(self.pool, settings)
    }

    /// The same database with another clock in the place of the server's, for tests.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        let settings = Settings { clock, ..self.settings };
        Self::assemble(self.pool, settings)
    }

    /// The application's connections.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Passes over the next `count` ids of signals and of deliveries, for a database that was restored from a backup: what was
    /// drawn after the backup would be drawn again, and with it the idempotency keys that other services have seen. More than
    /// was sent since is enough; a billion costs nothing.
    ///
    /// # Errors
    ///
    /// Returns [`Error::NotMigrated`] when the tables are not there, [`Error::Misconfigured`] when this role does not own them,
    /// and an error when the database cannot be reached or refuses.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it answers, it has happened or it has not. Twice does no harm.
    pub async fn skip_ids(&self, count: u32) -> Result<()> {
        let mut tx = self.store.connections.large().await?;
        sqlx::query(sql::SKIP_IDS).bind(i64::from(count)).execute(&mut *tx).await.map_err(error::of)?;
        tx.commit().await
    }

    /// Every statement that the library runs, each with its name: for those who review, measure or restrict what runs on
    /// their database. The first ones begin transactions: what is named `begin` is the application's, the others are the
    /// library's own, and what each of the others is for is said by its comment.
    pub fn statements() -> impl Iterator<Item = (&'static str, &'static str)> {
        transactions::ALL.iter().chain(sql::ALL).copied()
    }

    /// A script that makes four roles with what each needs and no more: `signals_migrator`, `signals_sender`,
    /// `signals_worker` and `signals_reader`. Run it as a superuser, grant the roles to those that log in, and run it again
    /// after each migration; it changes nothing that is as it should be.
    #[must_use]
    pub const fn roles() -> &'static str {
        ROLES
    }

    /// Begins, past connections on which a transaction is open that nobody will end: one whose `Transaction` was leaked.
    /// Each is thrown away when it is met.
    async fn begin_committed(&self) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        loop {
            let mut conn = self.pool.acquire().await?;
            if conn.is_in_transaction() {
                drop(conn.detach());
                continue;
            }
            let sessions = self.settings.sessions;
            sessions.forget(&mut conn).await?;
            return Transaction::begin(conn, Some(sessions.begin(transactions::BEGIN))).await;
        }
    }
}

impl fmt::Debug for PgBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = self.pool.connect_options();
        f.debug_struct("PgBackend")
            .field("host", &options.get_host())
            .field("database", &options.get_database())
            .finish_non_exhaustive()
    }
}

impl Backend for PgBackend {
    type Conn = PgConnection;
    type Tx = Transaction<'static, Postgres>;

    const NAME: &'static str = "postgres";

    fn begin(&self) -> BoxFuture<'_, Result<Self::Tx>> {
        Box::pin(async move { self.begin_committed().await.map_err(error::of) })
    }

    fn commit(&self, tx: Self::Tx) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let mut tx = tx;
            let committed = transactions::commit_checked(&mut tx).await.map_err(error::of_commit);
            if broken::leave_open() {
                transactions::begin_quietly(&mut tx).await;
            }
            committed
        })
    }

    /// A plain COMMIT: one statement less in the same round, and no transaction behind it to end.
    fn commit_in_order(&self, tx: Self::Tx) -> BoxFuture<'_, Result<()>> {
        if broken::leave_open() || !transactions::is_outermost(&tx) {
            return self.commit(tx);
        }
        Box::pin(async move { tx.commit().await.map_err(error::of_commit) })
    }

    fn rollback(&self, tx: Self::Tx) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move { tx.rollback().await.map_err(error::of) })
    }

    fn conn(tx: &Self::Tx) -> &Self::Conn {
        tx
    }

    fn conn_mut(tx: &mut Self::Tx) -> &mut Self::Conn {
        tx
    }

    fn savepoint(conn: &mut Self::Conn) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move { transactions::savepoint(conn).await.map_err(error::of) })
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
        Box::pin(async { Ok(send::send(conn, batch).await?.receipts) })
    }

    fn send_knowing<'c>(conn: &'c mut Self::Conn, batch: &'c SendBatch) -> BoxFuture<'c, Result<Sent>> {
        Box::pin(send::send(conn, batch))
    }

    fn claims_in_sends(&self) -> bool {
        true
    }

    fn announce(&self) {
        if self.settings.hints {
            self.notifier.announce();
        }
    }

    fn fence<'t>(&'t self, tx: &'t mut Self::Tx) -> BoxFuture<'t, Result<()>> {
        Box::pin(async move {
            let (isolation, _): (String, String) =
                sqlx::query_as(sql::FENCE).fetch_one(&mut **tx).await.map_err(error::of)?;
            if isolation != "read committed" {
                return Err(Error::Misconfigured(format!(
                    "a receiver's transaction is isolated as `{isolation}`: only `read committed` lets its lease be renewed \
                     while it runs"
                )));
            }
            Ok(())
        })
    }

    fn ack<'t>(&'t self, tx: &'t mut Self::Tx, acked: &'t Acked) -> BoxFuture<'t, Result<()>> {
        Box::pin(async move {
            let held = &acked.held;
            let (stands, removed): (bool, bool) = sqlx::query_as(sql::ACK_FENCED)
                .bind(self.settings.clock.imposed().map(Moment))
                .bind(held.lane.receiver.0)
                .bind(i64::from(held.lane.version))
                .bind(held.position)
                .bind(held.delivery.signal.0)
                .bind(i64::from(held.life))
                .bind(rows::token_bits(held.token))
                .bind(acked.keep)
                .bind(micros(acked.ran))
                .fetch_one(&mut **tx)
                .await
                .map_err(error::of)?;
            match (stands, removed) {
                (false, _) => Err(Error::TransactionEnded),
                (true, false) => Err(Error::Stale { delivery: held.delivery }),
                (true, true) => Ok(()),
            }
        })
    }

    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store) as Arc<dyn Store>
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.settings.clock)
    }
}
