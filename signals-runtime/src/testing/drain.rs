//! Runs what is due, and what that causes, and fails when a receiver does.

use std::any::TypeId;
use std::future::poll_fn;
use std::task::Poll;
use std::time::{Duration, Instant};

use signals_core::store::{Fate, LostLease};
use signals_core::{BoxFuture, ReceiverDef};

use super::message::Message;
use super::run::{Ended, Ran};
use super::words::{count, duration};
use super::{Point, Step, TestBackend, TestSignals};
use crate::worker::{ByHand, Claim, Failure, Outcome, Report};

/// What one step has done so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    report: Report,
    attempts: u64,
}

impl<B: TestBackend> TestSignals<B> {
    /// Runs every delivery that is due, what its receivers send, and so on, until nothing is due. Retries, delays and
    /// snoozes wait for the clock: [`advance`](Self::advance) moves it.
    ///
    /// # Panics
    ///
    /// Panics when an attempt failed that the test did not [expect](Self::expect_failure) to; everything that was due has been
    /// run all the same. When a receiver takes a state that this test was not given, or a transaction of another backend.
    /// When an attempt takes longer than the kit's [patience](super::TestSignalsBuilder::patience), or the cascade does not
    /// end: a receiver that sends its own signal never does.
    #[track_caller]
    pub fn drain(&self) -> Step<'_, Report> {
        Step::new("drain", async {
            let mut worker = self.worker.lock().await;
            let mut tally = Tally::default();
            self.run_due(&mut worker, &mut tally).await?;
            drop(worker);
            self.close(tally).await
        })
    }

    /// Runs until nothing is due.
    pub(super) async fn run_due(&self, worker: &mut ByHand, tally: &mut Tally) -> Result<(), Message> {
        loop {
            let (claim, lost) = worker.claim().await?;
            for lost in &lost {
                tally.lost(lost);
            }
            match claim {
                Some(claim) => {
                    self.attempt(worker, claim, tally).await?;
                }
                None if lost.is_empty() && worker.promote().await?.0 == 0 => return Ok(()),
                None => {}
            }
            if tally.attempts >= self.most_attempts {
                let endless = format!("the cascade goes on after {} attempts", self.most_attempts);
                let message = Message::new(endless).expected(
                    "a cascade that ends: a receiver that sends the signal it receives never does; a longer one needs \
                     `.most_attempts(…)` of the builder",
                );
                return Err(message.cascade(self.tree().await?));
            }
        }
    }

    /// Makes one attempt, or dies in it as the test has planned, and writes it down.
    pub(super) async fn attempt(&self, worker: &mut ByHand, claim: Claim, tally: &mut Tally) -> Result<Ran, Message> {
        let (receiver, held, counters) = (self.receivers[claim.receiver], claim.claimed.held, claim.claimed.counters);
        if let Err(message) = self.check_needs(receiver) {
            worker.release(held).await?;
            return Err(message.cascade(self.tree().await?));
        }
        let crash = self.plans().take_crash(receiver.name);
        let ended = match crash {
            Some(Point::AfterClaim) => Ended::Crashed(Point::AfterClaim, None),
            Some(point) => match self.within_patience(receiver, Box::pin(worker.attempt(claim, true))).await? {
                Ended::Crashed(_, error) => Ended::Crashed(point, error),
                ended => ended,
            },
            None => self.within_patience(receiver, Box::pin(worker.attempt(claim, false))).await?,
        };
        if crash.is_some() {
            worker.enlist_anew().await?;
        }
        let ran = Ran { delivery: held.delivery, attempt: counters.attempt, ended };
        tally.count(receiver.name, &ran);
        self.write_down(&ran).await?;
        Ok(ran)
    }

    pub(super) async fn write_down(&self, ran: &Ran) -> Result<(), Message> {
        let seen = self.journal().seen();
        let stored = self.signals.backend().signals_after(seen).await?;
        self.journal().note(ran.clone(), &stored);
        Ok(())
    }

    /// Ends a step: what failed must have been expected, and what was expected must have come.
    pub(super) async fn close(&self, tally: Tally) -> Result<Report, Message> {
        let mut plans = std::mem::take(&mut *self.plans());
        let failures = tally.report.failures.iter();
        let unexpected: Vec<&Failure> = failures.filter(|failure| !plans.expects(failure)).collect();
        let message = if unexpected.is_empty() {
            plans.unmet()
        } else {
            let failed =
                format!("{} failed that the test did not expect", count(unexpected.len(), "attempt", "attempts"));
            let said: Vec<String> = unexpected.iter().map(ToString::to_string).collect();
            let message = Message::new(failed)
                .expected("every receiver to return `Ok`, but for those named with `expect_failure::<…>()`")
                .instead(said.join("\n"));
            Some(message.nearest(unexpected.iter().flat_map(|failure| plans.of(failure.receiver)).collect()))
        };
        match message {
            Some(message) => Err(message.cascade(self.tree().await?)),
            None => Ok(tally.report),
        }
    }

    /// Whether `receiver` can run here: asked when it must, not before, so that a test of the sender alone needs nothing.
    pub(super) fn check_needs(&self, receiver: &ReceiverDef) -> Result<(), Message> {
        let ReceiverDef { name, location, .. } = receiver;
        let needs = receiver.needs();
        if needs.states().is_empty() && needs.transactions().is_empty() {
            return Ok(());
        }
        if let Some(tx) = needs.transactions().iter().find(|tx| tx.backend != TypeId::of::<B>()) {
            let (theirs, ours) = (tx.name, B::NAME);
            let wrong = format!("`{name}` at {location} takes a transaction of the {theirs} backend");
            return Err(Message::new(wrong)
                .expected(format!("a test on {theirs}: `TestSignals::builder().on::<…>()`"))
                .instead(format!("this test runs on {ours}; `.receiver::<…>()` of the builder leaves others out")));
        }
        let missing: Vec<_> = needs.states().iter().filter(|state| !self.states.contains(state.id)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let named = |wrap: fn(&str) -> String| missing.iter().map(|state| wrap(state.name)).collect::<Vec<_>>();
        let takes = named(|state| format!("`State<{state}>`")).join(" and ");
        let wrong = format!("`{name}` at {location} takes {takes}, which this test was not given");
        Err(Message::new(wrong)
            .expected(named(|state| format!("`.state(…)` of the builder with a `{state}`")).join("\n")))
    }

    async fn within_patience(
        &self,
        receiver: &ReceiverDef,
        attempt: BoxFuture<'_, signals_core::Result<Outcome>>,
    ) -> Result<Ended, Message> {
        match within(self.patience, attempt).await {
            Some(outcome) => Ok(Ended::from(outcome?)),
            None => {
                let waits =
                    format!("`{}` has been running for {} of real time", receiver.name, duration(self.patience));
                let message = Message::new(waits).expected(
                    "an attempt that ends: give it what it waits for, give the receiver a shorter `timeout`, or give the \
                     kit more `.patience(…)`",
                );
                Err(message.cascade(self.tree().await?))
            }
        }
    }
}

/// What `work` answers, unless it takes longer than `patience` by the real clock.
async fn within<T>(patience: Duration, mut work: BoxFuture<'_, T>) -> Option<T> {
    // Most attempts end at once, and need no timer.
    if let Poll::Ready(answer) = poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx))).await {
        return Some(answer);
    }
    let began = Instant::now(); // tidy: a duration: how long a test has waited
    loop {
        tokio::select! {
            biased;
            answer = &mut work => return Some(answer),
            () = tokio::time::sleep(patience) => {}
        }
        // A paused clock of tokio's runs ahead of the real one.
        if began.elapsed() >= patience {
            return None;
        }
    }
}

impl Tally {
    fn count(&mut self, receiver: &'static str, ran: &Ran) {
        self.attempts += 1;
        let report = &mut self.report;
        match &ran.ended {
            Ended::Done => report.done += 1,
            Ended::Snoozed(_) => report.snoozed += 1,
            Ended::Released => report.released += 1,
            Ended::Refused(_) => report.stale += 1,
            Ended::Failed { fate: Fate::Retry { .. }, .. } => report.retried += 1,
            Ended::Failed { fate: Fate::Dead(_), .. } => report.dead += 1,
            Ended::Crashed(..) => {}
        }
        if let Some(error) = ran.error() {
            let dead = matches!(ran.ended, Ended::Failed { fate: Fate::Dead(_), .. });
            let (delivery, attempt, error) = (ran.delivery, ran.attempt, error.to_owned());
            report.failures.push(Failure { delivery, receiver, attempt, error, dead });
        }
    }

    fn lost(&mut self, lost: &LostLease) {
        self.report.dead += u64::from(lost.dead);
    }
}
