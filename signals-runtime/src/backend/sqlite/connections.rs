//! The store's own connections: one for claims and renewals, one for what must be durable, one for reads.
//!
//! ```text
//!  claim, renew, promote, heartbeat ──► quick  (synchronous=NORMAL)  ┐
//!  ack, fail, by hand, upkeep       ──► durable (synchronous=FULL)   ├─ one gate: SQLite has one writer, and waiting
//!                                                                    │  here is fairer than its busy handler
//!  counts, list, get                ──► reads                        ┘  (reads pass it by)
//! ```
//!
//! A claim that a crash of the machine undoes is harmless, because its token is never used again; so claims do not wait
//! for the disk. Connections are opened when they are first needed, and again after an error of the connection.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use signals_core::clock::{Clock, Timestamp};
use signals_core::{Error, Result};
use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use tokio::sync::{Mutex, MutexGuard};

use super::patience::{Asking, Patience};
use super::{error, transactions};

/// How long a connection of ours waits for the write lock.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How long SQLite itself waits in each try. Its busy handler asks less and less often, every 100 ms at last, and where many
/// write the lock then goes to whoever has just come; begun again and again, it asks every few milliseconds all the time.
const TRY: Duration = Duration::from_millis(25);

/// The longest pause between two tries, so that waiting processes do not ask in step.
const PAUSE: Duration = Duration::from_millis(4);

/// To how many bytes the WAL is cut when it is reset, after a long reader has made it large.
const JOURNAL_SIZE_LIMIT: &str = "67108864";

/// One connection, opened when it is first needed.
#[derive(Debug)]
struct Slot {
    options: SqliteConnectOptions,
    conn: Mutex<Option<SqliteConnection>>,
    broken: AtomicBool,
}

impl Slot {
    fn new(options: SqliteConnectOptions) -> Self {
        Self { options, conn: Mutex::new(None), broken: AtomicBool::new(false) }
    }

    async fn lock(&self) -> Result<Connection<'_>> {
        let mut conn = self.conn.lock().await;
        if self.broken.swap(false, Ordering::AcqRel) {
            *conn = None;
        }
        if let Some(open) = conn.as_mut()
            && !is_in_order(open).await
        {
            *conn = None;
        }
        if conn.is_none() {
            *conn = Some(self.options.connect().await.map_err(error::of)?);
        }
        Ok(Connection(conn))
    }
}

/// Whether `conn` is outside a transaction, as far as sqlx counts. When SQLite rolled back by itself, because the disk was
/// full or failed, sqlx's own rollback finds nothing to end: it would count that transaction as open for ever.
async fn is_in_order(conn: &mut SqliteConnection) -> bool {
    // It may be that a rollback is still on its way to the connection's thread; a ping goes behind it.
    !conn.is_in_transaction() || (conn.ping().await.is_ok() && !conn.is_in_transaction())
}

/// The three connections of one store.
#[derive(Debug)]
pub(super) struct Connections {
    clock: Arc<dyn Clock>,
    patience: Arc<Patience>,
    gate: Mutex<()>,
    quick: Slot,
    durable: Slot,
    reads: Slot,
}

impl Connections {
    /// Connections to the database that `options` opens; `patience` learns how long claims and renewals wait.
    pub(super) fn new(options: &SqliteConnectOptions, clock: Arc<dyn Clock>, patience: Arc<Patience>) -> Self {
        let options = options
            .clone()
            .busy_timeout(BUSY_TIMEOUT)
            .pragma("journal_size_limit", JOURNAL_SIZE_LIMIT)
            .disable_statement_logging();
        let writes = options.clone().busy_timeout(TRY);
        Self {
            clock,
            patience,
            gate: Mutex::new(()),
            quick: Slot::new(writes.clone().synchronous(SqliteSynchronous::Normal)),
            durable: Slot::new(writes.synchronous(SqliteSynchronous::Full)),
            reads: Slot::new(options),
        }
    }

    /// The time. For writes, ask [`Writing::now`] instead: it was read under the lock.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The connection for claims, outside a transaction.
    pub(super) async fn quick(&self) -> Result<Connection<'_>> {
        self.quick.lock().await
    }

    /// The connection for reads, outside a transaction: each statement is one snapshot.
    pub(super) async fn reads(&self) -> Result<Connection<'_>> {
        self.reads.lock().await
    }

    /// A transaction that holds the write lock and is durable when it commits.
    pub(super) async fn durable(&self) -> Result<Writing<'_>> {
        self.begin(self.durable.lock().await?, None).await
    }

    /// A transaction that holds the write lock, for what competes for it as renewals do; a crash of the machine may undo it.
    pub(super) async fn quick_write(&self) -> Result<Writing<'_>> {
        self.write(self.quick.lock().await?).await
    }

    /// As [`Connections::quick_write`], on a connection that is locked already.
    pub(super) async fn write<'a>(&'a self, conn: Connection<'a>) -> Result<Writing<'a>> {
        self.begin(conn, Some(self.patience.asks())).await
    }

    async fn begin<'a>(&'a self, mut conn: Connection<'a>, asking: Option<Asking<'a>>) -> Result<Writing<'a>> {
        let gate = self.gate.lock().await;
        let taken = take_lock(&mut conn).await;
        if let Some(asking) = &asking {
            asking.answered();
        }
        taken?;
        Ok(Writing { conn, open: true, now: self.clock.now(), _asking: asking, _gate: gate })
    }

    /// Whether somebody has the gate: it writes, or waits for the write lock.
    #[cfg(test)]
    pub(super) fn is_taken(&self) -> bool {
        self.gate.try_lock().is_err()
    }

    /// A transaction that reads from one snapshot.
    pub(super) async fn snapshot(&self) -> Result<Reading<'_>> {
        let mut conn = self.reads.lock().await?;
        transactions::begin(&mut conn).await.map_err(error::of)?;
        Ok(Reading { conn })
    }

    /// Looks at an error on its way out: after one of the connection, all are opened again.
    pub(super) fn note(&self, error: &Error) {
        if error.is_connection() {
            for slot in [&self.quick, &self.durable, &self.reads] {
                slot.broken.store(true, Ordering::Release);
            }
        }
    }
}

/// Begins a transaction that holds the write lock, or gives up after [`BUSY_TIMEOUT`].
async fn take_lock(conn: &mut SqliteConnection) -> Result<()> {
    // tidy: a duration: how long the lock is waited for
    let since = Instant::now();
    loop {
        // Dropped while it waits, sqlx's thread rolls back a BEGIN that nobody took over.
        match transactions::begin_immediate(conn).await.map_err(error::of) {
            Err(Error::Contention(_)) if since.elapsed() < BUSY_TIMEOUT => {
                tokio::time::sleep(PAUSE.mul_f64(fastrand::f64())).await;
            }
            begun => return begun,
        }
    }
}

/// An open connection that nobody else uses meanwhile.
pub(super) struct Connection<'a>(MutexGuard<'a, Option<SqliteConnection>>);

impl Deref for Connection<'_> {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        self.0.as_ref().expect("a slot is filled before its guard is handed out")
    }
}

impl DerefMut for Connection<'_> {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        self.0.as_mut().expect("a slot is filled before its guard is handed out")
    }
}

/// A transaction that holds the write lock. Rolls back when it is dropped.
pub(super) struct Writing<'a> {
    conn: Connection<'a>,
    open: bool,
    now: Timestamp,
    _asking: Option<Asking<'a>>,
    _gate: MutexGuard<'a, ()>,
}

impl Writing<'_> {
    /// The time, read when the lock was held.
    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    /// Commits.
    pub(super) async fn commit(mut self) -> Result<()> {
        transactions::commit(&mut self.conn).await.map_err(error::of_commit)?;
        self.open = false;
        Ok(())
    }
}

impl Deref for Writing<'_> {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.conn
    }
}

impl DerefMut for Writing<'_> {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.conn
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        if self.open {
            transactions::start_rollback(&mut self.conn);
        }
    }
}

/// A transaction that reads from one snapshot. Ends when it is dropped.
pub(super) struct Reading<'a> {
    conn: Connection<'a>,
}

impl Deref for Reading<'_> {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.conn
    }
}

impl DerefMut for Reading<'_> {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.conn
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        transactions::start_rollback(&mut self.conn);
    }
}
