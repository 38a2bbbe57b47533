//! The store's own connections, each for one kind of work, so that nothing quick waits behind something slow.
//!
//! ```text
//!  claim, renew, promote, heartbeat ──► quick    commits without waiting for the disk
//!  ack, fail, snooze, release       ──► durable
//!  by hand, upkeep, migrations      ──► large    may take seconds
//!  counts, list, get                ──► reads    one snapshot each
//! ```
//!
//! A claim that a crash of the database undoes is harmless, because its token is never used again; so claims do not wait
//! for the disk. Connections are opened when they are first needed, and again after an error of the connection. They are
//! not the application's pool, which a burst of its own work empties.
//!
//! What runs all the time, claims, renewals and acknowledgements, and what an idle worker asks, is one statement without a
//! BEGIN and a COMMIT around it, where the session began with what it needs (`sessions.rs`).

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signals_core::clock::{Clock, Timestamp};
use signals_core::{Error, Result};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};
use tokio::sync::{Mutex, MutexGuard};

use super::sessions::Session;
use super::time::Moment;
use super::transactions::{self, Kind, Sessions};
use super::{Settings, error, sql};

/// A connection, opened when it is first needed.
#[derive(Debug, Default)]
struct Slot {
    session: Mutex<Option<Session>>,
    broken: AtomicBool,
    /// Whether a rollback waits in the connection for whatever is said next: until then the server keeps its transaction.
    unsaid: AtomicBool,
}

/// The connections of one store.
#[derive(Debug)]
pub(super) struct Connections {
    options: PgConnectOptions,
    clock: Arc<dyn Clock>,
    /// Whether claims wait for the disk, too.
    durable_claims: bool,
    sessions: Sessions,
    quick: Slot,
    durable: Slot,
    large: Slot,
    reads: Slot,
}

impl Connections {
    /// Connections to the database that `options` opens.
    pub(super) fn new(options: &PgConnectOptions, settings: &Settings) -> Self {
        let Settings { clock, durable_claims, sessions, .. } = settings.clone();
        let options = options.clone().disable_statement_logging();
        let options = match sessions {
            Sessions::Own => options,
            // Nothing is used again.
            Sessions::Lent => options.statement_cache_capacity(0),
        };
        Self {
            options,
            clock,
            durable_claims,
            sessions,
            quick: Slot::default(),
            durable: Slot::default(),
            large: Slot::default(),
            reads: Slot::default(),
        }
    }

    /// What statements take for the time; `None`: the server's.
    pub(super) fn now(&self) -> Option<Moment> {
        self.clock.imposed().map(Moment)
    }

    /// Whether the time is a test's.
    pub(super) fn is_clock_imposed(&self) -> bool {
        self.now().is_some()
    }

    /// For claims and renewals; a crash of the database may undo it.
    pub(super) async fn quick(&self) -> Result<Transaction<'_>> {
        self.begin(&self.quick, self.quick_kind(), Extent::Several).await
    }

    /// The same for a single statement.
    pub(super) async fn quick_single(&self) -> Result<Transaction<'_>> {
        // One that shall wait for the disk does not say so itself: its transaction does.
        let extent = if self.durable_claims { Extent::Several } else { Extent::Single };
        self.begin(&self.quick, self.quick_kind(), extent).await
    }

    /// Reads what is looked for all the time, with a single statement that is planned as claims are.
    pub(super) async fn quick_read(&self) -> Result<Transaction<'_>> {
        self.begin(&self.quick, self.quick_kind(), Extent::Single).await
    }

    /// For what must not be lost.
    pub(super) async fn durable(&self) -> Result<Transaction<'_>> {
        self.begin(&self.durable, Kind::Durable, Extent::Several).await
    }

    /// The same for a single statement, which says itself that it waits for the disk.
    pub(super) async fn durable_single(&self) -> Result<Transaction<'_>> {
        self.begin(&self.durable, Kind::Durable, Extent::Single).await
    }

    /// For what may take long.
    pub(super) async fn large(&self) -> Result<Transaction<'_>> {
        self.begin(&self.large, Kind::Large, Extent::Several).await
    }

    /// Reads with single statements: each is a snapshot of its own.
    pub(super) async fn read(&self) -> Result<Transaction<'_>> {
        self.begin(&self.reads, Kind::Snapshot, Extent::Single).await
    }

    /// Reads several times from one snapshot. Ends when it is dropped.
    pub(super) async fn snapshot(&self) -> Result<Transaction<'_>> {
        self.begin(&self.reads, Kind::Snapshot, Extent::Several).await
    }

    fn quick_kind(&self) -> Kind {
        if self.durable_claims { Kind::Durable } else { Kind::Quick }
    }

    async fn begin<'a>(&'a self, slot: &'a Slot, kind: Kind, extent: Extent) -> Result<Transaction<'a>> {
        let mut home = slot.session.lock().await;
        // Also when there is none to throw away: what is opened now is not broken.
        let broken = slot.broken.swap(false, Ordering::AcqRel);
        // While it is out of its slot, a call that is dropped throws it away: nobody could say whether it has begun.
        let mut session = match home.take().filter(|_| !broken) {
            Some(session) => session,
            None => self.open(kind).await.map_err(error::of)?,
        };
        let is_single = extent == Extent::Single && session.is_told;
        if !is_single {
            transactions::begin(&mut session.conn, kind, self.sessions).await.map_err(error::of)?;
            slot.unsaid.store(false, Ordering::Release); // it went before
        }
        *home = Some(session);
        Ok(Transaction { session: home, open: true, is_single, unsaid: &slot.unsaid, imposed: self.now() })
    }

    async fn open(&self, kind: Kind) -> Result<Session, sqlx::Error> {
        let is_plain = self.sessions == Sessions::Lent || kind.settings().is_empty();
        if is_plain { Session::plain(&self.options).await } else { Session::told(&self.options, kind).await }
    }

    /// Says the rollbacks of transactions that were dropped. One that a server has open pins what it has read: no row that
    /// died since can be removed, and no table changed.
    pub(super) async fn settle(&self) {
        for slot in [&self.quick, &self.durable, &self.large, &self.reads] {
            // Whoever holds the connection says it first.
            let Ok(mut home) = slot.session.try_lock() else { continue };
            if slot.unsaid.swap(false, Ordering::AcqRel)
                && let Some(mut session) = home.take()
                && session.conn.ping().await.is_ok()
            {
                *home = Some(session);
            }
        }
    }

    /// Looks at an error on its way out: after one of the connection, all are opened again.
    pub(super) fn note(&self, error: &Error) {
        if error.is_connection() {
            for slot in [&self.quick, &self.durable, &self.large, &self.reads] {
                slot.broken.store(true, Ordering::Release);
            }
        }
    }
}

/// How much is said in a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    /// One statement.
    Single,
    /// Several, or one that relies on what only a transaction of its kind has said.
    Several,
}

/// A transaction on one of the connections. Rolls back when it is dropped, once that was [said](Connections::settle).
///
/// One for a single statement may have no beginning on the server: then the statement commits itself, and each that is said
/// beside it does, too.
pub(super) struct Transaction<'a> {
    session: MutexGuard<'a, Option<Session>>,
    open: bool,
    is_single: bool,
    unsaid: &'a AtomicBool,
    imposed: Option<Moment>,
}

impl Transaction<'_> {
    /// The time: the server's, unless a test says otherwise.
    pub(super) async fn now(&mut self) -> Result<Timestamp> {
        if let Some(Moment(now)) = self.imposed {
            return Ok(now);
        }
        let Moment(now) = sqlx::query_scalar(sql::NOW).fetch_one(&mut **self).await.map_err(error::of)?;
        Ok(now)
    }

    /// Whether its statements commit themselves.
    pub(super) fn is_single(&self) -> bool {
        self.is_single
    }

    /// What an error of a statement means: where the statement commits itself, the lost answer is that of a commit.
    pub(super) fn error(&self, error: sqlx::Error) -> Error {
        if self.is_single { error::of_commit(error) } else { error::of(error) }
    }

    /// Commits.
    pub(super) async fn commit(mut self) -> Result<()> {
        if !self.is_single {
            transactions::commit(&mut self).await.map_err(error::of_commit)?;
        }
        self.open = false;
        Ok(())
    }

    /// Ends one that has changed nothing.
    pub(super) fn end(mut self) {
        // Its statement has ended, and with it what it was a transaction for.
        self.open = !self.is_single;
    }
}

impl Deref for Transaction<'_> {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.session.as_ref().expect("the slot was filled when the transaction began").conn
    }
}

impl DerefMut for Transaction<'_> {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.session.as_mut().expect("the slot was filled when the transaction began").conn
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if self.open {
            // Where none has begun, nothing is started; whatever is still under way is waited for by who settles.
            transactions::start_rollback(self);
            self.unsaid.store(true, Ordering::Release);
        }
    }
}
