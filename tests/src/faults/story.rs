//! Who sends, who runs, who repairs: as applications do, with every retry that they need.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use signals_core::delivery::State;
use signals_core::store::{DeliverySummary, Filter, Retention};
use signals_core::{Error, Result, Signal as _, send_all};
use signals_runtime::{Signals, Tx};
use tokio::sync::watch;

use super::receivers::{Audited, Ordered, Ran, Reminded, registry};
use super::{Ground, Meter, Scene, verdict};
use crate::stage::until_every;

/// How long what a cut worker held is its own. What was claimed by a statement whose answer is lost waits for it.
const LEASE: Duration = Duration::from_secs(2);

/// How long anything may take to be as it must: many stories are told at once.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// How often somebody looks whether it is: each look reads all deliveries, beside the worker on the same processors.
const PAUSE: Duration = Duration::from_millis(20);

/// How often somebody looks whether a connection is back, which takes a moment.
const BREATH: Duration = Duration::from_millis(1);

/// How often anybody begins again: one fault is at most two failures.
const TRIES: u32 = 5;

/// Everything is forgotten at once.
const NOTHING: Retention =
    Retention { done: Duration::ZERO, cancelled: Duration::ZERO, dead: Some(Duration::ZERO), keys: Duration::ZERO };

/// One telling, on a ground of its own.
pub struct Story<G: Ground> {
    pub(super) ground: G,
    meter: Arc<Meter>,
    pub(super) signals: Signals<G::Backend>,
    pub(super) ran: Ran,
}

impl<G: Ground> fmt::Debug for Story<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Story").field("meter", &self.meter).finish_non_exhaustive()
    }
}

impl<G: Ground> Story<G> {
    /// On a database that is migrated, has the business table and nothing else, and whose statements `meter` counts.
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
    pub async fn tell(&self) {
        let registration = self.signals.registry().expect("it is given").registration();
        self.ground.direct().store().register(&registration).await.expect("nobody is in the way");
        self.in_turn("an order under a key", async || self.order_under_a_key(1).await).await;
        self.in_turn("an order", async || self.order(2).await).await;
        self.in_turn("an order that is undone", async || self.undone(3).await).await;
        verdict::undone(self, 3).await;
        self.in_turn("an order with savepoints", async || self.with_savepoints(4).await).await;
        self.in_turn("an order of somebody careless", async || self.careless(5).await).await;
        self.in_turn("reminders", async || self.reminders(6).await).await;
        self.in_turn("an audit", async || self.audit(7).await).await;

        self.meter.enter(Scene::Worker);
        self.work().await;
        verdict::settled(self).await;

        self.meter.enter(Scene::Pruning);
        self.in_turn("a prune", async || self.signals.operate("ops").prune(NOTHING).await.map(drop)).await;
        verdict::forgotten(self).await;
        self.meter.enter(Scene::Over);
        verdict::at_rest(self).await;
    }

    /// One deed after the other, each on a connection that was there before: so its statements have the same numbers in every story.
    async fn in_turn(&self, what: &str, deed: impl AsyncFnMut() -> Result<()>) {
        until_every(BREATH, PATIENCE, "the connections to be back", async || self.ground.is_at_rest()).await;
        again(what, deed).await;
    }

    /// S2: after a commit whose answer is lost, the same again under its key.
    async fn order_under_a_key(&self, number: i64) -> Result<()> {
        let mut tx = self.signals.begin().await?;
        let sent = Ordered { number }.send(&mut tx).idempotency_key(format!("order {number}")).await?;
        if !sent.repeated {
            G::note(&mut tx, "order", number).await?;
        }
        tx.commit().await
    }

    /// Without a key the business row tells whether it happened.
    async fn order(&self, number: i64) -> Result<()> {
        let Some(mut tx) = self.unless_noted("order", number).await? else { return Ok(()) };
        G::note(&mut tx, "order", number).await?;
        Ordered { number }.send(&mut tx).await?;
        tx.commit().await
    }

    async fn undone(&self, number: i64) -> Result<()> {
        let mut tx = self.signals.begin().await?;
        G::note(&mut tx, "order", number).await?;
        Ordered { number }.send(&mut tx).await?;
        tx.rollback().await
    }

    /// S5: one savepoint is rolled back, one kept, and one dropped.
    async fn with_savepoints(&self, number: i64) -> Result<()> {
        let Some(mut tx) = self.unless_noted("order", number).await? else { return Ok(()) };
        G::note(&mut tx, "order", number).await?;
        Ordered { number }.send(&mut tx).await?;
        for (part, kept) in [(number * 10, Some(false)), (number * 10 + 1, Some(true)), (number * 10 + 2, None)] {
            let mut savepoint = tx.savepoint().await?;
            G::note(&mut savepoint, "order", part).await?;
            Ordered { number: part }.send(&mut *savepoint).await?;
            match kept {
                Some(true) => savepoint.release().await?,
                Some(false) => savepoint.rollback().await?,
                None => drop(savepoint),
            }
        }
        tx.commit().await
    }

    /// S4: whoever ignores that a send has failed is told at the commit.
    async fn careless(&self, number: i64) -> Result<()> {
        let Some(mut tx) = self.unless_noted("order", number).await? else { return Ok(()) };
        G::note(&mut tx, "order", number).await?;
        let _ = Ordered { number }.send(&mut tx).await;
        tx.commit().await
    }

    /// Three at once, and one for later.
    async fn reminders(&self, number: i64) -> Result<()> {
        let Some(mut tx) = self.unless_noted("order", number).await? else { return Ok(()) };
        G::note(&mut tx, "order", number).await?;
        let parts = [1, 2, 3].map(|part| Reminded { number: number * 10 + part });
        send_all(&parts, &mut tx).await?;
        Reminded { number: number * 10 + 4 }.send(&mut tx).after(Duration::from_millis(20)).await?;
        tx.commit().await
    }

    async fn audit(&self, number: i64) -> Result<()> {
        let Some(mut tx) = self.unless_noted("order", number).await? else { return Ok(()) };
        G::note(&mut tx, "order", number).await?;
        Audited { number }.send(&mut tx).await?;
        tx.commit().await
    }

    /// A transaction for what has not happened yet.
    async fn unless_noted(&self, what: &'static str, number: i64) -> Result<Option<Tx<G::Backend>>> {
        let mut tx = self.signals.begin().await?;
        if G::is_noted(&mut tx, what, number).await? {
            return tx.rollback().await.map(|()| None);
        }
        Ok(Some(tx))
    }

    /// A worker, while an operator retries what it refused, until everything is done. W13: it goes on by itself; only when it
    /// could not begin does somebody start it again, as a service manager does.
    async fn work(&self) {
        let (done, is_done) = watch::channel(false);
        let worker = again("a worker", async || {
            let worker = self.signals.worker().state(self.ran.clone()).concurrency(4).lease(LEASE);
            let worker = worker.poll(Duration::from_millis(10), Duration::from_millis(50));
            let mut is_done = is_done.clone();
            let stop = async move { is_done.wait_for(|done| *done).await.map_or((), drop) };
            worker.build().expect("it lacks nothing").run_until(stop).await.map(drop)
        });
        tokio::join!(worker, async {
            self.repair().await;
            done.send_replace(true);
        });
    }

    async fn repair(&self) {
        until_every(PAUSE, PATIENCE, "the audit to be refused", async || self.refused().await.is_some()).await;
        again("a retry by hand", async || match self.refused().await {
            Some(refused) => match self.signals.operate("ops").retry(refused.id).await {
                // It has happened since the look, of the retry whose answer was lost.
                Err(Error::WrongState { .. }) => Ok(()),
                retried => retried,
            },
            None => Ok(()), // it happened, although the answer was lost
        })
        .await;
        // What comes by the clock, such as a heartbeat, comes within a lease.
        let linger = Instant::now() + LEASE;
        until_every(PAUSE, PATIENCE, "the fault", async || !self.meter.is_waiting() || Instant::now() > linger).await;
        until_every(PAUSE, PATIENCE, "everything to be done", async || {
            self.deliveries().await.iter().all(|delivery| delivery.state == State::Done)
        })
        .await;
    }

    async fn refused(&self) -> Option<DeliverySummary> {
        self.deliveries().await.into_iter().find(|delivery| delivery.state == State::Dead)
    }

    /// All deliveries, past every fault.
    pub(super) async fn deliveries(&self) -> Vec<DeliverySummary> {
        let filter = Filter { limit: Filter::MOST, ..Filter::default() };
        self.ground.direct().inspect().list(&filter).await.expect("nobody is in the judge's way").deliveries
    }
}

/// Begins `deed` again while that may help: its connection is gone, or a send in it has failed.
async fn again(what: &str, mut deed: impl AsyncFnMut() -> Result<()>) {
    for _ in 0..TRIES {
        match deed().await {
            Ok(()) => return,
            Err(error) if error.is_retryable() || error.is_connection() || matches!(error, Error::SendFailed) => {}
            Err(error) => panic!("{what}: {error}: {error:?}"),
        }
    }
    panic!("{what}: failed {TRIES} times after one fault");
}
