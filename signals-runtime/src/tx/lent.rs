//! Transactions that a worker lends to a receiver: begun before the receiver, acknowledged and committed after it.
//!
//! The worker keeps the slot, the receiver gets the `Tx`; whatever becomes of the receiver (an error, a panic, a time-out
//! that drops its future), dropping the `Tx` puts it back.

use std::any::Any;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use signals_core::store::{Acked, Finished};
use signals_core::{Backend, BoxFuture, Error, ExtractError, FromContext, Needs, Result};

use super::{Open, Tx};
use crate::extract::AttemptScope;
use crate::signals::Inner;
use crate::{broken, task};

/// Where a lent transaction waits while nobody uses it.
pub(crate) struct Slot<B: Backend>(Mutex<Content<B>>);

struct Content<B: Backend> {
    open: Option<Open<B>>,
    /// The attempt is over: whatever comes back is rolled back.
    closed: bool,
}

impl<B: Backend> Slot<B> {
    fn new() -> Self {
        Self(Mutex::new(Content { open: None, closed: false }))
    }

    fn take(&self) -> Option<Open<B>> {
        self.content().open.take()
    }

    fn put(&self, open: Open<B>) {
        let mut content = self.content();
        if content.closed {
            drop(content);
            drop(open);
        } else {
            content.open = Some(open);
        }
    }

    fn close(&self) {
        let left = {
            let mut content = self.content();
            content.closed = true;
            content.open.take()
        };
        drop(left);
    }

    fn content(&self) -> MutexGuard<'_, Content<B>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a worker can begin, whatever its backend is.
pub(crate) trait Transactions: Send + Sync {
    /// Begins a transaction for one attempt.
    fn begin(self: Arc<Self>) -> BoxFuture<'static, Result<Box<dyn LentTx>>>;
}

/// A transaction for one attempt.
pub(crate) trait LentTx: Send {
    /// Where its extractor finds it.
    fn slot(&self) -> Arc<dyn Any + Send + Sync>;

    /// Acknowledges in it and commits (T4, I5).
    fn ack(self: Box<Self>, acked: Acked) -> BoxFuture<'static, Result<()>>;

    /// Rolls it back.
    fn rollback(self: Box<Self>) -> BoxFuture<'static, Result<()>>;
}

impl<B: Backend> Transactions for Inner<B> {
    fn begin(self: Arc<Self>) -> BoxFuture<'static, Result<Box<dyn LentTx>>> {
        Box::pin(async move {
            let registry = self.registry()?;
            let signals = self.clone();
            let begin = async move {
                let mut tx = signals.backend.begin().await?;
                signals.backend.fence(&mut tx).await.map(|()| tx)
            };
            let tx = task::to_completion(begin).await?;
            let slot = Arc::new(Slot::new());
            let home = Some(Arc::downgrade(&slot));
            slot.put(Open { home, ..Open::new(tx, self, registry) });
            Ok(Box::new(Lent { slot }) as Box<dyn LentTx>)
        })
    }
}

struct Lent<B: Backend> {
    slot: Arc<Slot<B>>,
}

impl<B: Backend> Lent<B> {
    /// The transaction, for good.
    ///
    /// # Errors
    ///
    /// When the receiver still has it: moved into a task that outlives the attempt, or leaked.
    fn reclaim(&self) -> Result<Open<B>> {
        let mut open = self.slot.take().ok_or(Error::TransactionEnded)?;
        open.home = None;
        Ok(open)
    }
}

impl<B: Backend> Drop for Lent<B> {
    /// An attempt that was dropped gives its connection back at once: what is in the slot rolls back here, and what the
    /// receiver still has rolls back when it lets go of it.
    fn drop(&mut self) {
        self.slot.close();
    }
}

impl<B: Backend> LentTx for Lent<B> {
    fn slot(&self) -> Arc<dyn Any + Send + Sync> {
        self.slot.clone()
    }

    fn ack(self: Box<Self>, acked: Acked) -> BoxFuture<'static, Result<()>> {
        Box::pin(async move {
            let mut open = self.reclaim()?;
            if open.failed.is_some() || open.depth > 0 {
                open.rollback().await?;
                return Err(Error::SendFailed);
            }
            let signals = open.signals.clone();
            if broken::transaction() {
                open.commit().await?;
                let finished = signals.store.ack(&[acked]).await?;
                let stale = Error::Stale { delivery: acked.held.delivery };
                return if finished == [Finished::Done] { Ok(()) } else { Err(stale) };
            }
            if let Err(error) = signals.backend.ack(&mut open.tx, &acked).await {
                let promises = mem::take(&mut open.promises);
                // Rolling back may fail for the same reason; the first error is the one to tell.
                let _ = open.rollback().await;
                if matches!(error, Error::TransactionEnded) {
                    // What was sent in it may have been committed by hand (W21).
                    for promise in promises {
                        promise.give_back().await;
                    }
                }
                return Err(error);
            }
            open.in_order = true;
            open.commit().await
        })
    }

    fn rollback(self: Box<Self>) -> BoxFuture<'static, Result<()>> {
        Box::pin(async move {
            match self.reclaim() {
                Ok(open) => open.rollback().await,
                Err(_still_lent) => Ok(()),
            }
        })
    }
}

impl<B: Backend> Open<B> {
    /// Puts a lent transaction back into its slot. Any other, and one whose attempt is over, is dropped, which rolls it
    /// back.
    pub(super) fn hand_back(self) {
        if let Some(home) = self.home.as_ref().and_then(Weak::upgrade) {
            home.put(self);
        }
    }
}

/// The transaction in which the delivery is acknowledged. Take it as `tx: &mut Tx<B>`.
impl<B: Backend> FromContext for Tx<B> {
    fn from_context(context: &signals_core::Context) -> Result<Self, ExtractError> {
        let slot = context.runtime::<AttemptScope>().and_then(|scope| scope.tx::<Slot<B>>()).ok_or_else(|| {
            ExtractError::new(format!("this worker lends no transaction of the {} backend to this receiver", B::NAME))
        })?;
        let open = slot.take().ok_or_else(|| ExtractError::new("the transaction of this attempt is lent already"))?;
        Ok(Self { open: Some(open) })
    }

    fn declare(needs: &mut Needs) {
        needs.transaction::<B>();
    }
}
