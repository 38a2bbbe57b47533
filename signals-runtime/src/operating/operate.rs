//! What can be done.

use std::fmt;

use signals_core::delivery::DeliveryId;
use signals_core::store::{Acting, Filter, Retention, Switch, Verb};
use signals_core::{Backend, Result};

use super::again::again;
use super::bulk::{self, Bulk};
use super::names;
use super::prune::Prune;
use super::retire::{Pending, Retire};
use crate::Signals;

/// What operators do, in somebody's name: [`Signals::operate`]. Each thing done leaves a line in the log of actions, written in
/// the transaction that did it: [`Inspect::actions`](super::Inspect::actions).
///
/// # Errors
///
/// Every method returns an error when the database cannot be reached or refuses.
///
/// # Cancel safety
///
/// What concerns one delivery or one receiver is one transaction: dropped before it answers, it has happened or it has not.
/// What concerns many is one transaction for each batch: dropped, the batches before stay, and calling it again does the rest.
///
/// # Examples
///
/// All dead letters of one receiver, after its mistake was repaired:
///
/// ```
/// # use signals_runtime::{MemoryBackend, Signals, delivery::State, store::Filter};
/// # async fn redrive(signals: &Signals<MemoryBackend>) -> signals_runtime::Result<()> {
/// let ops = signals.operate("ada");
/// let receiver = Some("receipts.receivers.mail_receipt".to_owned());
/// let dead = Filter { states: vec![State::Dead], receiver, ..Filter::default() };
///
/// let would = ops.retry_all(dead.clone()).dry_run().await?;
/// println!("{} dead letters match", would.matched);
/// let did = ops.retry_all(dead).on_progress(|so_far| eprintln!("{} so far", so_far.changed)).await?;
/// println!("{} are ready again", did.changed);
/// # Ok(())
/// # }
/// ```
pub struct Operate<'s, B: Backend> {
    signals: &'s Signals<B>,
    actor: String,
}

impl<B: Backend> fmt::Debug for Operate<'_, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operate").field("backend", &B::NAME).field("actor", &self.actor).finish_non_exhaustive()
    }
}

impl<'s, B: Backend> Operate<'s, B> {
    pub(crate) fn new(signals: &'s Signals<B>, actor: String) -> Self {
        Self { signals, actor }
    }

    /// Runs a dead or cancelled delivery again, from zero (T11). Not one that stayed behind when its receiver was merged into
    /// another: of two deliveries of one signal, that of the receiver that took over counts (I15).
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`](crate::Error::NotFound); [`Error::WrongState`](crate::Error::WrongState) when it is neither
    /// dead nor cancelled; [`Error::Merged`](crate::Error::Merged) when a merge left it behind.
    pub async fn retry(&self, delivery: DeliveryId) -> Result<()> {
        self.decide(delivery, Verb::Retry).await?;
        self.signals.inner().wake();
        Ok(())
    }

    /// Cancels a delivery, whoever runs it (T10).
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`](crate::Error::NotFound), or [`Error::WrongState`](crate::Error::WrongState) when it is settled
    /// already.
    pub async fn cancel(&self, delivery: DeliveryId) -> Result<()> {
        self.decide(delivery, Verb::Cancel).await
    }

    /// Makes a dead letter of a delivery by hand, whoever runs it (T10).
    ///
    /// # Errors
    ///
    /// As [`cancel`](Self::cancel).
    pub async fn discard(&self, delivery: DeliveryId) -> Result<()> {
        self.decide(delivery, Verb::Discard).await
    }

    async fn decide(&self, delivery: DeliveryId, verb: Verb) -> Result<()> {
        names::actor(&self.actor)?;
        let subject = delivery.to_string();
        let acting = Acting { actor: &self.actor, subject: &subject, continues: None };
        let decided = bulk::decide(&*self.signals.inner().store, verb, &[delivery], &acting).await?;
        decided.verdicts.into_iter().try_for_each(|verdict| verdict.into_result(delivery, verb))
    }

    /// [`retry`](Self::retry) of all dead and cancelled deliveries that match.
    pub fn retry_all(&self, filter: Filter) -> Bulk<'_> {
        self.bulk(Verb::Retry, filter)
    }

    /// [`cancel`](Self::cancel) of all ready and running deliveries that match.
    pub fn cancel_all(&self, filter: Filter) -> Bulk<'_> {
        self.bulk(Verb::Cancel, filter)
    }

    /// [`discard`](Self::discard) of all ready and running deliveries that match.
    pub fn discard_all(&self, filter: Filter) -> Bulk<'_> {
        self.bulk(Verb::Discard, filter)
    }

    fn bulk(&self, verb: Verb, filter: Filter) -> Bulk<'_> {
        let inner = self.signals.inner();
        Bulk::new(inner.store.clone(), verb, filter, self.actor.clone()).then(|| inner.wake())
    }

    /// Stops claims of a receiver's deliveries in all workers, within a second. Sends still reach it. Answers whether that
    /// changed anything.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownReceiver`](crate::Error::UnknownReceiver), with the nearest names, when this database knows no
    /// receiver of that name or alias.
    pub async fn pause(&self, receiver: &str) -> Result<bool> {
        self.switch(receiver, Switch::Pause).await
    }

    /// Resumes what [`pause`](Self::pause) stopped.
    ///
    /// # Errors
    ///
    /// As [`pause`](Self::pause).
    pub async fn resume(&self, receiver: &str) -> Result<bool> {
        let changed = self.switch(receiver, Switch::Resume).await?;
        self.signals.inner().wake();
        Ok(changed)
    }

    /// Retires a receiver: from now on sends pass it by, also of programs that link it. What is pending for it is kept, and
    /// run, or cancelled. [`restore`](Self::restore) is the way back.
    pub fn retire(&self, receiver: impl Into<String>, pending: Pending) -> Retire<'_> {
        Retire::new(self.signals.inner().store.clone(), receiver.into(), pending, self.actor.clone())
    }

    /// Brings a retired receiver back: sends reach it again. What it missed meanwhile stays missed, and what was cancelled
    /// with it can be [retried](Self::retry_all).
    ///
    /// # Errors
    ///
    /// As [`pause`](Self::pause).
    pub async fn restore(&self, receiver: &str) -> Result<bool> {
        self.switch(receiver, Switch::Restore).await
    }

    async fn switch(&self, receiver: &str, switch: Switch) -> Result<bool> {
        names::actor(&self.actor)?;
        let store = &self.signals.inner().store;
        let receiver = names::receiver(&**store, receiver).await?.id;
        again(|| store.switch(receiver, switch, &self.actor)).await
    }

    /// Forgets what is settled and older than `retention` says, before the workers would (T12).
    pub fn prune(&self, retention: Retention) -> Prune<'_> {
        Prune::new(self.signals.inner().store.clone(), retention, self.actor.clone())
    }
}
