//! `Cancelled`: how a receiver learns that its result counts no longer.

use signals_core::{Context, ExtractError, FromContext};
use tokio::sync::watch;

/// Tells a receiver that its attempt is over, whatever it still does.
///
/// An async receiver needs it only to clean up, since its future is dropped. A blocking one should ask now and then:
/// nobody can stop its thread, and it keeps its slot until it returns (W11).
#[derive(Clone, Debug)]
pub struct Cancelled(watch::Receiver<Option<CancelReason>>);

/// Why an attempt is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CancelReason {
    /// Its time-out has passed. The attempt counts as failed.
    Timeout,
    /// Its lease is another worker's by now, or the delivery was cancelled by hand.
    LeaseLost,
    /// The worker is shutting down and its grace is over. The attempt is refunded.
    Shutdown,
}

impl Cancelled {
    /// Whether the attempt is over.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.reason().is_some()
    }

    /// Why it is over, once it is.
    #[must_use]
    pub fn reason(&self) -> Option<CancelReason> {
        *self.0.borrow()
    }

    /// Waits until it is over.
    ///
    /// # Cancel safety
    ///
    /// Loses nothing when it is dropped.
    pub async fn cancelled(&self) -> CancelReason {
        let mut reason = self.0.clone();
        match reason.wait_for(Option::is_some).await {
            Ok(reason) => reason.expect("it was waited for"),
            // The worker dropped its end: nothing counts any more.
            Err(_closed) => CancelReason::Shutdown,
        }
    }
}

impl FromContext for Cancelled {
    fn from_context(context: &Context) -> Result<Self, ExtractError> {
        context.runtime::<Self>().cloned().ok_or_else(|| ExtractError::new("nothing can cancel this attempt"))
    }
}

/// The worker's end. The first reason stays.
#[derive(Clone, Debug)]
pub(crate) struct Canceller(watch::Sender<Option<CancelReason>>);

impl Canceller {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    pub(crate) fn cancel(&self, reason: CancelReason) {
        self.0.send_if_modified(|now| {
            let first = now.is_none();
            now.get_or_insert(reason);
            first
        });
    }

    pub(crate) fn listener(&self) -> Cancelled {
        Cancelled(self.0.subscribe())
    }
}
