//! Several clients at once, and who does something in turn.

use std::future::Future;

use tokio::task::JoinSet;

use crate::Result;

/// Runs `client` so many times at once, each in a task, and waits for all.
pub(crate) async fn at_once<F>(clients: usize, client: impl Fn(usize) -> F) -> Result
where
    F: Future<Output = Result> + Send + 'static,
{
    each(0..clients, client).await
}

/// Runs `work` with each of these at once, each in a task, and waits for all.
pub(crate) async fn each<T, F>(clients: impl IntoIterator<Item = T>, work: impl Fn(T) -> F) -> Result
where
    F: Future<Output = Result> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for client in clients {
        tasks.spawn(work(client));
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(())
}
