//! A worker that does nothing by itself: what the testing kit runs receivers with, one attempt at a time.
//!
//! ```text
//! kit ── claim ──► ByHand ── attempt ──► executor ── outcome ──► stored, or lost on purpose
//! ```
//!
//! Executor, table and the store are those of every worker. What is missing is what would act while the test looks away:
//! the claimer's polls, the keeper with its renewals, maintenance. Nobody needs them while the database's clock stands still.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};

use signals_core::clock::Timestamp;
use signals_core::delivery::{Lane, ReceiverId};
use signals_core::store::{self, Acked, ClaimLane, Claimed, Claims, Failed, Finished, Held, LostLease, Snoozed};
use signals_core::{BoxFuture, Error, Result};
use tokio::sync::{Notify, mpsc};

use super::completer::{self, Finish};
use super::{Engine, Plan, RunReceiver, executor};
use crate::defaults;
use crate::tx::{LentTx, Transactions};

/// The worker.
pub(crate) struct ByHand {
    engine: Arc<Engine>,
    outcomes: mpsc::UnboundedReceiver<Finish>,
    cut: Arc<Cut>,
    /// The lane of each receiver of the plan. Nobody else registers in a test's database, so they stay.
    lanes: Vec<Option<Lane>>,
    /// What a claim asks for, in the order of its turns.
    turns: VecDeque<ClaimLane>,
}

/// A delivery that this worker holds.
pub(crate) struct Claim {
    /// The number of its receiver in the worker's plan.
    pub(crate) receiver: usize,
    pub(crate) claimed: Claimed,
}

/// What came of an attempt.
#[derive(Debug)]
pub(crate) enum Outcome {
    Done,
    Failed(Failed),
    Snoozed(Snoozed),
    /// Given back: the worker, not the receiver, is why it came to nothing.
    Released,
    /// The receiver ran, and the database refused what came of it: somebody else holds the delivery. With its error, if it
    /// failed.
    Refused(Option<String>),
    /// The receiver ran, and what came of it was lost on purpose. With its error, if it failed.
    Lost(Option<String>),
}

impl ByHand {
    /// A worker of its own incarnation.
    ///
    /// # Errors
    ///
    /// Returns an error when the receivers are not registered, or the database refuses.
    pub(crate) async fn enlist(mut plan: Plan) -> Result<Self> {
        let cut = Arc::new(Cut::new(plan.transactions));
        plan.transactions = cut.clone();
        let (sender, outcomes) = mpsc::unbounded_channel();
        // It takes no sends' claims: nobody hears of doubts.
        let (doubted, _) = mpsc::unbounded_channel();
        let engine = Arc::new(Engine::new(plan, sender, doubted));
        engine.learn_lanes().await?.check()?;
        let lanes = engine.lanes();
        let turns = lanes.iter().flatten().map(|lane| ClaimLane { lane: *lane, limit: 1 }).collect();
        let mut worker = Self { engine, outcomes, cut, lanes, turns };
        worker.enlist_anew().await?;
        Ok(worker)
    }

    /// Goes on as another worker would in its place: what it holds is nobody's until its lease is over.
    pub(crate) async fn enlist_anew(&mut self) -> Result<()> {
        for held in self.engine.table.all() {
            self.engine.table.remove(&held);
        }
        let incarnation = self.engine.store.enlist(&self.engine.worker_info()).await?;
        self.engine.link.connected(incarnation);
        Ok(())
    }

    /// The lane of a receiver of the plan, as far as the database knows it.
    pub(crate) fn lane(&self, receiver: usize) -> Option<Lane> {
        self.lanes.get(receiver).copied().flatten()
    }

    /// The number of a receiver in the plan.
    pub(crate) fn receiver(&self, id: ReceiverId) -> Option<usize> {
        self.lanes.iter().position(|lane| lane.is_some_and(|lane| lane.receiver == id))
    }

    /// As the worker runs it: with its time-out.
    pub(crate) fn runs(&self, receiver: usize) -> &RunReceiver {
        &self.engine.receivers[receiver]
    }

    /// All lanes that this worker runs.
    pub(crate) fn lanes(&self) -> Vec<Lane> {
        self.lanes.iter().flatten().copied().collect()
    }

    /// Whether this worker runs that lane.
    pub(crate) fn knows(&self, lane: Lane) -> bool {
        self.lanes.contains(&Some(lane))
    }

    /// Claims one delivery of any lane that is due, or whose lease is over. All lanes have their turn.
    pub(crate) async fn claim(&mut self) -> Result<(Option<Claim>, Vec<LostLease>)> {
        if self.turns.is_empty() {
            return Ok((None, Vec::new()));
        }
        let wanted = self.turns.make_contiguous().to_vec();
        let mut claims = self.engine.store.claim(&self.ask(wanted)?).await?;
        let claim = self.took(&mut claims);
        if let Some(claim) = &claim
            && let Some(turn) = self.turns.iter().position(|turn| turn.lane == claim.claimed.held.lane)
        {
            self.turns.rotate_left(turn + 1);
        }
        Ok((claim, claims.lost))
    }

    /// What asks for one delivery of any of `lanes`.
    pub(crate) fn ask(&self, lanes: Vec<ClaimLane>) -> Result<store::Claim> {
        let lease = self.engine.config.lease;
        let right = self.engine.link.draw(lease);
        let token = right.ok_or_else(|| Error::Unavailable("the worker's tokens are used up".into()))?.token;
        Ok(store::Claim { token, lease, lanes, limit: 1, steal: true, suspect: true })
    }

    /// The delivery that was claimed, if one was.
    pub(crate) fn took(&self, claims: &mut Claims) -> Option<Claim> {
        let claimed = claims.claimed.pop()?;
        let receiver = self.lanes.iter().position(|lane| *lane == Some(claimed.held.lane))?;
        Some(Claim { receiver, claimed })
    }

    /// Moves what became due where it can be claimed; how many, and when the next one is.
    pub(crate) async fn promote(&self) -> Result<(usize, Option<Timestamp>)> {
        let promoted = self.engine.store.promote(defaults::PROMOTE_BATCH).await?;
        Ok((promoted.moved, promoted.next_due))
    }

    /// Runs one attempt to its end and stores what came of it, or loses that when `lose` says so.
    ///
    /// # Errors
    ///
    /// Returns an error when the database takes no outcome. The delivery is held until its lease is over.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it is a worker that died: nothing is acknowledged, and the lease runs out.
    pub(crate) async fn attempt(&mut self, claim: Claim, lose: bool) -> Result<Outcome> {
        let Claim { receiver, claimed } = claim;
        let held = claimed.held;
        self.engine.table.enter(held, receiver, claimed.counters);
        self.cut.arm(lose);
        tokio::select! {
            biased;
            () = self.cut.made() => {}
            () = executor::execute(self.engine.clone(), receiver, claimed) => {}
        }
        let outcome = match (self.outcomes.try_recv(), lose) {
            (Ok(finish), true) => Ok(Outcome::Lost(error_of(&finish))),
            (Ok(finish), false) => self.store(finish).await,
            (Err(_), true) => Ok(Outcome::Lost(None)),
            (Err(_), false) => self.cut.acknowledged(),
        };
        if lose || outcome.is_err() {
            // Whatever is stored has left the table.
            self.engine.table.remove(&held);
        }
        outcome
    }

    /// Gives a delivery back that was not started: it is ready again.
    pub(crate) async fn release(&self, held: Held) -> Result<()> {
        self.engine.store.release(&[held]).await.map(drop)
    }

    async fn store(&self, finish: Finish) -> Result<Outcome> {
        let refused = Outcome::Refused(error_of(&finish));
        let (finished, outcome) = match finish {
            Finish::Ack(acked) => (self.put(acked).await?, Outcome::Done),
            Finish::Fail(failed) => (self.put(failed.clone()).await?, Outcome::Failed(failed)),
            Finish::Snooze(snoozed) => (self.put(snoozed).await?, Outcome::Snoozed(snoozed)),
            Finish::Release(held) => (self.put(held).await?, Outcome::Released),
        };
        Ok(if finished == Finished::Done { outcome } else { refused })
    }

    async fn put<T: completer::Outcome>(&self, outcome: T) -> Result<Finished> {
        let batch = [outcome];
        let answers = T::store(self.engine.store.as_ref(), &batch).await?;
        completer::tell(&self.engine, &batch, &answers);
        answers.first().copied().ok_or_else(|| Error::Database("the store gave no answer".into()))
    }
}

fn error_of(finish: &Finish) -> Option<String> {
    match finish {
        Finish::Fail(failed) => Some(failed.error.clone()),
        Finish::Ack(_) | Finish::Snooze(_) | Finish::Release(_) => None,
    }
}

/// Lends transactions, hears what becomes of their acknowledgement, and loses them before it when it is told to.
struct Cut {
    inner: Arc<dyn Transactions>,
    state: Mutex<State>,
    made: Notify,
}

#[derive(Default)]
struct State {
    lose: bool,
    /// What the database said to the last acknowledgement.
    answer: Option<Answer>,
}

#[derive(Clone, Copy)]
enum Answer {
    Done,
    Stale,
    Unknown,
}

impl Cut {
    fn new(inner: Arc<dyn Transactions>) -> Self {
        Self { inner, state: Mutex::default(), made: Notify::new() }
    }

    fn arm(&self, lose: bool) {
        self.with(|state| *state = State { lose, answer: None });
    }

    /// Resolves when a transaction was lost instead of ended.
    async fn made(&self) {
        self.made.notified().await;
    }

    fn acknowledged(&self) -> Result<Outcome> {
        match self.with(|state| state.answer) {
            Some(Answer::Done) => Ok(Outcome::Done),
            Some(Answer::Stale) => Ok(Outcome::Refused(None)),
            Some(Answer::Unknown) => Err(Error::Unavailable("nobody knows whether the commit happened".into())),
            None => Err(Error::Unavailable("the attempt was given up before it began".into())),
        }
    }

    fn with<T>(&self, then: impl FnOnce(&mut State) -> T) -> T {
        then(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Transactions for Cut {
    fn begin(self: Arc<Self>) -> BoxFuture<'static, Result<Box<dyn LentTx>>> {
        Box::pin(async move {
            let tx = self.inner.clone().begin().await?;
            Ok(Box::new(Watched { tx, cut: self }) as Box<dyn LentTx>)
        })
    }
}

struct Watched {
    tx: Box<dyn LentTx>,
    cut: Arc<Cut>,
}

impl Watched {
    /// Where a worker dies that was to end this transaction: it rolls back, and nobody goes on from here.
    async fn survive(self) -> (Box<dyn LentTx>, Arc<Cut>) {
        let Self { tx, cut } = self;
        if cut.with(|state| state.lose) {
            drop(tx);
            cut.made.notify_one();
            pending::<()>().await;
            unreachable!("the worker is dead");
        }
        (tx, cut)
    }
}

impl LentTx for Watched {
    fn slot(&self) -> Arc<dyn std::any::Any + Send + Sync> {
        self.tx.slot()
    }

    fn ack(self: Box<Self>, acked: Acked) -> BoxFuture<'static, Result<()>> {
        Box::pin(async move {
            let (tx, cut) = self.survive().await;
            let answer = tx.ack(acked).await;
            let heard = match &answer {
                Ok(()) => Some(Answer::Done),
                Err(Error::Stale { .. }) => Some(Answer::Stale),
                Err(Error::CommitUnknown(_)) => Some(Answer::Unknown),
                Err(_) => None,
            };
            cut.with(|state| state.answer = heard);
            answer
        })
    }

    fn rollback(self: Box<Self>) -> BoxFuture<'static, Result<()>> {
        self.tx.rollback()
    }
}
