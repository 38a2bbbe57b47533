//! `Cancelled`: how a receiver learns that its result counts no longer.

use std::sync::Arc;

use signals_core::{Context, ExtractError, FromContext};

use super::AttemptScope;

/// Tells a receiver that its attempt is over, whatever it still does.
///
/// An async receiver needs it only to clean up, since its future is dropped. A blocking one should ask now and then:
/// nobody can stop its thread, and it keeps its slot until it returns (W11).
///
/// ```standalone_crate
/// # use signals_runtime::{Cancelled, receiver, signal};
/// # #[signal] pub struct ReportOrdered { pub pages: u32 }
/// # fn render(_: u32) {}
/// #[receiver(signal = ReportOrdered, timeout = "2m")]
/// fn write_report(report: &ReportOrdered, cancelled: Cancelled) -> Result<(), String> {
///     for page in 1..=report.pages {
///         if let Some(reason) = cancelled.reason() {
///             return Err(format!("given up before page {page}: {reason:?}"));
///         }
///         render(page);
///     }
///     Ok(())
/// }
/// # fn main() {}
/// ```
#[derive(Clone, Debug)]
pub struct Cancelled(Arc<AttemptScope>);

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

impl CancelReason {
    pub(crate) const ALL: [Self; 3] = [Self::Timeout, Self::LeaseLost, Self::Shutdown];
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
        self.0.reason()
    }

    /// Waits until it is over.
    ///
    /// # Cancel safety
    ///
    /// Loses nothing when it is dropped.
    pub async fn cancelled(&self) -> CancelReason {
        self.0.cancelled().await
    }
}

impl FromContext for Cancelled {
    fn from_context(context: &Context) -> Result<Self, ExtractError> {
        context.runtime().map(Self).ok_or_else(|| ExtractError::new("nothing can cancel this attempt"))
    }
}
