//! What there is to see.

use std::collections::BTreeSet;
use std::fmt;

use signals_core::delivery::{DeliveryId, Lane, ReceiverId};
use signals_core::store::{
    Action, ActionId, Counts, DeliveryDetail, Filter, LaneCounts, Page, ReceiverInfo, Span, Trends, WorkerRecord,
};
use signals_core::{Backend, Result};

use super::names;
use crate::{Signals, defaults};

/// What operators see of a database's deliveries: [`Signals::inspect`]. Each look is bounded, and waits for no writer.
///
/// # Errors
///
/// Every method returns an error when the database cannot be asked.
///
/// # Cancel safety
///
/// Nothing here changes anything.
///
/// # Examples
///
/// ```
/// # use signals_runtime::{MemoryBackend, Signals, delivery::State, store::Filter};
/// # async fn look(signals: &Signals<MemoryBackend>) -> signals_runtime::Result<()> {
/// for lane in signals.inspect().counts().await?.lanes {
///     println!("{}: {} ready, {} dead", lane.receiver, lane.ready, lane.dead); // "10,000+" beyond that
/// }
/// let mut filter = Filter { states: vec![State::Dead], error: Some("time-out".to_owned()), ..Filter::default() };
/// loop {
///     let page = signals.inspect().list(&filter).await?;
///     page.deliveries.iter().for_each(|letter| println!("{} of {}", letter.id, letter.receiver));
///     filter.after = match page.next {
///         Some(next) => Some(next), // also behind an empty page
///         None => break,
///     };
/// }
/// # Ok(())
/// # }
/// ```
pub struct Inspect<'s, B: Backend> {
    signals: &'s Signals<B>,
}

impl<B: Backend> fmt::Debug for Inspect<'_, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inspect").field("backend", &B::NAME).finish_non_exhaustive()
    }
}

impl<'s, B: Backend> Inspect<'s, B> {
    pub(crate) fn new(signals: &'s Signals<B>) -> Self {
        Self { signals }
    }

    /// Counts by lane and state: exact up to 10,000 of a kind, "10,000+" beyond; and how far behind each lane is.
    #[expect(clippy::missing_errors_doc, reason = "said once, at the type")]
    pub async fn counts(&self) -> Result<Counts> {
        self.signals.inner().store.counts().await
    }

    /// What failed and what was done within `span`, receiver by receiver; [`Span::default`] is an hour.
    #[expect(clippy::missing_errors_doc, reason = "said once, at the type")]
    pub async fn trends(&self, span: Span) -> Result<Trends> {
        self.signals.inner().store.trends(&span).await
    }

    /// Deliveries that match, newest signal first, then by receiver, page by page. A page is bounded work, so it may be
    /// short, or empty, though [`Page::next`] says go on. Whatever changes between two pages, none is told twice.
    ///
    /// A signal that nobody sent is none that is unknown: its list is empty.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownReceiver`](crate::Error::UnknownReceiver), with the nearest names, when this database knows no
    /// receiver of the filter's name or alias.
    pub async fn list(&self, filter: &Filter) -> Result<Page> {
        if let Some(receiver) = &filter.receiver {
            names::receiver(&*self.signals.inner().store, receiver).await?;
        }
        self.signals.inner().store.list(filter).await
    }

    /// One delivery with its payload and all its failed attempts.
    #[expect(clippy::missing_errors_doc, reason = "said once, at the type")]
    pub async fn get(&self, delivery: DeliveryId) -> Result<Option<DeliveryDetail>> {
        self.signals.inner().store.get(delivery).await
    }

    /// The receivers that this database knows, paused and retired ones among them.
    #[expect(clippy::missing_errors_doc, reason = "said once, at the type")]
    pub async fn receivers(&self) -> Result<Vec<ReceiverInfo>> {
        self.signals.inner().store.receivers().await
    }

    /// The workers seen within the last minute, with their builds and lanes.
    #[expect(clippy::missing_errors_doc, reason = "said once, at the type")]
    pub async fn workers(&self) -> Result<Vec<WorkerRecord>> {
        self.signals.inner().store.workers(defaults::ALIVE).await
    }

    /// The lanes that hold deliveries nobody runs, and what they wait for: neither this program nor a worker seen within the
    /// last minute knows their receiver and payload version (I12). A paused receiver's are not among them: they wait for
    /// somebody to resume it.
    #[expect(clippy::missing_errors_doc, reason = "said once, at the type")]
    pub async fn parked(&self) -> Result<Vec<Parked>> {
        let known = self.known_lanes().await?;
        let paused: BTreeSet<ReceiverId> = self
            .receivers()
            .await?
            .into_iter()
            .filter(|receiver| receiver.paused)
            .map(|receiver| receiver.id)
            .collect();
        let lanes = self.counts().await?.lanes.into_iter();
        let parked = lanes
            .filter(|lane| lane.has_pending() && !known.contains(&lane.lane) && !paused.contains(&lane.lane.receiver));
        Ok(parked.map(|lane| Parked { waits_for: WaitsFor::of(lane.lane, &known), lane }).collect())
    }

    /// The log of actions, newest first: at most `limit` of those before `before`.
    #[expect(clippy::missing_errors_doc, reason = "said once, at the type")]
    pub async fn actions(&self, before: Option<ActionId>, limit: usize) -> Result<Vec<Action>> {
        self.signals.inner().store.actions(before, limit).await
    }

    /// What this program and the living workers run.
    async fn known_lanes(&self) -> Result<BTreeSet<Lane>> {
        let registry = self.signals.registry()?;
        let mut known = BTreeSet::new();
        for (name, receiver) in self.signals.inner().resolve().await?.ids {
            known.extend(registry.receiver(name).map(|def| Lane { receiver, version: def.signal.version }));
        }
        known.extend(self.workers().await?.into_iter().flat_map(|worker| worker.lanes));
        Ok(known)
    }
}

/// A lane that nobody runs. [`Display`](fmt::Display) says what it waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    /// The lane, with what it holds.
    pub lane: LaneCounts,
    /// What it waits for.
    pub waits_for: WaitsFor,
}

/// What a parked lane waits for: a worker of a build that knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WaitsFor {
    /// Nobody knows the receiver: its build is not running, not deployed yet, or gone.
    Receiver,
    /// The receiver is known, but not in this version of its signal's payload.
    Version {
        /// The versions in which it is known, ascending.
        known: Vec<u32>,
    },
}

impl WaitsFor {
    fn of(lane: Lane, known: &BTreeSet<Lane>) -> Self {
        let known: Vec<u32> =
            known.iter().filter(|known| known.receiver == lane.receiver).map(|known| known.version).collect();
        if known.is_empty() { Self::Receiver } else { Self::Version { known } }
    }
}

impl fmt::Display for Parked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LaneCounts { receiver, lane, .. } = &self.lane;
        let version = lane.version;
        write!(f, "no live worker or linked build knows receiver {receiver} version {version}")?;
        match &self.waits_for {
            WaitsFor::Receiver => Ok(()),
            WaitsFor::Version { known } => {
                let known: Vec<_> = known.iter().map(u32::to_string).collect();
                write!(f, ", only version {}", known.join(", "))
            }
        }
    }
}
