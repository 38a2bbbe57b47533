//! What the worker and one attempt share: whether it is over, and the transaction it runs in. One allocation for both.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::Notify;

use super::CancelReason;

/// Known to the executor, the table (and with it the keeper), and the extractors.
pub(crate) struct AttemptScope {
    /// Zero, or a [`CancelReason`] plus one.
    cancelled: AtomicU8,
    told: Notify,
    tx: Option<Arc<dyn Any + Send + Sync>>,
}

impl AttemptScope {
    /// The scope of an attempt that runs inside `tx`, if it is a transactional one.
    pub(crate) fn new(tx: Option<Arc<dyn Any + Send + Sync>>) -> Arc<Self> {
        Arc::new(Self { cancelled: AtomicU8::new(0), told: Notify::new(), tx })
    }

    /// Ends the attempt, whatever it still does. The first reason stays.
    pub(crate) fn cancel(&self, reason: CancelReason) {
        if self.cancelled.compare_exchange(0, code(reason), Ordering::AcqRel, Ordering::Acquire).is_ok() {
            self.told.notify_waiters();
        }
    }

    pub(crate) fn reason(&self) -> Option<CancelReason> {
        let now = self.cancelled.load(Ordering::Acquire);
        CancelReason::ALL.into_iter().find(|reason| code(*reason) == now)
    }

    pub(crate) async fn cancelled(&self) -> CancelReason {
        loop {
            let told = self.told.notified();
            tokio::pin!(told);
            // From here on no `cancel` is missed.
            told.as_mut().enable();
            if let Some(reason) = self.reason() {
                return reason;
            }
            told.await;
        }
    }

    /// The slot of the transaction that the worker lends, when it is a `T`.
    pub(crate) fn tx<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.tx.clone()?.downcast().ok()
    }
}

const fn code(reason: CancelReason) -> u8 {
    reason as u8 + 1
}

impl fmt::Debug for AttemptScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AttemptScope")
            .field("cancelled", &self.reason())
            .field("transactional", &self.tx.is_some())
            .finish_non_exhaustive()
    }
}
