//! Databases with something to do in them.

use signals_runtime::{PgBackend, Signal, Signals, send_all};

use crate::Result;

/// Signals of one transaction.
const CHUNK: i64 = 5_000;

/// Sends so many, numbered from `first`.
pub(crate) async fn fill<S: Signal>(
    signals: &Signals<PgBackend>,
    first: i64,
    count: usize,
    new: impl Fn(i64) -> S,
) -> Result {
    let mut next = first;
    let last = first + i64::try_from(count)?;
    while next < last {
        let facts: Vec<S> = (next..last.min(next + CHUNK)).map(&new).collect();
        let mut tx = signals.begin().await?;
        send_all(&facts, &mut tx).await?;
        tx.commit().await?;
        next += CHUNK;
    }
    Ok(())
}
