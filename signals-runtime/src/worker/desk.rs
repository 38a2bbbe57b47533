//! Claims that sends make for a worker of their own process: T1 and T2 in one statement, so that the worker holds what was
//! sent the moment it is committed, and starts it without a claim.
//!
//! ```text
//! send ── promise: room in lanes, a token ──► stored as running, in the sender's transaction
//!            │ committed, nothing said since the send ──► table, queue ──► claimer starts it
//!            │ committed, something said since ──► table ──► renewed (T3): what is still there ──► queue
//!            │ committed late, or the worker stops ──► given back (T8)
//!            └ rolled back ──► forgotten
//! ```
//!
//! Nothing is promised to a lane in which something waits to be claimed, nor to one that wants to be looked at: whoever was
//! there before, or comes from another process, is not passed by for long.

use std::mem;
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use signals_core::delivery::Lane;
use signals_core::store::{Claimed, Held, Renewed, SendClaim};
use signals_core::token::Token;
use signals_core::{Error, SignalDef};
use tokio::sync::mpsc;

use super::backoff::{Backoff, passes};
use super::completer::Finish;
use super::shutdown::Phase;
use super::{Engine, RunReceiver};
use crate::telemetry;

/// How old a promise may be that is kept: who paused a receiver, or merged it, waits no longer for the claims before.
const FRESH: Duration = Duration::from_secs(1);

/// How long whoever commits waits until what this worker does not run is given back.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where the sends of a process find its workers.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    workers: RwLock<Vec<Weak<Engine>>>,
}

impl Desk {
    /// From now on sends may claim for this worker.
    pub(super) fn open_for(&self, engine: &Arc<Engine>) {
        let mut workers = self.workers.write().unwrap_or_else(PoisonError::into_inner);
        workers.retain(|worker| worker.strong_count() > 0);
        workers.push(Arc::downgrade(engine));
    }

    /// What a worker promises to take of one send of `signal`; `None` when none has room, and the send claims nothing.
    pub(crate) fn promise(&self, signal: &SignalDef) -> Option<Promise> {
        let workers = self.workers.read().unwrap_or_else(PoisonError::into_inner);
        workers.iter().filter_map(Weak::upgrade).find_map(|engine| Promise::of(engine, signal))
    }
}

/// A worker's promise to take deliveries of one send. Dropped, it is void.
pub(crate) struct Promise {
    engine: Arc<Engine>,
    token: Token,
    made: Instant,
    /// The receivers, by their numbers, in whose queues a place is promised, with their lanes.
    places: Vec<(usize, Lane)>,
    /// What was stored under it.
    claimed: Vec<Claimed>,
    /// Whether something was said in the transaction since: what was stored may be gone.
    doubted: bool,
}

/// A delivery with the number of its receiver, in whose queue a place is promised.
pub(super) type Seated = (usize, Claimed);

impl Promise {
    fn of(engine: Arc<Engine>, signal: &SignalDef) -> Option<Self> {
        if engine.shutdown.phase() > Phase::Run {
            return None;
        }
        let made = Instant::now();
        let places = {
            let mut slots = engine.slots();
            let of = |receiver: &RunReceiver| (receiver.def.signal.name, receiver.def.signal.version);
            let receivers = engine.receivers.iter().enumerate();
            let concerned = receivers.filter(|(_, receiver)| of(receiver) == (signal.name, signal.version));
            concerned.filter_map(|(number, _)| Some((number, slots.promise(number, made)?))).collect::<Vec<_>>()
        };
        if places.is_empty() {
            return None;
        }
        let mut promise =
            Self { engine, token: Token::from_bits(0), made, places, claimed: Vec::new(), doubted: false };
        promise.token = promise.engine.link.draw(promise.lease())?.token;
        Some(promise)
    }

    /// What the send is to claim.
    pub(crate) fn claim(&self) -> SendClaim {
        let lanes = self.places.iter().map(|(_, lane)| *lane).collect();
        SendClaim { token: self.token, lease: self.lease(), lanes }
    }

    /// The send has stored `claimed` under it; `None` when that is nothing.
    pub(crate) fn stored(mut self, claimed: Vec<Claimed>) -> Option<Self> {
        let (kept, void) = mem::take(&mut self.places)
            .into_iter()
            .partition(|(_, lane)| claimed.iter().any(|claimed| claimed.held.lane == *lane));
        self.places = void;
        self.let_go();
        self.places = kept;
        self.claimed = claimed;
        (!self.places.is_empty()).then_some(self)
    }

    /// Something else is said in the transaction.
    pub(crate) fn doubt(&mut self) {
        self.doubted = true;
    }

    /// The transaction has committed, or may have. Whether what was stored is ready for anybody now, instead of the worker's.
    ///
    /// # Cancel safety
    ///
    /// Runs to its end: see [`task::to_completion`](crate::task::to_completion).
    pub(crate) async fn keep(mut self) -> bool {
        if self.made.elapsed() > FRESH.min(self.lease() / 2) || self.engine.shutdown.phase() > Phase::Run {
            self.give_back().await;
            return true;
        }
        let seated = self.seat();
        for (receiver, claimed) in &seated {
            self.engine.table.enter(claimed.held, *receiver, claimed.counters);
        }
        if self.doubted {
            // Nobody listens when the worker is gone, and its keeper with it: the lease runs out.
            let _ = self.engine.doubted.send(seated);
        } else {
            hand_over(&self.engine, seated);
        }
        false
    }

    /// T8 for what this worker does not run after all, and somebody may have committed. Whoever commits waits for it, but not for
    /// long: then the lease runs out.
    pub(crate) async fn give_back(mut self) {
        let held: Vec<Held> = mem::take(&mut self.claimed).iter().map(|claimed| claimed.held).collect();
        let released = tokio::time::timeout(PATIENCE, self.engine.store.release(&held)).await;
        let silence = |_elapsed| Err(Error::Unavailable("the database does not answer".into()));
        if let Err(error) = released.unwrap_or_else(silence) {
            telemetry::store_failed("release", &error, self.lease());
        }
    }

    /// What was stored, each with its place.
    fn seat(&mut self) -> Vec<Seated> {
        let places = &mut self.places;
        let seat = |claimed: Claimed| {
            let at = places.iter().position(|(_, lane)| *lane == claimed.held.lane)?;
            Some((places.swap_remove(at).0, claimed))
        };
        mem::take(&mut self.claimed).into_iter().filter_map(seat).collect()
    }

    fn let_go(&mut self) {
        if !self.places.is_empty() {
            let mut slots = self.engine.slots();
            self.places.drain(..).for_each(|(receiver, _)| slots.let_go(receiver));
            drop(slots);
            self.engine.progress.notify_one();
        }
    }

    fn lease(&self) -> Duration {
        self.engine.config.lease
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        self.let_go();
    }
}

/// Looks which of those are still there about whose transactions something was said behind the send, all that wait at once.
pub(super) async fn look(engine: Arc<Engine>, mut doubted: mpsc::UnboundedReceiver<Vec<Seated>>) {
    while let Some(mut seated) = doubted.recv().await {
        while let Ok(more) = doubted.try_recv() {
            seated.extend(more);
        }
        let answers = renew(&engine, &mut seated).await;
        let (there, gone): (Vec<_>, Vec<_>) =
            seated.into_iter().zip(answers).partition(|(_, answer)| *answer != Renewed::Lost);
        for ((receiver, claimed), _) in gone {
            engine.slots().let_go(receiver);
            engine.settled(&claimed.held);
        }
        hand_over(&engine, there.into_iter().map(|(seated, _)| seated).collect());
    }
}

/// One answer for each of `seated`; all are lost to a database that refuses for good.
async fn renew(engine: &Engine, seated: &mut [Seated]) -> Vec<Renewed> {
    let held: Vec<Held> = seated.iter().map(|(_, claimed)| claimed.held).collect();
    let mut backoff = Backoff::new();
    loop {
        match engine.store.renew(&held, engine.config.lease).await {
            Ok(answers) => return answers,
            // The keeper has them, too, and gives them up when it has to.
            Err(error) if passes(&error) && held.iter().any(|held| engine.table.holds(held)) => {
                let pause = backoff.next();
                telemetry::store_failed("renew", &error, pause);
                tokio::time::sleep(pause).await;
            }
            Err(error) => {
                telemetry::store_failed("renew", &error, engine.config.lease);
                return vec![Renewed::Lost; held.len()];
            }
        }
    }
}

/// Queues what is this worker's now. What has no place any more is given back: everything else is busy by now, or the worker
/// stops.
fn hand_over(engine: &Engine, seated: Vec<Seated>) {
    let (mut kept, mut left) = (Vec::new(), Vec::new());
    {
        let (mut slots, now) = (engine.slots(), Instant::now());
        for (receiver, claimed) in seated {
            let held = claimed.held;
            if slots.keep(receiver, claimed, now) { kept.push(held) } else { left.push(held) }
        }
    }
    engine.store.passed(&kept);
    engine.handed_over.notify_one();
    for held in left {
        if engine.table.finish(&held) {
            engine.complete(Finish::Release(held));
        }
    }
}
