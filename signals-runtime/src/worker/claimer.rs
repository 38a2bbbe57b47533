//! Claims what is due and starts it: the only part that knows slots and lanes.
//!
//! ```text
//! hints, polls ──► hope ──► wanted ──► claim ──► queues by lane ──► start in turns ──► executor
//!                             ▲                                                          │
//!                             └──────────────── a slot is free ◄─────────────────────────┘
//! ```

mod drain;

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, MutexGuard};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use signals_core::delivery::Lane;
use signals_core::store::{Claim, Claims};
use signals_core::{BoxFuture, Result};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::backoff::Backoff;
use super::completer::Finish;
use super::rate::Rate;
use super::shutdown::Phase;
use super::slots::{Slots, Wanted};
use super::{Engine, executor};
use crate::{defaults, task, telemetry};

/// How long a worker that stops waits for a claim that is under way.
const LAST_CLAIM: Duration = Duration::from_secs(2);

/// How long a cancelled attempt has to let go.
const HEED: Duration = Duration::from_secs(2);

/// The part itself. Runs until the worker stops, or until nothing is due when it drains.
pub(crate) struct Claimer {
    engine: Arc<Engine>,
    lanes: watch::Receiver<Vec<Option<Lane>>>,
    /// The commits of this process: the soonest hint there is.
    commits: watch::Receiver<u64>,
    tasks: JoinSet<()>,
    free: mpsc::UnboundedSender<usize>,
    freed: mpsc::UnboundedReceiver<usize>,
    lately: Rate,
    backoff: Backoff,
    refused_until: Option<Instant>,
}

/// A claim that is under way.
struct UnderWay {
    wanted: Wanted,
    claims: BoxFuture<'static, Result<Claims>>,
}

/// Gives its slot back, whatever becomes of the task.
struct SlotGuard {
    free: mpsc::UnboundedSender<usize>,
    receiver: usize,
}

impl Drop for SlotGuard {
    fn drop(&mut self) {
        // The claimer is gone when nobody listens.
        let _ = self.free.send(self.receiver);
    }
}

impl Claimer {
    pub(crate) fn new(engine: Arc<Engine>, lanes: watch::Receiver<Vec<Option<Lane>>>) -> Self {
        let (free, freed) = mpsc::unbounded_channel();
        let mut claimer = Self {
            lanes,
            commits: engine.app.commits(),
            tasks: JoinSet::new(),
            free,
            freed,
            lately: Rate::over(Duration::from_secs(1)),
            backoff: Backoff::new(),
            refused_until: None,
            engine,
        };
        claimer.learn_lanes();
        claimer
    }

    /// Claims and runs until the worker stops, then waits for what runs. What the database refuses it asks for again.
    pub(crate) async fn run(mut self) -> Result<()> {
        let mut under_way: Option<UnderWay> = None;
        let engine = self.engine.clone();
        let stop = engine.shutdown.reached(Phase::Stop);
        tokio::pin!(stop);
        let mut next_poll = Instant::now();
        loop {
            self.start_queued();
            if under_way.is_none() {
                under_way = self.claim();
            }
            // However many events come in between, the poll comes when it is due: an expired lease gives no hint.
            next_poll = next_poll.min(Instant::now() + self.poll_interval());
            tokio::select! {
                biased;
                () = &mut stop => break,
                // Before what was freed: a claim goes on only when it is asked, and may hold a lock meanwhile.
                claims = async { under_way.as_mut().expect("checked").claims.as_mut().await }, if under_way.is_some() => {
                    let UnderWay { wanted, .. } = under_way.take().expect("it has just resolved");
                    self.claimed(&wanted, claims);
                }
                Some(receiver) = self.freed.recv() => self.freed(receiver),
                () = tokio::time::sleep_until(next_poll.into()) => {
                    self.slots().hope(Instant::now());
                    next_poll = Instant::now() + self.poll_interval();
                }
                Ok(()) = self.commits.changed() => self.slots().hope(Instant::now()),
                () = engine.handed_over.notified() => {}
                () = engine.wake.notified() => self.slots().hope(Instant::now()),
                _ = self.lanes.changed() => self.learn_lanes(),
                () = engine.link.connection(), if engine.link.incarnation().is_none() => self.slots().hope(Instant::now()),
                Some(_) = self.tasks.join_next(), if !self.tasks.is_empty() => {}
            }
        }
        self.await_last_claim(under_way).await;
        self.wind_down().await;
        Ok(())
    }

    /// Queues what a claim took that was under way when the worker stopped.
    async fn await_last_claim(&mut self, under_way: Option<UnderWay>) {
        let Some(UnderWay { wanted, claims }) = under_way else { return };
        // What it takes is in the table even if this is too late to see it, and the keeper gives it back.
        if let Ok(claims) = tokio::time::timeout(LAST_CLAIM, claims).await {
            self.claimed(&wanted, claims);
        }
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.engine.slots()
    }

    fn claim(&mut self) -> Option<UnderWay> {
        if self.refused_until.is_some_and(|until| Instant::now() < until) || self.engine.link.incarnation().is_none() {
            return None;
        }
        let wanted = self.slots().wanted(Instant::now())?;
        let Some(claims) = self.claim_for(&wanted) else {
            self.slots().hope(Instant::now());
            return None;
        };
        Some(UnderWay { wanted, claims })
    }

    /// A claim on its way; `None` without a connection. It enters what it takes into the table itself, and reaches its
    /// end even when nobody waits for it any more: nothing is claimed that the keeper does not know of.
    fn claim_for(&self, wanted: &Wanted) -> Option<BoxFuture<'static, Result<Claims>>> {
        let engine = self.engine.clone();
        let right = engine.link.draw(engine.config.lease)?;
        let claim = Claim {
            token: right.token,
            lease: engine.config.lease,
            lanes: wanted.lanes.clone(),
            limit: wanted.limit,
            steal: right.steal,
            suspect: !engine.table.holds_suspect(),
        };
        let receivers: HashMap<Lane, usize> =
            wanted.lanes.iter().filter_map(|asked| Some((asked.lane, wanted.receiver_of(asked.lane)?))).collect();
        let work = async move {
            let claims = engine.store.claim(&claim).await?;
            for claimed in &claims.claimed {
                if let Some(receiver) = receivers.get(&claimed.held.lane) {
                    engine.table.enter(claimed.held, *receiver, claimed.counters);
                }
            }
            if engine.shutdown.phase() >= Phase::Done {
                // The keeper has left already.
                let held: Vec<_> = claims.claimed.iter().map(|claimed| claimed.held).collect();
                engine.store.release(&held).await?;
            }
            Ok(claims)
        };
        Some(Box::pin(task::to_completion(work)))
    }

    fn claimed(&mut self, wanted: &Wanted, claims: Result<Claims>) {
        match claims {
            Ok(Claims { claimed, lost }) => {
                self.backoff.reset();
                self.refused_until = None;
                for lost in &lost {
                    telemetry::lost_lease(lost);
                    self.engine.tally.lost(lost);
                }
                self.lately.count(Instant::now(), claimed.len());
                self.slots().claimed(wanted, claimed);
            }
            Err(error) => {
                let pause = self.backoff.next();
                telemetry::store_failed("claim", &error, pause);
                self.refused_until = Some(Instant::now() + pause);
                self.slots().hope(Instant::now());
            }
        }
    }

    fn start_queued(&mut self) {
        loop {
            let next = self.slots().start_next();
            let Some((receiver, claimed)) = next else { break };
            let guard = SlotGuard { free: self.free.clone(), receiver };
            if !self.engine.table.holds(&claimed.held) {
                telemetry::attempt_abandoned(self.engine.receivers[receiver].def.name, &claimed.held);
                continue;
            }
            let engine = self.engine.clone();
            self.tasks.spawn(async move {
                let _slot = guard;
                let held = claimed.held;
                let attempt = executor::execute(engine.clone(), receiver, claimed);
                if AssertUnwindSafe(attempt).catch_unwind().await.is_err() && !engine.table.is_running(&held) {
                    // A backend or a drop panicked. What runs is failed by the keeper at its deadline; anything else would
                    // be renewed for ever: its lease runs out instead.
                    engine.settled(&held);
                }
            });
        }
    }

    fn freed(&mut self, receiver: usize) {
        let now = Instant::now();
        let mut slots = self.engine.slots();
        slots.finished(receiver, now);
        while let Ok(receiver) = self.freed.try_recv() {
            slots.finished(receiver, now);
        }
        drop(slots);
        // Here rather than one by one in the loop, which would go round for each of them.
        while self.tasks.try_join_next().is_some() {}
    }

    fn learn_lanes(&mut self) {
        let mut slots = self.engine.slots();
        for (receiver, lane) in self.lanes.borrow_and_update().iter().enumerate() {
            slots.set_lane(receiver, *lane);
        }
        slots.hope(Instant::now());
    }

    fn poll_interval(&mut self) -> Duration {
        let busy = self.lately.per_window(Instant::now()) > defaults::BUSY_CLAIMS;
        let config = &self.engine.config;
        if busy { config.poll_busy } else { config.poll_idle }
    }

    /// Gives back what has not started, and waits for what has: it ends by itself, or is cancelled when the grace is over,
    /// or is dropped when it does not heed that.
    async fn wind_down(mut self) {
        let queued = self.slots().close();
        for claimed in queued {
            if self.engine.table.finish(&claimed.held) {
                self.engine.complete(Finish::Release(claimed.held));
            }
        }
        let engine = self.engine.clone();
        let now = async {
            engine.shutdown.reached(Phase::Now).await;
            engine.table.cancel_running();
            tokio::time::sleep(HEED).await;
        };
        tokio::pin!(now);
        let mut dropped = false;
        while !self.tasks.is_empty() {
            tokio::select! {
                _ = self.tasks.join_next() => {}
                () = &mut now, if !dropped => {
                    dropped = true;
                    self.tasks.abort_all();
                }
            }
        }
    }
}
