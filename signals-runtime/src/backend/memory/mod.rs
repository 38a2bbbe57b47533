//! The reference model: every promise, no database.
//!
//! What it says is what a database must say: the conformance suite runs against it first. State transitions go through
//! [`signals_core::delivery::step`], the one table. Everything is in the process and ends with it, which makes it the
//! backend for tests, not for production.
//!
//! ```text
//!  MemoryTx ── ops, marks ──► commit ──► Tables (one mutex) ◄── Store: claim, finish, by_hand, upkeep, register, inspect
//! ```
//!
//! A transaction reads what is committed, and buffers what it writes; its locks (idempotency keys that it inserted,
//! deliveries that it acknowledged) are in the tables at once. Nothing ever waits: whoever finds a lock in its way gets
//! [`Error::Contention`], or passes over the row where a database would say `SKIP LOCKED`.

mod tables;

mod conn;
mod send;

mod by_hand;
mod claim;
mod finish;
mod inspect;
mod register;
mod store;
#[cfg(feature = "testing")]
mod testing;
mod upkeep;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use signals_core::clock::{Clock, SystemClock, Timestamp};
use signals_core::store::{Acked, Store};
use signals_core::{Backend, BoxFuture, Error, Receipt, Result, SendBatch};

pub use conn::{MemoryConn, MemoryTx};
use store::MemoryStore;
use tables::Tables;

/// Deliveries in the memory of this process, for tests. Clones share them; nothing survives the last one.
///
/// With a [`ManualClock`](signals_core::clock::ManualClock) a test moves time by hand:
///
/// ```standalone_crate
/// # use std::sync::Arc;
/// # use std::time::Duration;
/// # use signals_runtime::{MemoryBackend, Signal as _, Signals, clock::ManualClock, receiver, signal};
/// # #[signal] struct InvoiceDue {}
/// # #[receiver(signal = InvoiceDue)] async fn remind(_: InvoiceDue) {}
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let clock = ManualClock::default();
/// let signals = Signals::new(MemoryBackend::with_clock(Arc::new(clock.clone())));
/// signals.setup().await?;
/// let mut tx = signals.begin().await?;
/// InvoiceDue {}.send(&mut tx).after(Duration::from_secs(3600)).await?;
/// tx.commit().await?;
///
/// assert_eq!(signals.worker().build()?.drain().await?.done, 0);
/// clock.advance(Duration::from_secs(3600));
/// assert_eq!(signals.worker().build()?.drain().await?.done, 1);
/// # Ok(())
/// # }
/// ```
///
/// Beside deliveries it holds a little table of texts, for the writes of an application:
///
/// ```
/// use signals_core::Backend as _;
/// use signals_runtime::backend::memory::MemoryBackend;
///
/// # async fn example() -> signals_core::Result<()> {
/// let backend = MemoryBackend::new();
/// let mut tx = backend.begin().await?;
/// MemoryBackend::conn_mut(&mut tx).put("order 7", "paid");
/// backend.commit(tx).await?;
/// assert_eq!(backend.committed("order 7").as_deref(), Some("paid"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct MemoryBackend {
    shared: Arc<Shared>,
}

/// What all clones, transactions and stores of one backend share.
struct Shared {
    tables: Mutex<Tables>,
    clock: Arc<dyn Clock>,
}

impl Shared {
    /// The tables. Nothing that holds them runs foreign code, so a poisoned lock says nothing about what is in them.
    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl MemoryBackend {
    /// An empty database that follows the operating system's clock.
    #[must_use]
    pub fn new() -> Self {
        Self::with_clock(Arc::new(SystemClock))
    }

    /// An empty database whose clock is `clock`.
    #[must_use]
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self { shared: Arc::new(Shared { tables: Mutex::default(), clock }) }
    }

    /// The committed value of `key` in the little table that [`MemoryConn::put`] writes to.
    #[must_use]
    pub fn committed(&self, key: &str) -> Option<String> {
        self.shared.lock().values.get(key).cloned()
    }
}

impl Default for MemoryBackend {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tables = self.shared.lock();
        f.debug_struct("MemoryBackend")
            .field("signals", &tables.signals.len())
            .field("deliveries", &tables.deliveries())
            .finish_non_exhaustive()
    }
}

impl Backend for MemoryBackend {
    type Conn = MemoryConn;
    type Tx = MemoryTx;

    const NAME: &'static str = "memory";

    fn begin(&self) -> BoxFuture<'_, Result<MemoryTx>> {
        Box::pin(async { Ok(MemoryTx::begin(self.shared.clone())) })
    }

    fn commit(&self, tx: MemoryTx) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            tx.commit();
            Ok(())
        })
    }

    fn rollback(&self, tx: MemoryTx) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            drop(tx);
            Ok(())
        })
    }

    fn conn(tx: &MemoryTx) -> &MemoryConn {
        &tx.conn
    }

    fn conn_mut(tx: &mut MemoryTx) -> &mut MemoryConn {
        &mut tx.conn
    }

    fn savepoint(conn: &mut MemoryConn) -> BoxFuture<'_, Result<()>> {
        Box::pin(async {
            conn.savepoint();
            Ok(())
        })
    }

    fn release_savepoint(conn: &mut MemoryConn) -> BoxFuture<'_, Result<()>> {
        Box::pin(async { conn.release_savepoint() })
    }

    fn rollback_savepoint(conn: &mut MemoryConn) -> BoxFuture<'_, Result<()>> {
        Box::pin(async { conn.rollback_savepoint() })
    }

    fn start_rollback_savepoint(conn: &mut MemoryConn) {
        // Without an open savepoint there is nothing to undo, and nobody to tell.
        let _ = conn.rollback_savepoint();
    }

    fn send<'c>(conn: &'c mut MemoryConn, batch: &'c SendBatch) -> BoxFuture<'c, Result<Vec<Receipt>>> {
        Box::pin(async { send::send(conn, batch) })
    }

    fn fence<'t>(&'t self, tx: &'t mut MemoryTx) -> BoxFuture<'t, Result<()>> {
        Box::pin(async {
            tx.fence();
            Ok(())
        })
    }

    fn ack<'t>(&'t self, tx: &'t mut MemoryTx, acked: &'t Acked) -> BoxFuture<'t, Result<()>> {
        Box::pin(async { tx.ack(acked) })
    }

    fn store(&self) -> Arc<dyn Store> {
        Arc::new(MemoryStore::new(self.shared.clone()))
    }

    fn clock(&self) -> Arc<dyn Clock> {
        self.shared.clock.clone()
    }
}

/// Another transaction holds `what`.
fn contention(what: impl fmt::Display) -> Error {
    Error::Contention(format!("another transaction in progress holds {what}").into())
}
