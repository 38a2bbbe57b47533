//! Forgets what is settled and old, in bounded batches (T12, T13).

use std::time::Duration;

use signals_core::Result;

use crate::worker::Engine;
use crate::{defaults, telemetry};

use super::rest;

pub(super) async fn run(engine: &Engine) {
    // Workers that start together do not prune together.
    while rest(engine, defaults::PRUNE_EVERY.mul_f64(0.5 + fastrand::f64())).await {
        while let Some(more) = once(engine).await
            && more
            && rest(engine, Duration::from_millis(10)).await
        {}
    }
}

/// One batch of each; whether there may be more, `None` when the database refused.
async fn once(engine: &Engine) -> Option<bool> {
    match batch(engine).await {
        Ok(more) => Some(more),
        Err(error) => {
            telemetry::store_failed("prune", &error, defaults::PRUNE_EVERY);
            None
        }
    }
}

async fn batch(engine: &Engine) -> Result<bool> {
    let most = defaults::PRUNE_BATCH;
    let pruned = engine.store.prune(&engine.config.retention, most, None).await?;
    let forgotten = engine.store.forget(engine.config.keep_signals, most).await?;
    Ok(pruned.deliveries >= most || pruned.keys >= most || forgotten.0 >= most)
}
