//! Moves what became due (delays, retries, snoozes) to where it can be claimed.

use crate::worker::{Backoff, Engine};
use crate::{defaults, telemetry};

use super::{at_most_as_often_as_polled, rest};

pub(super) async fn run(engine: &Engine) {
    let mut backoff = Backoff::new();
    let every = at_most_as_often_as_polled(engine, defaults::PROMOTE_EVERY);
    let mut pause = every;
    while rest(engine, pause).await {
        pause = match engine.store.promote(defaults::PROMOTE_BATCH).await {
            Ok(promoted) => {
                backoff.reset();
                if promoted.moved > 0 {
                    engine.wake.notify_one();
                }
                every
            }
            Err(error) => {
                let pause = backoff.next();
                telemetry::store_failed("promote", &error, pause);
                pause
            }
        };
    }
}
