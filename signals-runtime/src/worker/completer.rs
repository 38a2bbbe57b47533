//! Stores outcomes: in batches, and again and again until the database has them or the lease is lost.

use std::sync::Arc;
use std::time::Duration;

use signals_core::store::{Acked, Failed, Finished, Held, Snoozed, Store};
use signals_core::{BoxFuture, Error, Result};
use tokio::sync::mpsc;

use super::Engine;
use super::backoff::{Backoff, passes};
use crate::telemetry;

/// The most outcomes of one batch.
const BATCH: usize = 1_000;

/// An outcome on its way into the database.
#[derive(Clone, Debug)]
pub(crate) enum Finish {
    Ack(Acked),
    Fail(Failed),
    Snooze(Snoozed),
    Release(Held),
}

/// Stores what comes in until every sender is gone.
pub(crate) async fn run(engine: Arc<Engine>, mut outcomes: mpsc::UnboundedReceiver<Finish>) {
    let mut batch = Vec::new();
    while outcomes.recv_many(&mut batch, BATCH).await > 0 {
        let mut sorted = Sorted::default();
        for finish in batch.drain(..) {
            match finish {
                Finish::Ack(acked) => sorted.acks.push(acked),
                Finish::Fail(failed) => sorted.fails.push(failed),
                Finish::Snooze(snoozed) => sorted.snoozes.push(snoozed),
                Finish::Release(held) => sorted.releases.push(held),
            }
        }
        sorted.store(&engine).await;
    }
}

#[derive(Default)]
struct Sorted {
    acks: Vec<Acked>,
    fails: Vec<Failed>,
    snoozes: Vec<Snoozed>,
    releases: Vec<Held>,
}

impl Sorted {
    async fn store(self, engine: &Engine) {
        // What failed goes first: a batch of completions must not hold up its neighbours' retries.
        keep_trying(engine, self.fails).await;
        keep_trying(engine, self.acks).await;
        keep_trying(engine, self.snoozes).await;
        keep_trying(engine, self.releases).await;
    }
}

/// One kind of outcome.
pub(crate) trait Outcome: Sync + Send + Sized {
    /// The method of the store, for messages.
    const VERB: &'static str;

    fn held(&self) -> Held;

    fn store<'a>(store: &'a dyn Store, batch: &'a [Self]) -> BoxFuture<'a, Result<Vec<Finished>>>;

    /// It is stored.
    fn happened(&self, engine: &Engine);
}

impl Outcome for Acked {
    const VERB: &'static str = "ack";

    fn held(&self) -> Held {
        self.held
    }

    fn store<'a>(store: &'a dyn Store, batch: &'a [Self]) -> BoxFuture<'a, Result<Vec<Finished>>> {
        store.ack(batch)
    }

    fn happened(&self, engine: &Engine) {
        engine.tally.done();
    }
}

impl Outcome for Failed {
    const VERB: &'static str = "fail";

    fn held(&self) -> Held {
        self.held
    }

    fn store<'a>(store: &'a dyn Store, batch: &'a [Self]) -> BoxFuture<'a, Result<Vec<Finished>>> {
        store.fail(batch)
    }

    fn happened(&self, engine: &Engine) {
        engine.tell_failed(self);
    }
}

impl Outcome for Snoozed {
    const VERB: &'static str = "snooze";

    fn held(&self) -> Held {
        self.held
    }

    fn store<'a>(store: &'a dyn Store, batch: &'a [Self]) -> BoxFuture<'a, Result<Vec<Finished>>> {
        store.snooze(batch)
    }

    fn happened(&self, engine: &Engine) {
        engine.tally.snoozed();
    }
}

impl Outcome for Held {
    const VERB: &'static str = "release";

    fn held(&self) -> Held {
        *self
    }

    fn store<'a>(store: &'a dyn Store, batch: &'a [Self]) -> BoxFuture<'a, Result<Vec<Finished>>> {
        store.release(batch)
    }

    fn happened(&self, engine: &Engine) {
        engine.tally.released();
    }
}

/// Stores `batch`, repeating what the database did not take. A batch that it refuses for good is taken apart, so that one
/// bad outcome costs no other its own.
async fn keep_trying<T: Outcome>(engine: &Engine, batch: Vec<T>) {
    let mut batches = vec![batch];
    while let Some(batch) = batches.pop() {
        let Some((refused, error)) = store_all(engine, batch).await else { continue };
        if let [outcome] = refused.as_slice() {
            telemetry::gave_up(T::VERB, &outcome.held(), &error);
            engine.doubts.close(&outcome.held());
            engine.settled(&outcome.held());
        } else {
            telemetry::store_failed(T::VERB, &error, Duration::ZERO);
            batches.extend(refused.into_iter().map(|outcome| vec![outcome]));
        }
    }
}

/// Stores `batch` once the database takes it; gives back what it refuses for good.
async fn store_all<T: Outcome>(engine: &Engine, mut batch: Vec<T>) -> Option<(Vec<T>, Error)> {
    let mut backoff = Backoff::new();
    while !batch.is_empty() {
        match store_once(engine, engine.store.as_ref(), &batch).await {
            Ok(()) => return None,
            Err(error) if passes(&error) => {
                let pause = backoff.next();
                telemetry::store_failed(T::VERB, &error, pause);
                tokio::time::sleep(pause).await;
                batch.retain(|outcome| still_held(engine, outcome));
            }
            Err(error) => return Some((batch, error)),
        }
    }
    None
}

/// Leases that the keeper has lost meanwhile are nobody's business any more. After a cut connection nobody knows whether
/// the outcome was stored before they were.
fn still_held<T: Outcome>(engine: &Engine, outcome: &T) -> bool {
    let held = outcome.held();
    let still = engine.table.holds(&held);
    if !still {
        tell_stale::<T>(engine, &held);
    }
    still
}

pub(super) fn tell<T: Outcome>(engine: &Engine, batch: &[T], answers: &[Finished]) {
    for (outcome, answer) in batch.iter().zip(answers) {
        let held = outcome.held();
        match answer {
            Finished::Done => {
                engine.doubts.close(&held);
                outcome.happened(engine);
                telemetry::stored(engine.receiver_name(&held), &held, T::VERB);
            }
            Finished::Stale => tell_stale::<T>(engine, &held),
        }
        engine.settled(&held);
    }
}

/// An outcome was refused, or was stored when it was said before.
fn tell_stale<T: Outcome>(engine: &Engine, held: &Held) {
    if engine.doubts.close(held) {
        telemetry::unknown(engine.receiver_name(held), held, T::VERB);
    } else {
        engine.tally.stale();
        telemetry::stale(engine.receiver_name(held), held, T::VERB);
    }
}

/// Stores outcomes in one try: for the keeper, which must go on, and for each try of the completer.
///
/// # Errors
///
/// Returns the database's error. Nothing is stored, unless the connection was lost: then some may be, and whoever says them
/// again is not told that they are stale.
pub(crate) async fn store_once<T: Outcome>(engine: &Engine, store: &dyn Store, batch: &[T]) -> Result<()> {
    if batch.is_empty() {
        return Ok(());
    }
    match T::store(store, batch).await {
        Ok(answers) => {
            tell(engine, batch, &answers);
            Ok(())
        }
        Err(error) => {
            if error.is_connection() {
                engine.doubts.raise(batch.iter().map(Outcome::held));
            }
            Err(error)
        }
    }
}
