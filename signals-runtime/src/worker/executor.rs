//! One attempt: build its context, run the receiver within its time-out and apart from its panics, decide the outcome.
//!
//! ```text
//! claimer ── spawn ──► execute ── Queued → Running ── receiver ── Running → Finishing ──► completer
//!                                                   │
//!                       keeper: lease lost, overdue ┴─► cancelled: the outcome is no longer ours to decide
//! ```

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use signals_core::delivery::{Counters, MAX_REFUNDS};
use signals_core::outcome::{self, Verdict};
use signals_core::retry::{Decision, full_jitter};
use signals_core::store::{Acked, AttemptOutcome, Claimed, DeathReason, Failed, Fate, Held, Snoozed};
use signals_core::{Body, Context, Delivery, Error, MAX_DELAY, RunError};

use super::backoff::{Backoff, passes};
use super::completer::Finish;
use super::shutdown::Phase;
use super::{Engine, RunReceiver, blocking};
use crate::extract::{AttemptScope, CancelReason};
use crate::lineage::Cause;
use crate::tx::LentTx;
use crate::{broken, telemetry};

/// How long a delivery waits whose attempt came to nothing because its worker lacked a connection or a thread.
const HINDERED: Duration = Duration::from_secs(1);

/// How an attempt ended.
enum Ended {
    Ok,
    Failed(RunError),
    Panicked(String),
    TimedOut,
    Cancelled(CancelReason),
    /// The worker, not the receiver, is the reason that it came to nothing.
    Hindered(Error),
}

/// Runs one attempt to its end and hands its outcome to the completer. Resolves when its slot is free.
pub(crate) async fn execute(engine: Arc<Engine>, receiver: usize, claimed: Claimed) {
    let runs = &engine.receivers[receiver];
    let held = claimed.held;
    if let Some(failed) = refused(runs, &engine, &claimed) {
        if engine.table.finish(&held) {
            engine.complete(Finish::Fail(failed));
        }
        return;
    }
    if runs.transactional {
        // Boxed, so that the task of every plain attempt is not as large as this one's.
        Box::pin(transactional(&engine, receiver, claimed)).await;
    } else {
        plain(&engine, receiver, claimed).await;
    }
}

/// What is dead before it starts: more attempts than allowed (after unrefunded snoozes, or a lowered limit), or a payload
/// that is too large to be looked at.
fn refused(runs: &RunReceiver, engine: &Engine, claimed: &Claimed) -> Option<Failed> {
    let dead = |outcome, error: String, reason| Failed {
        held: claimed.held,
        outcome,
        error,
        ran: Duration::ZERO,
        fate: Fate::Dead(reason),
    };
    let policy = runs.def.options.retry;
    if !policy.allows(claimed.counters.attempt) {
        let max = policy.max_attempts;
        let error = format!("all of its {max} attempts were used");
        return Some(dead(AttemptOutcome::Error, error, DeathReason::Exhausted));
    }
    let (bytes, limit) = (claimed.signal.payload.len(), engine.payload_limit);
    if bytes > limit {
        let error = format!("the payload has {bytes} bytes, more than this worker's limit of {limit}");
        return Some(dead(AttemptOutcome::Undecodable, error, DeathReason::Undecodable));
    }
    None
}

async fn plain(engine: &Arc<Engine>, receiver: usize, claimed: Claimed) {
    let runs = &engine.receivers[receiver];
    let held = claimed.held;
    let attempt = Attempt::new(engine, runs, &claimed, None);
    if !attempt.start(engine, runs, &held) {
        return telemetry::attempt_abandoned(runs.def.name, &held);
    }
    let counters = claimed.counters;
    if broken::ack_before_run() && engine.table.finish(&held) {
        engine.complete(Finish::Ack(Acked { held, ran: Duration::ZERO, keep: engine.keep_history }));
    }
    let (ended, thread) = attempt.run(runs, claimed).await;
    let ran = attempt.began.elapsed();
    if engine.table.finish(&held) {
        engine.complete(decide(runs, held, counters, ran, ended, engine.keep_history));
    } else {
        telemetry::attempt_abandoned(runs.def.name, &held);
    }
    if let Some(thread) = thread {
        // A blocking receiver keeps its slot until it returns (W11), or until the worker stops without it.
        tokio::select! {
            _ = thread => {}
            () = engine.shutdown.reached(Phase::Now) => {}
        }
    }
}

async fn transactional(engine: &Arc<Engine>, receiver: usize, claimed: Claimed) {
    let runs = &engine.receivers[receiver];
    let (held, counters) = (claimed.held, claimed.counters);
    let Some(tx) = begin(engine, runs, &held, counters).await else { return };
    let attempt = Attempt::new(engine, runs, &claimed, Some(tx.slot()));
    if !attempt.start(engine, runs, &held) {
        telemetry::attempt_abandoned(runs.def.name, &held);
        // Its connection is at fault when this fails, and the database rolls back by itself.
        let _ = tx.rollback().await;
        return;
    }
    let (ended, _) = attempt.run(runs, claimed).await;
    let ran = attempt.began.elapsed();
    if !engine.table.finish(&held) {
        let _ = tx.rollback().await;
        return telemetry::attempt_abandoned(runs.def.name, &held);
    }
    if !matches!(ended, Ended::Ok) {
        let _ = tx.rollback().await;
        return engine.complete(decide(runs, held, counters, ran, ended, false));
    }
    match tx.ack(Acked { held, ran, keep: engine.keep_history }).await {
        Ok(()) => {
            engine.tally.done();
            telemetry::stored(runs.def.name, &held, "ack");
            engine.settled(&held);
        }
        Err(Error::Stale { .. }) => {
            engine.tally.stale();
            telemetry::stale(runs.def.name, &held, "ack");
            engine.settled(&held);
        }
        Err(error @ Error::CommitUnknown(_)) => {
            // If it was committed nothing is left to do; if not, the lease runs out and the delivery runs again.
            telemetry::gave_up("ack", &held, &error);
            engine.settled(&held);
        }
        Err(error) => {
            let ended =
                if passes(&error) { Ended::Hindered(error) } else { Ended::Failed(RunError::Failed(error.into())) };
            engine.complete(decide(runs, held, counters, ran, ended, false));
        }
    }
}

/// Begins the transaction of an attempt, however long the database cannot: its trouble is not the delivery's. `None` when
/// the lease is lost or the worker stops meanwhile, or when the database refuses for good, which is a failed attempt.
async fn begin(engine: &Arc<Engine>, runs: &RunReceiver, held: &Held, counters: Counters) -> Option<Box<dyn LentTx>> {
    let mut backoff = Backoff::new();
    loop {
        let begun = tokio::select! {
            begun = engine.transactions.clone().begin() => Some(begun),
            () = engine.shutdown.reached(Phase::Now) => None,
        };
        let stopping = engine.shutdown.phase() > Phase::Run;
        match begun {
            Some(Ok(tx)) => return Some(tx),
            Some(Err(error)) if !passes(&error) => {
                if engine.table.finish(held) {
                    let ended = Ended::Failed(RunError::Failed(error.into()));
                    engine.complete(decide(runs, *held, counters, Duration::ZERO, ended, false));
                }
                return None;
            }
            Some(Err(error)) if !stopping => {
                let pause = backoff.next();
                telemetry::store_failed("begin", &error, pause);
                tokio::time::sleep(pause).await;
            }
            Some(Err(_)) | None => {
                if engine.table.finish(held) {
                    engine.complete(Finish::Release(*held));
                }
                return None;
            }
        }
        if !engine.table.holds(held) {
            telemetry::attempt_abandoned(runs.def.name, held);
            return None;
        }
    }
}

/// What one attempt carries.
struct Attempt {
    delivery: Delivery,
    states: Arc<signals_core::States>,
    scope: Arc<AttemptScope>,
    began: Instant,
}

impl Attempt {
    fn new(engine: &Engine, runs: &RunReceiver, claimed: &Claimed, tx: Option<Arc<dyn Any + Send + Sync>>) -> Self {
        let signal = &claimed.signal;
        let mut delivery = Delivery::new(claimed.held.delivery, runs.def.name, signal.name.clone());
        delivery.life = claimed.held.life;
        delivery.attempt = claimed.counters.attempt;
        delivery.max_attempts = runs.def.options.retry.max_attempts;
        delivery.sent_at = signal.sent_at;
        delivery.timeout = runs.timeout;
        delivery.correlation = signal.headers.correlation.unwrap_or(signal.id);
        delivery.traceparent = signal.headers.traceparent.clone();
        Self { delivery, states: engine.states.clone(), scope: AttemptScope::new(tx), began: Instant::now() }
    }

    /// Enters the table as running; `false` when the lease was lost before it began, or the worker stops at once.
    fn start(&self, engine: &Engine, runs: &RunReceiver, held: &Held) -> bool {
        if !engine.table.start(held, runs.timeout, self.scope.clone()) {
            return false;
        }
        // Asked after it was entered: what cancels everything that runs may have passed by already.
        let stopping = engine.shutdown.phase() >= Phase::Now;
        if stopping && engine.table.finish(held) {
            engine.complete(Finish::Release(*held));
        }
        !stopping
    }

    /// Calls the receiver. The second answer resolves when a blocking receiver's thread has returned, where that is
    /// still to come.
    async fn run(&self, runs: &RunReceiver, claimed: Claimed) -> (Ended, Option<Returned>) {
        let cause = Cause::of(&self.delivery);
        let context = Context::new(self.delivery.clone(), self.states.clone()).with_runtime(self.scope.clone());
        match runs.def.body {
            Body::Async(call) => {
                let body = AssertUnwindSafe(call(&claimed.signal.payload, &context)).catch_unwind();
                (self.within(runs.timeout, cause.scope(body)).await, None)
            }
            Body::Blocking(call) => {
                let started = blocking::call(move || cause.sync_scope(|| call(&claimed.signal.payload, &context)));
                let mut thread = match started {
                    Ok(thread) => thread,
                    Err(error) => return (Ended::Hindered(Error::Unavailable(error.into())), None),
                };
                let body = async { (&mut thread).await.expect("the thread answers: its panics are caught") };
                let ended = self.within(runs.timeout, body).await;
                let runs_on = matches!(ended, Ended::TimedOut | Ended::Cancelled(_));
                (ended, runs_on.then_some(thread))
            }
        }
    }

    async fn within(
        &self,
        timeout: Duration,
        body: impl Future<Output = Result<Result<(), RunError>, Box<dyn Any + Send>>>,
    ) -> Ended {
        tokio::select! {
            biased;
            result = body => match result {
                Ok(Ok(())) => Ended::Ok,
                // A receiver that gives up because it was told to has not failed.
                Ok(Err(error)) => self.scope.reason().map_or(Ended::Failed(error), Ended::Cancelled),
                Err(panic) => Ended::Panicked(panic_text(panic)),
            },
            reason = self.scope.cancelled() => Ended::Cancelled(reason),
            () = tokio::time::sleep(timeout) => {
                self.scope.cancel(CancelReason::Timeout);
                Ended::TimedOut
            }
        }
    }
}

type Returned = tokio::sync::oneshot::Receiver<blocking::Outcome<Result<(), RunError>>>;

fn panic_text(panic: Box<dyn Any + Send>) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "with a payload that is no text".to_owned());
    // A payload may panic again when it is dropped; that must not cost the worker anything.
    let _ = catch_unwind(AssertUnwindSafe(move || drop(panic)));
    outcome::clean(&format!("panicked: {text}"))
}

/// Where a delivery goes after its attempt ended like this. Whatever the receiver's error does when it is printed or
/// dropped, there is an answer: without one the delivery would stay this worker's for ever (I13).
fn decide(runs: &RunReceiver, held: Held, counters: Counters, ran: Duration, ended: Ended, keep: bool) -> Finish {
    let decided = catch_unwind(AssertUnwindSafe(|| finish(runs, held, counters, ran, ended, keep)));
    decided.unwrap_or_else(|panic| {
        let error = format!("its error cannot be told: {}", panic_text(panic));
        let fate = fate(runs, counters.attempt, None);
        Finish::Fail(Failed { held, outcome: AttemptOutcome::Panic, error, ran, fate })
    })
}

fn finish(runs: &RunReceiver, held: Held, counters: Counters, ran: Duration, ended: Ended, keep: bool) -> Finish {
    let retry = |outcome, error, delay: Option<Duration>| {
        Finish::Fail(Failed { held, outcome, error, ran, fate: fate(runs, counters.attempt, delay) })
    };
    let dead = |outcome, error, reason| Finish::Fail(Failed { held, outcome, error, ran, fate: Fate::Dead(reason) });
    match ended {
        Ended::Ok => Finish::Ack(Acked { held, ran, keep }),
        Ended::Panicked(text) => retry(AttemptOutcome::Panic, text, None),
        Ended::TimedOut | Ended::Cancelled(CancelReason::Timeout) => Finish::Fail(timed_out(runs, held, counters, ran)),
        Ended::Cancelled(CancelReason::Shutdown | CancelReason::LeaseLost) => Finish::Release(held),
        Ended::Hindered(error) => {
            telemetry::hindered(runs.def.name, &held, &error, HINDERED);
            Finish::Snooze(Snoozed { held, delay: HINDERED })
        }
        Ended::Failed(RunError::Undecodable(error)) => {
            dead(AttemptOutcome::Undecodable, outcome::render(error.as_ref()), DeathReason::Undecodable)
        }
        Ended::Failed(error) => {
            let text = outcome::render(&error);
            match verdict(&error) {
                Verdict::Retry => retry(AttemptOutcome::Error, text, None),
                Verdict::RetryAfter(delay) => retry(AttemptOutcome::RetryAfter, text, Some(delay.min(MAX_DELAY))),
                Verdict::Discard => dead(AttemptOutcome::Discard, text, DeathReason::Discarded),
                Verdict::Snooze(_) if counters.refunds >= MAX_REFUNDS && is_last(runs, counters.attempt) => {
                    let text = format!("snoozed more than {MAX_REFUNDS} times: {text}");
                    dead(AttemptOutcome::Error, text, DeathReason::Exhausted)
                }
                Verdict::Snooze(delay) => Finish::Snooze(Snoozed { held, delay: delay.min(MAX_DELAY) }),
            }
        }
    }
}

/// An attempt that exceeded its time-out; told by whoever notices first, executor or keeper.
pub(crate) fn timed_out(runs: &RunReceiver, held: Held, counters: Counters, ran: Duration) -> Failed {
    let error = format!("did not finish within its time-out of {:?}", runs.timeout);
    let fate = fate(runs, counters.attempt, None);
    Failed { held, outcome: AttemptOutcome::Timeout, error, ran, fate }
}

fn fate(runs: &RunReceiver, attempt: u32, delay: Option<Duration>) -> Fate {
    match runs.def.options.retry.next(attempt) {
        Decision::GiveUp => Fate::Dead(DeathReason::Exhausted),
        Decision::RetryWithin(ceiling) => {
            Fate::Retry { delay: delay.unwrap_or_else(|| full_jitter(ceiling, (runs.jitter)())) }
        }
    }
}

fn is_last(runs: &RunReceiver, attempt: u32) -> bool {
    attempt >= runs.def.options.retry.max_attempts
}

fn verdict(error: &RunError) -> Verdict {
    match error {
        RunError::Failed(error) => Verdict::of(error.as_ref()),
        RunError::Extract(_) | RunError::Undecodable(_) => Verdict::Retry,
    }
}
