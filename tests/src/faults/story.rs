//! How it is told: one story of senders, a worker and a prune, and short tales beside it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use signals_core::delivery::DeliveryId;
use signals_core::store::{DeliverySummary, Filter, Retention};
use signals_core::{Error, Result, Signal as _};
use signals_runtime::Signals;

use super::receivers::{Ordered, Ran, registry};
use super::tale::Tale;
use super::{Ground, Meter, Scene, verdict};
use crate::stage::until_every;

/// How long anything may take to be as it must: many stories are told at once.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// How often somebody looks whether a connection is back, which takes a moment.
const BREATH: Duration = Duration::from_millis(1);

/// How often anybody begins again: one fault is at most two failures.
const TRIES: u32 = 5;

/// Everything is forgotten at once.
pub(super) const NOTHING: Retention =
    Retention { done: Duration::ZERO, cancelled: Duration::ZERO, dead: Some(Duration::ZERO), keys: Duration::ZERO };

/// One telling, on a ground of its own.
pub struct Story<G: Ground> {
    pub(super) ground: G,
    pub(super) meter: Arc<Meter>,
    pub(super) signals: Signals<G::Backend>,
    pub(super) ran: Ran,
}

impl<G: Ground> fmt::Debug for Story<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Story").field("meter", &self.meter).finish_non_exhaustive()
    }
}

impl<G: Ground> Story<G> {
    /// On a database with the business table, whose statements `meter` counts.
    #[must_use]
    pub fn new(ground: G, meter: Arc<Meter>) -> Self {
        let signals = Signals::new(ground.backend().clone()).with_registry(registry::<G>());
        Self { ground, meter, signals, ran: Ran::default() }
    }

    pub(super) fn leave(self) {
        self.ground.leave();
    }

    /// Tells it, and judges.
    ///
    /// # Panics
    ///
    /// Panics when a promise was broken, or somebody was told something after which there is no going on.
    pub(super) async fn tell(&self, tale: Tale) {
        if let Some(scene) = tale.scene() {
            self.meter.enter(scene);
        }
        match tale {
            Tale::Work => self.unfold().await,
            Tale::Names => self.rename().await,
            Tale::ByHand => self.operate().await,
            Tale::CancelAll => self.cancel_all().await,
            Tale::RetryAll => self.retry_all().await,
            Tale::PruneAll => self.prune_all().await,
            Tale::Migrating => self.migrate().await,
            Tale::Upgrading => self.upgrade().await,
        }
        self.meter.enter(Scene::Over);
        verdict::at_rest(self, tale).await;
    }

    async fn unfold(&self) {
        self.aside(async || self.signals.register().await).await;
        self.meter.enter(Scene::Senders);
        self.send().await;
        verdict::committed(self).await;

        self.meter.enter(Scene::Worker);
        self.work().await;
        verdict::settled(self).await;

        self.aside(async || self.signals.operate("ops").prune(NOTHING).await.map(drop)).await;
        verdict::forgotten(self).await;
    }

    /// One deed after the other, each on a connection that was there before: so its statements have the same numbers in every story.
    pub(super) async fn in_turn(&self, what: &str, deed: impl AsyncFnMut(Doubt) -> Result<()>) {
        self.rest().await;
        again(what, deed).await;
    }

    async fn rest(&self) {
        until_every(BREATH, PATIENCE, "the connections to be back", async || self.ground.is_at_rest()).await;
    }

    /// What belongs to the tale and not to what it is about: its statements are neither counted nor cut, nor are those that a
    /// connection says on its way back.
    pub(super) async fn aside(&self, mut deed: impl AsyncFnMut() -> Result<()>) {
        let scene = self.meter.enter(Scene::Over);
        self.in_turn("what is told aside", async |_| deed().await).await;
        self.rest().await;
        self.meter.enter(scene);
    }

    /// An order, uncounted.
    pub(super) async fn order_aside(&self, signals: &Signals<G::Backend>, number: i64) {
        self.aside(async || {
            let mut tx = signals.begin().await?;
            Ordered { number }.send(&mut tx).await?;
            tx.commit().await
        })
        .await;
    }

    /// The delivery of a receiver that has one.
    pub(super) async fn the_only_delivery(&self, receiver: &str) -> DeliveryId {
        let mut its = self.deliveries().await.into_iter().filter(|delivery| delivery.receiver == receiver);
        its.next().expect("it was sent").id
    }

    /// All deliveries, past every fault.
    pub(super) async fn deliveries(&self) -> Vec<DeliverySummary> {
        let filter = Filter { limit: Filter::MOST, ..Filter::default() };
        self.ground.direct().inspect().list(&filter).await.expect("nobody is in the judge's way").deliveries
    }
}

/// What is known of the tries before this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// None of them happened: there was none, or each was told so.
    None,
    /// One of them may have: its commit was told as [unknown](Error::CommitUnknown), and as nothing else.
    Unknown,
}

/// Begins `deed` again while that may help: its connection is gone, or a send in it has failed.
pub(super) async fn again(what: &str, mut deed: impl AsyncFnMut(Doubt) -> Result<()>) {
    let mut doubt = Doubt::None;
    for _ in 0..TRIES {
        match deed(doubt).await {
            Ok(()) => return,
            Err(Error::CommitUnknown(_)) => doubt = Doubt::Unknown,
            Err(error) if error.is_retryable() || matches!(error, Error::SendFailed) => {}
            Err(error) => panic!("{what}: {error}: {error:?}"),
        }
    }
    panic!("{what}: failed {TRIES} times after one fault");
}
