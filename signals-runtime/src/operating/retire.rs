//! Retiring a receiver, with what is pending for it or without.

use std::fmt;
use std::future::IntoFuture;
use std::sync::Arc;

use signals_core::store::{Filter, Store, Switch, Verb};
use signals_core::{BoxFuture, Result};

use super::again::again;
use super::bulk::{Bulk, OnProgress, Tally};
use super::names;

/// What becomes of the pending deliveries of a receiver that is retired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pending {
    /// They are run, by workers that know the receiver.
    Keep,
    /// They are cancelled, whoever runs them.
    Cancel,
}

/// What a retirement did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retired {
    /// Whether the receiver was not retired before. In a dry run, whether it would be now.
    pub changed: bool,
    /// What was cancelled; nothing when what is pending is kept.
    pub cancelled: Tally,
}

/// A retirement; it happens when this is awaited.
///
/// The receiver is retired in a transaction of its own first, so that nothing is sent to it any more while what is pending is
/// cancelled, as [`Bulk`] does it. Where several transactions write at once (not on SQLite), one that has sent already and
/// commits afterwards still adds its delivery: it is run, or cancelled by a second call.
///
/// # Errors
///
/// Awaiting it returns [`Error::UnknownReceiver`](crate::Error::UnknownReceiver) when this database knows no receiver of that
/// name or alias. When the database fails on the way, the receiver stays retired, and what was cancelled is counted in the log.
///
/// # Cancel safety
///
/// Dropped on the way, the receiver may be retired and some of what is pending cancelled. Awaiting another one does the rest.
#[must_use = "nothing happens until it is awaited"]
pub struct Retire<'a> {
    store: Arc<dyn Store>,
    receiver: String,
    pending: Pending,
    actor: String,
    dry_run: bool,
    on_progress: OnProgress<'a, Tally>,
}

impl fmt::Debug for Retire<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { receiver, pending, actor, dry_run, .. } = self;
        f.debug_struct("Retire")
            .field("receiver", receiver)
            .field("pending", pending)
            .field("actor", actor)
            .field("dry_run", dry_run)
            .finish_non_exhaustive()
    }
}

impl<'a> Retire<'a> {
    pub(super) fn new(store: Arc<dyn Store>, receiver: String, pending: Pending, actor: String) -> Self {
        Self { store, receiver, pending, actor, dry_run: false, on_progress: Box::new(|_| {}) }
    }

    /// Counts what would be cancelled, and changes nothing: the receiver is not retired either.
    pub fn dry_run(self) -> Self {
        Self { dry_run: true, ..self }
    }

    /// Calls `told` after every look for what is pending, and after every batch of cancellations, with the tally so far.
    pub fn on_progress(self, told: impl FnMut(&Tally) + Send + 'a) -> Self {
        Self { on_progress: Box::new(told), ..self }
    }

    async fn run(self) -> Result<Retired> {
        let Self { store, receiver, pending, actor, dry_run, on_progress } = self;
        names::actor(&actor)?;
        let found = names::receiver(&*store, &receiver).await?;
        let changed =
            if dry_run { !found.retired } else { again(|| store.switch(found.id, Switch::Retire, &actor)).await? };
        let cancelled = match pending {
            Pending::Keep => Tally::default(),
            Pending::Cancel => {
                let filter = Filter { receiver: Some(receiver), ..Filter::default() };
                let cancel = Bulk::new(store, Verb::Cancel, filter, actor).on_progress(on_progress);
                if dry_run { cancel.dry_run() } else { cancel }.await?
            }
        };
        Ok(Retired { changed, cancelled })
    }
}

impl<'a> IntoFuture for Retire<'a> {
    type Output = Result<Retired>;
    type IntoFuture = BoxFuture<'a, Result<Retired>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
