//! Several clients at once, and who does something in turn.

use std::future::Future;

use tokio::task::JoinSet;

use crate::Result;

/// Runs `client` so many times at once, each in a task, and waits for all.
pub(crate) async fn at_once<F>(clients: usize, client: impl Fn(usize) -> F) -> Result
where
    F: Future<Output = Result> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for number in 0..clients {
        tasks.spawn(client(number));
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(())
}
