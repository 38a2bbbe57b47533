//! The memory backend with a defect: its transactions. Sends are in `send.rs`, what workers and operators do in `store.rs`.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use signals_conformance::Harness;
use signals_core::clock::{Clock, ManualClock, Timestamp};
use signals_core::delivery::{Counters, DeliveryId, SignalId};
use signals_core::store::{Acked, Claimed, Held, Store};
use signals_core::token::Incarnation;
use signals_core::{Backend, BoxFuture, Error, Receipt, Result, SendBatch};
use signals_runtime::backend::memory::{MemoryBackend, MemoryTx};

use super::defects::Defect;
use super::store::WrongStore;
use super::{send, trial};

/// Every case's backend: right, but for the defect that its thread tries.
#[derive(Clone, Debug)]
pub(super) struct Wrong {
    pub(super) inner: MemoryBackend,
    pub(super) shared: Arc<Shared>,
}

/// What is wrong, and what must be remembered to get it wrong.
#[derive(Debug)]
pub(super) struct Shared {
    defect: Option<Defect>,
    pub(super) clock: Skewed,
    memory: Mutex<Memory>,
}

#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Everything that was claimed.
    pub(super) claimed: Vec<Claimed>,
    /// The last claim of each delivery.
    pub(super) current: HashMap<DeliveryId, Held>,
    /// The counters of what was retried by hand.
    pub(super) retried: HashMap<DeliveryId, Counters>,
    /// Names of the receivers that the sender of a signal linked.
    pub(super) linked: HashMap<SignalId, HashSet<&'static str>>,
    /// The first incarnation.
    pub(super) incarnation: Option<Incarnation>,
    /// How often receivers were registered.
    pub(super) registrations: i64,
    /// Whether signals that somebody needs were forgotten.
    pub(super) forgot: bool,
}

impl Shared {
    /// Whether this is what is wrong.
    pub(super) fn is(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    pub(super) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The token that holds the delivery, whoever asks.
    pub(super) fn current(&self, held: Held) -> Held {
        self.memory().current.get(&held.delivery).copied().unwrap_or(held)
    }
}

/// The case's clock, which a defect may have run ahead for the length of a statement.
#[derive(Clone, Debug)]
pub(super) struct Skewed {
    clock: ManualClock,
    ahead: Arc<AtomicI64>,
}

impl Skewed {
    pub(super) fn run_ahead(&self, seconds: i64) {
        self.ahead.store(seconds, Ordering::SeqCst);
    }
}

impl Clock for Skewed {
    fn now(&self) -> Timestamp {
        let ahead = self.ahead.load(Ordering::SeqCst).unsigned_abs();
        self.clock.now().saturating_add(Duration::from_secs(ahead))
    }
}

/// A transaction, and the connection that it is on.
#[derive(Debug)]
pub(super) struct WrongTx {
    pub(super) tx: MemoryTx,
    pub(super) inner: MemoryBackend,
    pub(super) shared: Arc<Shared>,
    /// What was acknowledged in it and is not written yet.
    late: Vec<Acked>,
}

impl Harness for Wrong {
    type Backend = Self;

    async fn open(clock: ManualClock) -> Self {
        let clock = Skewed { clock, ahead: Arc::default() };
        let inner = MemoryBackend::with_clock(Arc::new(clock.clone()));
        Self { inner, shared: Arc::new(Shared { defect: trial::defect(), clock, memory: Mutex::default() }) }
    }

    fn backend(&self) -> &Self {
        self
    }

    async fn write(conn: &mut WrongTx, key: &str, value: &str) -> Result<()> {
        MemoryBackend::conn_mut(&mut conn.tx).put(key, value);
        Ok(())
    }

    async fn read(&self, key: &str) -> Option<String> {
        self.inner.committed(key)
    }

    async fn commit_and_begin(conn: &mut WrongTx) -> Result<bool> {
        MemoryBackend::conn_mut(&mut conn.tx).commit_and_begin();
        Ok(true)
    }
}

impl Backend for Wrong {
    type Conn = WrongTx;
    type Tx = WrongTx;

    const NAME: &'static str = MemoryBackend::NAME;

    fn begin(&self) -> BoxFuture<'_, Result<WrongTx>> {
        Box::pin(async {
            let Self { inner, shared } = self.clone();
            Ok(WrongTx { tx: inner.begin().await?, inner, shared, late: Vec::new() })
        })
    }

    fn commit(&self, tx: WrongTx) -> BoxFuture<'_, Result<()>> {
        if self.shared.is(Defect::CommitsNothing) {
            return self.inner.rollback(tx.tx);
        }
        Box::pin(async move {
            self.inner.commit(tx.tx).await?;
            self.inner.store().ack(&tx.late).await.map(drop)
        })
    }

    fn rollback(&self, tx: WrongTx) -> BoxFuture<'_, Result<()>> {
        if self.shared.is(Defect::CommitsRollbacks) { self.inner.commit(tx.tx) } else { self.inner.rollback(tx.tx) }
    }

    fn conn(tx: &WrongTx) -> &WrongTx {
        tx
    }

    fn conn_mut(tx: &mut WrongTx) -> &mut WrongTx {
        tx
    }

    fn savepoint(conn: &mut WrongTx) -> BoxFuture<'_, Result<()>> {
        MemoryBackend::savepoint(MemoryBackend::conn_mut(&mut conn.tx))
    }

    fn release_savepoint(conn: &mut WrongTx) -> BoxFuture<'_, Result<()>> {
        if conn.shared.is(Defect::UndoesReleasedSavepoints) {
            return MemoryBackend::rollback_savepoint(MemoryBackend::conn_mut(&mut conn.tx));
        }
        MemoryBackend::release_savepoint(MemoryBackend::conn_mut(&mut conn.tx))
    }

    fn rollback_savepoint(conn: &mut WrongTx) -> BoxFuture<'_, Result<()>> {
        if conn.shared.is(Defect::KeepsUndoneSavepoints) {
            return MemoryBackend::release_savepoint(MemoryBackend::conn_mut(&mut conn.tx));
        }
        MemoryBackend::rollback_savepoint(MemoryBackend::conn_mut(&mut conn.tx))
    }

    fn start_rollback_savepoint(conn: &mut WrongTx) {
        if !conn.shared.is(Defect::ForgetsDroppedSavepoints) {
            MemoryBackend::start_rollback_savepoint(MemoryBackend::conn_mut(&mut conn.tx));
        }
    }

    fn send<'c>(conn: &'c mut WrongTx, batch: &'c SendBatch) -> BoxFuture<'c, Result<Vec<Receipt>>> {
        Box::pin(send::send(conn, batch))
    }

    fn fence<'t>(&'t self, tx: &'t mut WrongTx) -> BoxFuture<'t, Result<()>> {
        self.inner.fence(&mut tx.tx)
    }

    fn ack<'t>(&'t self, tx: &'t mut WrongTx, acked: &'t Acked) -> BoxFuture<'t, Result<()>> {
        Box::pin(self.ack_in(tx, acked))
    }

    fn store(&self) -> Arc<dyn Store> {
        Arc::new(WrongStore { inner: self.inner.store(), backend: self.clone() })
    }

    fn clock(&self) -> Arc<dyn Clock> {
        self.inner.clock()
    }
}

impl Wrong {
    async fn ack_in(&self, tx: &mut WrongTx, acked: &Acked) -> Result<()> {
        if self.shared.is(Defect::AcksBesideTheTransaction) {
            return self.inner.store().ack(&[*acked]).await.map(drop);
        }
        if self.shared.is(Defect::AcksBehindTheCommit) {
            tx.late.push(*acked);
            return Ok(());
        }
        if self.shared.is(Defect::AcksInAnyTransaction) {
            self.inner.fence(&mut tx.tx).await?;
        }
        match self.inner.ack(&mut tx.tx, acked).await {
            Err(Error::Stale { .. }) if self.shared.is(Defect::CommitsUnderOldTokens) => Ok(()),
            answer => answer,
        }
    }
}
