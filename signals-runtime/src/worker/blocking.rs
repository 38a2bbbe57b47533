//! Threads for receivers that are plain `fn`s.
//!
//! They are the worker's own: a tokio runtime waits for its `spawn_blocking` threads when it is dropped, so one receiver
//! that never returns would keep the process from exiting. A thread lives as long as one call; its start costs some ten
//! microseconds, which a call that is worth blocking for does not notice.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// What a thread answers: the call's result, or its panic's payload.
pub(crate) type Outcome<T> = thread::Result<T>;

/// Calls `f` on a thread of its own, inside the calling runtime's context. The receiver resolves when it returned.
pub(crate) fn call<T: Send + 'static>(
    f: impl FnOnce() -> T + Send + 'static,
) -> std::io::Result<oneshot::Receiver<Outcome<T>>> {
    let (answer, outcome) = oneshot::channel();
    let runtime = Handle::current();
    thread::Builder::new().name("signals-receiver".to_owned()).spawn(move || {
        let _context = runtime.enter();
        // Nobody listens any more once the worker has stopped.
        let _ = answer.send(catch_unwind(AssertUnwindSafe(f)));
    })?;
    Ok(outcome)
}
