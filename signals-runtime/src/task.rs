//! The one place that starts a task which its caller does not join: work that must reach its end even when the future
//! that waits for it is dropped.

use std::future::Future;

use signals_core::{BoxError, Error, Result};

/// Runs `work` to its end, also when the returned future is dropped: what it answers is then dropped too.
///
/// A `begin` that is dropped half-way can leave a connection inside a transaction in its pool (sqlx 0.9.0,
/// launchbadge/sqlx#4394), and a `commit` that is dropped leaves open what happened.
/// `cut` makes the error for a runtime that shuts down before the end.
pub(crate) async fn to_completion<T: Send + 'static>(
    work: impl Future<Output = Result<T>> + Send + 'static,
    cut: impl FnOnce(BoxError) -> Error,
) -> Result<T> {
    #[expect(clippy::disallowed_methods, reason = "joined right here; outlives its caller on purpose")]
    let task = tokio::spawn(work);
    match task.await {
        Ok(result) => result,
        Err(join) => match join.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(cancelled) => Err(cut(format!("the runtime is shutting down: {cancelled}").into())),
        },
    }
}
