//! `Tx`: a transaction that refuses to commit after a failed send, and wakes workers once it has committed.
//!
//! A raw transaction cannot do that. When an application ignores a failed send and commits, SQLite and MySQL commit the
//! business row without its deliveries (S4). So a `Tx` counts as *failed* from the first poll of a send, and only the
//! send's `Ok` clears it again.

mod lent;
mod savepoint;

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Weak};

use signals_core::{Backend, Error, InTransaction, Receipt, Registry, Result, SendBatch, SendContext};

pub(crate) use lent::{LentTx, Transactions};
pub use savepoint::Savepoint;

use crate::signals::Inner;
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
    /// Where it goes back to, when a worker lent it to a receiver.
    home: Option<Weak<lent::Slot<B>>>,
}

impl<B: Backend> Tx<B> {
    pub(crate) fn new(tx: B::Tx, signals: Arc<Inner<B>>, registry: Arc<Registry>) -> Self {
        Self {
            open: Some(Open {
                tx,
                signals,
                registry,
                failed: None,
                in_order: false,
                depth: 0,
                wakes: false,
                home: None,
            }),
        }
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
    async fn commit(self) -> Result<()> {
        let Self { tx, signals, wakes, in_order, .. } = self;
        let commit = async move {
            let backend = &signals.backend;
            let committed = if in_order { backend.commit_in_order(tx) } else { backend.commit(tx) };
            match committed.await {
                Err(error) if broken::lost_commit_done() && error.is_connection() => {}
                Err(Error::CommitUnknown(why)) if broken::lost_commit_undone() => return Err(Error::Unavailable(why)),
                committed => committed?,
            }
            if wakes {
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
    fn context(&self) -> SendContext {
        let open = self.open();
        open.signals.send_context(&open.registry)
    }

    fn start(&mut self) -> Result<&mut B::Conn> {
        let open = self.open_mut();
        if open.failed.is_some() {
            return Err(Error::SendFailed);
        }
        (open.failed, open.in_order) = (Some(open.depth), false);
        Ok(B::conn_mut(&mut open.tx))
    }

    fn finish(&mut self, batch: &SendBatch, receipts: &[Receipt]) {
        let open = self.open_mut();
        open.failed = None;
        open.wakes |= receipts.iter().any(|receipt| receipt.deliveries > 0 && !receipt.repeated);
        telemetry::sent(batch, receipts);
    }

    fn note_order(&mut self) {
        self.open_mut().in_order = true;
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
