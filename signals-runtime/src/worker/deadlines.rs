//! Attempts past their deadline whose executor does not notice, because they block it (T5, W10).
//!
//! The keeper's thread looks at them beside its database calls, not between them: a receiver that blocks inside its
//! transaction may be what those calls wait for. Whoever is taken here has failed, whatever it returns afterwards.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use signals_core::store::Failed;

use super::keeper::TICK;
use super::{Engine, executor};

/// How long after a deadline the executor is given to notice it itself.
const MARGIN: Duration = Duration::from_millis(250);

/// What is overdue, until the keeper has stored it.
pub(super) struct Deadlines {
    engine: Arc<Engine>,
    taken: Mutex<Vec<Failed>>,
}

impl Deadlines {
    pub(super) fn new(engine: Arc<Engine>) -> Self {
        Self { engine, taken: Mutex::default() }
    }

    /// Looks at every tick, and never ends.
    pub(super) async fn watch(&self) {
        loop {
            tokio::time::sleep(TICK).await;
            let overdue = self.engine.table.overdue(MARGIN).into_iter();
            let failed = overdue.map(|overdue| {
                let receiver = &self.engine.receivers[overdue.receiver];
                executor::timed_out(receiver, overdue.held, overdue.counters, overdue.ran)
            });
            self.taken.lock().unwrap_or_else(PoisonError::into_inner).extend(failed);
        }
    }

    /// What has been found since this was called last.
    pub(super) fn take(&self) -> Vec<Failed> {
        std::mem::take(&mut self.taken.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
