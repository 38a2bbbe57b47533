//! Forgetting by hand what is settled (T12), batch by batch.

use std::fmt;
use std::future::IntoFuture;
use std::sync::Arc;

use signals_core::store::{Acting, Pruned, Retention, Store};
use signals_core::{BoxFuture, Result};

use super::names;

use super::bulk::OnProgress;
use crate::defaults;

/// A prune by hand; it happens when this is awaited.
///
/// In batches of 1,000, each one transaction; the log of actions has one line for all of it, with the retention in words.
///
/// # Errors
///
/// Awaiting it returns an error when the database cannot be reached or refuses; what was forgotten before stays forgotten.
///
/// # Cancel safety
///
/// Dropped on the way, the batches before stay. Awaiting another one does the rest.
#[must_use = "nothing happens until it is awaited"]
pub struct Prune<'a> {
    store: Arc<dyn Store>,
    retention: Retention,
    actor: String,
    on_progress: OnProgress<'a, Pruned>,
}

impl fmt::Debug for Prune<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { retention, actor, .. } = self;
        f.debug_struct("Prune").field("retention", retention).field("actor", actor).finish_non_exhaustive()
    }
}

impl<'a> Prune<'a> {
    pub(super) fn new(store: Arc<dyn Store>, retention: Retention, actor: String) -> Self {
        Self { store, retention, actor, on_progress: Box::new(|_| {}) }
    }

    /// Calls `told` after every batch with what was forgotten so far.
    pub fn on_progress(self, told: impl FnMut(&Pruned) + Send + 'a) -> Self {
        Self { on_progress: Box::new(told), ..self }
    }

    async fn run(mut self) -> Result<Pruned> {
        names::actor(&self.actor)?;
        let subject = self.retention.to_string();
        let mut sum = Pruned::default();
        loop {
            let acting = Acting { actor: &self.actor, subject: &subject, continues: sum.action };
            let pruned = self.store.prune(&self.retention, defaults::PRUNE_BATCH, Some(&acting)).await?;
            sum.deliveries += pruned.deliveries;
            sum.keys += pruned.keys;
            sum.action = pruned.action;
            (self.on_progress)(&sum);
            if pruned.deliveries + pruned.keys < defaults::PRUNE_BATCH {
                return Ok(sum);
            }
        }
    }
}

impl<'a> IntoFuture for Prune<'a> {
    type Output = Result<Pruned>;
    type IntoFuture = BoxFuture<'a, Result<Pruned>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
