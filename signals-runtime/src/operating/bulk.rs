//! The same thing done to many deliveries, batch by batch.

use std::fmt;
use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Instant;

use signals_core::delivery::DeliveryId;
use signals_core::store::{Acting, ActionId, Decided, Filter, Found, Store, Verb};
use signals_core::{BoxFuture, Result};

use super::again::again;
use super::names;
use super::pace::Pace;

/// How many deliveries are looked for at once: a look at a large backlog costs more than a transaction.
const LOOK: usize = 5_000;

/// What is told of what is done to many deliveries, on the way and in the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Deliveries that matched the filter, in a state that can be changed.
    pub matched: u64,
    /// Those that were changed; none in a dry run.
    pub changed: u64,
    /// Those that somebody else changed first: started, completed or settled between the look and the deed.
    pub passed_over: u64,
    /// The line of the log; `None` as long as nothing was changed.
    pub action: Option<ActionId>,
}

/// Called with how far it is.
pub(super) type OnProgress<'a, T> = Box<dyn FnMut(&T) + Send + 'a>;

/// Something to be done to all deliveries that match a filter; it happens when this is awaited.
///
/// From the newest signal to the oldest. Looked for are 5,000 at a time; changed are so many at once that a batch takes about a
/// fifth of a second, in transactions of 1,000 at most. Every delivery is met once: what is sent meanwhile is not met, nor is met again what was retried and failed again. States of the filter that the verb
/// cannot change are left out; `after` and `limit` of the filter mean nothing here. The log of actions has one line for all
/// of it, with the filter in words.
///
/// # Errors
///
/// Awaiting it returns [`Error::UnknownReceiver`](crate::Error::UnknownReceiver) when the filter names a receiver that is not
/// there, before anything happened. When the database fails on the way, what was done stays done, and is counted in the log.
///
/// # Cancel safety
///
/// Dropped on the way, the batches before stay. Awaiting another one does the rest.
#[must_use = "nothing happens until it is awaited"]
pub struct Bulk<'a> {
    store: Arc<dyn Store>,
    verb: Verb,
    filter: Filter,
    actor: String,
    dry_run: bool,
    on_progress: OnProgress<'a, Tally>,
    wake: Box<dyn Fn() + Send + Sync + 'a>,
}

impl fmt::Debug for Bulk<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { verb, filter, actor, dry_run, .. } = self;
        f.debug_struct("Bulk")
            .field("verb", verb)
            .field("filter", filter)
            .field("actor", actor)
            .field("dry_run", dry_run)
            .finish_non_exhaustive()
    }
}

impl<'a> Bulk<'a> {
    pub(super) fn new(store: Arc<dyn Store>, verb: Verb, filter: Filter, actor: String) -> Self {
        Self { store, verb, filter, actor, dry_run: false, on_progress: Box::new(|_| {}), wake: Box::new(|| {}) }
    }

    /// Calls `wake` after each batch that made something ready.
    pub(super) fn then(self, wake: impl Fn() + Send + Sync + 'a) -> Self {
        Self { wake: Box::new(wake), ..self }
    }

    /// Counts what matches, and changes nothing.
    pub fn dry_run(self) -> Self {
        Self { dry_run: true, ..self }
    }

    /// Calls `told` after every look and after every batch with the tally so far.
    pub fn on_progress(self, told: impl FnMut(&Tally) + Send + 'a) -> Self {
        Self { on_progress: Box::new(told), ..self }
    }

    async fn run(mut self) -> Result<Tally> {
        names::actor(&self.actor)?;
        if let Some(receiver) = &self.filter.receiver {
            names::receiver(&*self.store, receiver).await?;
        }
        let mut tally = Tally::default();
        self.filter.states =
            self.verb.changes().iter().copied().filter(|state| self.filter.states().contains(state)).collect();
        if self.filter.states.is_empty() {
            return Ok(tally);
        }
        let subject = self.filter.to_string();
        self.filter.after = None;
        let mut pace = Pace::default();
        loop {
            let Found { ids, next } = self.store.find(&self.filter, LOOK).await?;
            tally.matched += ids.len() as u64;
            (self.on_progress)(&tally);
            if !self.dry_run {
                self.change(&ids, &subject, &mut pace, &mut tally).await?;
            }
            if next.is_none() {
                return Ok(tally);
            }
            self.filter.after = next;
        }
    }
}

impl Bulk<'_> {
    /// Does it to `ids`, batch by batch. A store whose answer ends early is asked again for the rest.
    async fn change(&mut self, ids: &[DeliveryId], subject: &str, pace: &mut Pace, tally: &mut Tally) -> Result<()> {
        let mut rest = ids;
        while !rest.is_empty() {
            let acting = Acting { actor: &self.actor, subject, continues: tally.action };
            let batch = &rest[..pace.batch().min(rest.len())];
            // tidy: a duration: how long nobody was told anything
            let began = Instant::now();
            let decided = again(|| Box::pin(decide(&*self.store, self.verb, batch, &acting))).await?;
            pace.took(began.elapsed());
            let changed = decided.changed();
            tally.changed += changed as u64;
            tally.passed_over += (decided.verdicts.len() - changed) as u64;
            tally.action = decided.action;
            assert!(!decided.verdicts.is_empty(), "a store that did nothing answers with an error");
            rest = &rest[decided.verdicts.len()..];
            if changed > 0 && self.verb == Verb::Retry {
                (self.wake)();
            }
            (self.on_progress)(tally);
        }
        Ok(())
    }
}

impl<'a> IntoFuture for Bulk<'a> {
    type Output = Result<Tally>;
    type IntoFuture = BoxFuture<'a, Result<Tally>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// One verb for a batch.
pub(super) async fn decide(store: &dyn Store, verb: Verb, ids: &[DeliveryId], acting: &Acting<'_>) -> Result<Decided> {
    match verb {
        Verb::Retry => store.retry(ids, acting).await,
        Verb::Cancel => store.cancel(ids, acting).await,
        Verb::Discard => store.discard(ids, acting).await,
        Verb::Pause | Verb::Resume | Verb::Retire | Verb::Restore | Verb::Prune => {
            unreachable!("{verb} is nothing that is decided about single deliveries")
        }
    }
}
