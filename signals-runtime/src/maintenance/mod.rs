//! What keeps the tables small and delays short, in every worker, without a leader: each step is a bounded statement that
//! may run anywhere at any time.

mod lanes;
mod promote;
mod prune;

use std::sync::Arc;
use std::time::Duration;

use crate::worker::{Engine, Phase};

/// Runs all of it until the worker stops. A step that has begun is finished.
pub(crate) async fn run(engine: Arc<Engine>) {
    tokio::join!(promote::run(&engine), prune::run(&engine), lanes::run(&engine));
}

/// Waits for `pause`; `false` when the worker stops meanwhile.
async fn rest(engine: &Engine, pause: Duration) -> bool {
    tokio::select! {
        () = tokio::time::sleep(pause) => true,
        () = engine.shutdown.reached(Phase::Stop) => false,
    }
}

/// Whoever has an idle worker poll seldom wants a database that is asked seldom, also for this.
fn at_most_as_often_as_polled(engine: &Engine, usual: Duration) -> Duration {
    usual.max(engine.config.poll_idle)
}
