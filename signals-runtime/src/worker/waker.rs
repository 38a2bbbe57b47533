//! Wake-ups: hints that something may be ready. Polling is always the truth; a hint only makes it sooner.
//!
//! In this process every commit through a `Tx` is a hint, which the claimer takes itself. Across processes the database gives them
//! where it can, and they are passed on here.

use std::sync::Arc;

use tokio::sync::Notify;

use super::Engine;
use super::backoff::Backoff;
use crate::telemetry;

/// Passes on the database's hints, opening their source again whenever it breaks.
pub(crate) async fn across(engine: Arc<Engine>, wake: Arc<Notify>) {
    let mut backoff = Backoff::new();
    loop {
        let error = match engine.store.hints().await {
            Ok(None) => return std::future::pending().await,
            Ok(Some(mut hints)) => loop {
                match hints.next().await {
                    Ok(()) => {
                        backoff.reset();
                        wake.notify_one();
                    }
                    Err(error) => break error,
                }
            },
            Err(error) => error,
        };
        let pause = backoff.next();
        telemetry::store_failed("hints", &error, pause);
        tokio::time::sleep(pause).await;
    }
}
