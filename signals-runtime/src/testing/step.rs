//! What every verb of the kit answers: work that is done when it is awaited, and panics where the test can be found.

use std::any::type_name;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread;

use signals_core::BoxFuture;

use super::message::Message;
use super::turn::Call;

/// One step of a test: does its work when it is awaited.
///
/// # Panics
///
/// Panics when what it does or asserts does not come out as the test says, and when it is dropped without ever having been
/// awaited: an assertion that nobody awaits holds whatever happens.
///
/// # Cancel safety
///
/// Dropped half-way, it is a worker that died: what was claimed is nobody's until its lease is over.
#[must_use = "this does and asserts nothing until it is awaited"]
pub struct Step<'t, T> {
    work: BoxFuture<'t, Result<T, Message>>,
    call: Call,
    begun: bool,
}

impl<'t, T> Step<'t, T> {
    /// The step that does `work`.
    pub(super) fn new(call: Call, work: impl Future<Output = Result<T, Message>> + Send + 't) -> Self {
        Self { work: Box::pin(work), call, begun: false }
    }
}

impl<T> Future for Step<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        self.begun = true;
        let call = self.call;
        self.work.as_mut().poll(cx).map(|result| match result {
            Ok(answer) => answer,
            Err(message) => panic!("{call}: {message}"),
        })
    }
}

impl<T> Drop for Step<'_, T> {
    fn drop(&mut self) {
        if !self.begun && !thread::panicking() {
            panic!("{} was never awaited: it has done and asserted nothing", self.call);
        }
    }
}

impl<T> fmt::Debug for Step<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Step").field("call", &self.call).field("answers", &type_name::<T>()).finish_non_exhaustive()
    }
}
