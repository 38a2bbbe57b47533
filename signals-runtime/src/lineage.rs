//! Where a send comes from: the delivery whose receiver sends, kept in a task-local while the receiver runs.
//!
//! A receiver that sends the signal it receives runs for ever, and nobody stops it: the lineage shows it (E13).
//!
//! It is lost across a bare `tokio::spawn` inside a receiver: what such a task sends starts a lineage of its own.

use std::future::Future;
use std::sync::Arc;

use signals_core::delivery::SignalId;
use signals_core::{Delivery, Headers};

/// What a receiver's sends inherit.
#[derive(Clone, Debug)]
pub(crate) struct Cause {
    signal: SignalId,
    correlation: SignalId,
    traceparent: Option<Arc<str>>,
}

impl Cause {
    pub(crate) fn of(delivery: &Delivery) -> Self {
        Self {
            signal: delivery.id.signal,
            correlation: delivery.correlation,
            traceparent: delivery.traceparent.clone(),
        }
    }

    /// Runs `future` with this as the cause of its sends.
    pub(crate) fn scope<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        CAUSE.scope(self, future)
    }

    /// Calls `f` with this as the cause of its sends.
    pub(crate) fn sync_scope<R>(self, f: impl FnOnce() -> R) -> R {
        CAUSE.sync_scope(self, f)
    }
}

tokio::task_local! {
    static CAUSE: Cause;
}

/// The headers of a send from here.
pub(crate) fn headers(build: &Arc<str>, traceparent: Option<Arc<str>>) -> Headers {
    let inherited = CAUSE.try_with(|cause| Headers {
        correlation: Some(cause.correlation),
        causation: Some(cause.signal),
        traceparent: cause.traceparent.clone(),
        build: None,
    });
    let inherited = inherited.unwrap_or_default();
    Headers { build: Some(build.clone()), traceparent: traceparent.or(inherited.traceparent.clone()), ..inherited }
}
