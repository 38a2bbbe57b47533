//! `Tx`: a transaction that refuses to commit after a failed send, and wakes workers once it has committed.
//!
//! A raw transaction cannot do that. When an application ignores a failed send and commits, SQLite and MySQL commit the
//! business row without its deliveries (S4). So a `Tx` counts as *failed* from the first poll of a send, and only the
//! send's `Ok` clears it again.

mod lent;
mod savepoint;

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Weak};
use std::{fmt, mem};

use signals_core::{Backend, Due, Error, InTransaction, Outgoing, Registry, Result, SendBatch, SendContext, Sent};

pub(crate) use lent::{LentTx, Transactions};
pub use savepoint::Savepoint;

use crate::signals::Inner;
use crate::worker::Promise;
use crate::{broken, task, telemetry};

/// A transaction of the backend `B`: run statements on what it derefs to, send signals through it, then commit.
///
/// Dropped without a commit, it rolls back. As a receiver's parameter (`tx: &mut Tx<B>`) it is the transaction in which
/// the delivery is acknowledged: the worker commits it when the receiver returns `Ok`, and rolls it back otherwise.
///
/// # Examples
///
/// A receiver whose write is committed together with the acknowledgement of its delivery:
///
/// ```standalone_crate
/// use signals_runtime::{MemoryBackend, MemoryTx, Signal as _, Signals, receiver, signal};
///
/// #[signal]
/// struct PaymentCompleted {
///     payment_id: i64,
/// }
///
/// #[receiver(signal = PaymentCompleted)]
/// async fn complete_order(payment: &PaymentCompleted, tx: &mut MemoryTx) {
///     tx.put(format!("order {}", payment.payment_id), "completed");
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let signals = Signals::new(MemoryBackend::new());
/// # signals.setup().await?;
/// let mut tx = signals.begin().await?;
/// tx.put("payment 7", "paid");
/// PaymentCompleted { payment_id: 7 }.send(&mut tx).await?;
/// tx.commit().await?;
///
/// signals.worker().build()?.drain().await?;
/// assert_eq!(signals.backend().committed("order 7").as_deref(), Some("completed"));
/// # Ok(())
/// # }
/// ```
pub struct Tx<B: Backend> {
    /// `None` once it ended or was handed back.
    open: Option<Open<B>>,
}

struct Open<B: Backend> {
    tx: B::Tx,
    signals: Arc<Inner<B>>,
    registry: Arc<Registry>,
    /// The lowest number of open savepoints at which a send failed or is under way.
    failed: Option<usize>,
    /// Whether nothing was said in it since a send that found it open and in order.
    in_order: bool,
    /// How many savepoints are open.
    depth: usize,
    /// Whether a worker may find something after the commit.
    wakes: bool,
    /// Whether it was begun on a connection of the backend's own, where its workers find what is sent.
    ours: bool,
    /// What a worker of this process takes of the send that is under way.
    promise: Option<Promise>,
    /// What a worker takes over at the commit.
    promises: Vec<Promise>,
    /// Where it goes back to, when a worker lent it to a receiver.
    home: Option<Weak<lent::Slot<B>>>,
}

impl<B: Backend> Tx<B> {
    pub(crate) fn begun(tx: B::Tx, signals: Arc<Inner<B>>, registry: Arc<Registry>) -> Self {
        Self { open: Some(Open::new(tx, signals, registry)) }
    }

    pub(crate) fn adopted(tx: B::Tx, signals: Arc<Inner<B>>, registry: Arc<Registry>) -> Self {
        Self { open: Some(Open { ours: false, ..Open::new(tx, signals, registry) }) }
    }

    /// Commits everything that was written and sent. Workers of this process learn of it at once.
    ///
    /// # Errors
    ///
    /// [`Error::SendFailed`] when a send in it failed or was dropped before it finished: it is rolled back instead.
    /// [`Error::Lent`] when a worker lent it. [`Error::CommitUnknown`] when the connection was lost meanwhile. Any other
    /// error: nothing was committed.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime.
    ///
    /// # Cancel safety
    ///
    /// Once polled, the commit runs to its end even when this future is dropped.
    pub async fn commit(mut self) -> Result<()> {
        let open = self.end()?;
        if open.failed.is_some() || open.depth > 0 {
            open.rollback().await?;
            return Err(Error::SendFailed);
        }
        open.commit().await
    }

    /// Undoes everything that was written and sent.
    ///
    /// # Errors
    ///
    /// [`Error::Lent`] when a worker lent it; any other error: the connection is lost, and the database rolls back by
    /// itself.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime.
    ///
    /// # Cancel safety
    ///
    /// Once polled, the rollback runs to its end even when this future is dropped.
    pub async fn rollback(mut self) -> Result<()> {
        self.end()?.rollback().await
    }

    fn end(&mut self) -> Result<Open<B>> {
        match self.open.take() {
            Some(open) if open.home.is_some() => {
                open.hand_back();
                Err(Error::Lent)
            }
            Some(open) => Ok(open),
            None => unreachable!("commit and rollback take the transaction away"),
        }
    }

    fn open(&self) -> &Open<B> {
        self.open.as_ref().expect("a transaction is open until it is consumed")
    }

    fn open_mut(&mut self) -> &mut Open<B> {
        self.open.as_mut().expect("a transaction is open until it is consumed")
    }

    /// The backend's transaction, for whatever somebody is about to say in it.
    fn lay_open(&mut self) -> &mut B::Tx {
        let open = self.open_mut();
        open.in_order = false;
        open.promises.iter_mut().for_each(Promise::doubt);
        &mut open.tx
    }
}

#[cfg(feature = "sqlite")]
impl Tx<crate::SqliteBackend> {
    /// The sqlx transaction inside, for helpers that are typed on one.
    ///
    /// A statement run through it that ends the transaction makes the commit fail.
    pub fn as_sqlx(&mut self) -> &mut sqlx::Transaction<'static, sqlx::Sqlite> {
        self.lay_open()
    }
}

#[cfg(feature = "postgres")]
impl Tx<crate::PgBackend> {
    /// The sqlx transaction inside, for helpers that are typed on one.
    ///
    /// A statement run through it that ends the transaction makes the commit fail.
    pub fn as_sqlx(&mut self) -> &mut sqlx::Transaction<'static, sqlx::Postgres> {
        self.lay_open()
    }
}

impl<B: Backend> Open<B> {
    fn new(tx: B::Tx, signals: Arc<Inner<B>>, registry: Arc<Registry>) -> Self {
        Self {
            tx,
            signals,
            registry,
            failed: None,
            in_order: false,
            depth: 0,
            wakes: false,
            ours: true,
            promise: None,
            promises: Vec::new(),
            home: None,
        }
    }

    /// What a worker of this process promises to take of a send of `signals`: of one that is due at once, and has no key under
    /// which it may be stored already.
    fn promise(&self, signals: &[Outgoing]) -> Option<Promise> {
        let [signal] = signals else { return None };
        let plain = signal.due == Due::Now && signal.key.is_none();
        let can = plain && self.ours && self.failed.is_none() && self.signals.backend.claims_in_sends();
        can.then(|| self.signals.desk.promise(signal.def)).flatten()
    }

    async fn commit(self) -> Result<()> {
        let Self { tx, signals, wakes, in_order, promises, .. } = self;
        let commit = async move {
            let backend = &signals.backend;
            let committed = if in_order { backend.commit_in_order(tx) } else { backend.commit(tx) };
            let committed = match committed.await {
                Err(error) if broken::lost_commit_done() && error.is_connection() => Ok(()),
                Err(Error::CommitUnknown(why)) if broken::lost_commit_undone() => Err(Error::Unavailable(why)),
                committed => committed,
            };
            let mut given_back = false;
            for mut promise in promises {
                match &committed {
                    Ok(()) => given_back |= promise.keep().await,
                    Err(Error::CommitUnknown(_)) => {
                        promise.doubt();
                        given_back |= promise.keep().await;
                    }
                    // Where the application has ended the transaction itself, its sends may have been committed.
                    Err(_) => promise.give_back().await,
                }
            }
            committed?;
            if wakes || given_back {
                signals.wake();
                signals.backend.announce();
            }
            Ok(())
        };
        task::to_completion(commit).await
    }

    async fn rollback(self) -> Result<()> {
        let Self { tx, signals, .. } = self;
        task::to_completion(async move { signals.backend.rollback(tx).await }).await
    }
}

impl<B: Backend> InTransaction<B> for Tx<B> {
    fn context(&mut self, signals: &[Outgoing]) -> SendContext {
        let open = self.open_mut();
        open.promise = open.promise(signals);
        let claim = open.promise.as_ref().map(Promise::claim);
        SendContext { claim, ..open.signals.send_context(&open.registry) }
    }

    fn start(&mut self) -> Result<&mut B::Conn> {
        let open = self.open_mut();
        if open.failed.is_some() {
            return Err(Error::SendFailed);
        }
        (open.failed, open.in_order) = (Some(open.depth), false);
        Ok(B::conn_mut(&mut open.tx))
    }

    fn finish(&mut self, batch: &SendBatch, sent: &mut Sent) {
        let open = self.open_mut();
        (open.failed, open.in_order) = (None, sent.in_order);
        let stored = sent.receipts.iter().filter(|receipt| !receipt.repeated);
        open.wakes |= stored.map(|receipt| receipt.deliveries).sum::<usize>() > sent.claimed.len();
        let (promise, claimed) = (open.promise.take(), mem::take(&mut sent.claimed));
        open.promises.extend(promise.and_then(|promise| promise.stored(claimed)));
        telemetry::sent(batch, &sent.receipts);
    }
}

impl<B: Backend> Deref for Tx<B> {
    type Target = B::Conn;

    fn deref(&self) -> &B::Conn {
        B::conn(&self.open().tx)
    }
}

impl<B: Backend> DerefMut for Tx<B> {
    fn deref_mut(&mut self) -> &mut B::Conn {
        B::conn_mut(self.lay_open())
    }
}

impl<B: Backend> Drop for Tx<B> {
    /// Hands a lent transaction back to its worker; any other rolls back by dropping the backend's own.
    fn drop(&mut self) {
        if let Some(open) = self.open.take() {
            open.hand_back();
        }
    }
}

impl<B: Backend> fmt::Debug for Tx<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tx")
            .field("backend", &B::NAME)
            .field("failed", &self.open.as_ref().is_some_and(|open| open.failed.is_some()))
            .finish_non_exhaustive()
    }
}
