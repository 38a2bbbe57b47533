//! Moves what became due (delays, retries, snoozes) to where it can be claimed.

use crate::worker::{Backoff, Engine};
use crate::{defaults, telemetry};

use super::rest;

pub(super) async fn run(engine: &Engine) {
    let mut backoff = Backoff::new();
    let mut pause = defaults::PROMOTE_EVERY;
    while rest(engine, pause).await {
        pause = match engine.store.promote(defaults::PROMOTE_BATCH).await {
            Ok(promoted) => {
                backoff.reset();
                if promoted.moved > 0 {
                    engine.wake.notify_one();
                }
                defaults::PROMOTE_EVERY
            }
            Err(error) => {
                let pause = backoff.next();
                telemetry::store_failed("promote", &error, pause);
                pause
            }
        };
    }
}
