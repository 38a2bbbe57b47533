//! The one place that starts a task which its caller does not join: work that must reach its end even when the future
//! that waits for it is dropped.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use signals_core::BoxFuture;
use tokio::runtime::Handle;

/// Runs `work` to its end, also when this is dropped after its first poll: what it answers is then dropped too.
///
/// A `begin` that is dropped half-way can leave a connection inside a transaction in its pool (sqlx 0.9.0,
/// launchbadge/sqlx#4394), and a `commit` that is dropped leaves open what happened. Whoever waits for the work does it;
/// only when nobody waits any more does a task take over. A task from the start would cost every transaction four
/// switches between tasks.
///
/// # Panics
///
/// Panics outside a tokio runtime.
pub(crate) fn to_completion<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> ToCompletion<T> {
    ToCompletion { work: Some(Box::pin(work)), begun: false, runtime: Handle::current() }
}

/// See [`to_completion`].
pub(crate) struct ToCompletion<T: Send + 'static> {
    /// `None` once it has answered or panicked.
    work: Option<BoxFuture<'static, T>>,
    begun: bool,
    runtime: Handle,
}

impl<T: Send + 'static> Future for ToCompletion<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        self.begun = true;
        let mut work = self.work.take().expect("a future is not polled after it has answered");
        let polled = work.as_mut().poll(cx);
        if polled.is_pending() {
            self.work = Some(work);
        }
        polled
    }
}

impl<T: Send + 'static> Drop for ToCompletion<T> {
    fn drop(&mut self) {
        if let Some(work) = self.work.take().filter(|_| self.begun) {
            // A runtime that shuts down drops it.
            self.runtime.spawn(work);
        }
    }
}

/// Runs `work`, which nobody waits for, beside its caller. A runtime that shuts down drops it, so it must not matter.
///
/// # Panics
///
/// Panics outside a tokio runtime.
#[cfg(feature = "postgres")]
pub(crate) fn beside(work: impl Future<Output = ()> + Send + 'static) {
    Handle::current().spawn(work);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn s6_work_that_nobody_waits_for_any_more_reaches_its_end() {
        let (go, gone) = oneshot::channel::<()>();
        let (done, ended) = oneshot::channel();
        let mut work = to_completion(async move {
            gone.await.expect("somebody says go");
            done.send(()).expect("somebody listens");
        });
        let polled = tokio::time::timeout(Duration::ZERO, &mut work).await;
        assert!(polled.is_err(), "it waits");
        drop(work);
        go.send(()).expect("the work goes on");
        ended.await.expect("to its end");
    }

    #[tokio::test]
    async fn s6_work_that_was_never_polled_never_happens() {
        let (done, ended) = oneshot::channel();
        drop(to_completion(async move { done.send(()) }));
        ended.await.expect_err("nobody has begun it");
    }
}
