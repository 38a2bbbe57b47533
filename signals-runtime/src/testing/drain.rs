//! Runs what is due, and what that causes, and fails when a receiver does.

use std::future::poll_fn;
use std::task::Poll;
use std::time::{Duration, Instant};

use signals_core::{BoxFuture, ReceiverDef};

use super::message::Message;
use super::run::{Ended, Ran};
use super::tally::Tally;
use super::turn::Call;
use super::words::duration;
use super::{Point, Step, TestBackend, TestSignals};
use crate::worker::{ByHand, Claim, Outcome, Report};

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
        let call = Call::of("drain");
        self.step(call, async move {
            let mut worker = self.turns.take(call)?;
            let mut tally = Tally::default();
            self.run_due(&mut worker, &mut tally).await?;
            self.close(tally)
        })
    }

    /// Runs until nothing is due.
    pub(super) async fn run_due(&self, worker: &mut ByHand, tally: &mut Tally) -> Result<(), Message> {
        loop {
            let (claim, lost) = worker.claim().await?;
            self.lost(worker, &lost, tally);
            match claim {
                Some(claim) if tally.attempts() < self.most_attempts => {
                    self.attempt(worker, claim, tally).await?;
                }
                Some(claim) => {
                    worker.release(claim.claimed.held).await?;
                    return Err(self.endless(tally));
                }
                None if lost.is_empty() && worker.promote().await?.0 == 0 => return Ok(()),
                None => {}
            }
        }
    }

    fn endless(&self, tally: &Tally) -> Message {
        Message::new(format!("the cascade goes on after {} attempts", self.most_attempts))
            .expected(
                "a cascade that ends: a receiver that sends the signal it receives never does; a longer one needs \
                 `.most_attempts(…)` of the builder",
            )
            .instead(tally.told().join("\n"))
    }

    /// Makes one attempt, or dies in it as the test has planned, and writes it down.
    pub(super) async fn attempt(&self, worker: &mut ByHand, claim: Claim, tally: &mut Tally) -> Result<Ran, Message> {
        let (receiver, held, counters) = (self.receivers[claim.receiver], claim.claimed.held, claim.claimed.counters);
        if let Err(message) = self.check_needs(worker, claim.receiver) {
            worker.release(held).await?;
            return Err(message);
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
                Err(Message::new(waits)
                    .expected(
                        "an attempt that ends: give it what it waits for, give the receiver a shorter `timeout`, or give \
                         the kit more `.patience(…)`",
                    )
                    .instead("an attempt that neither returned nor timed out"))
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
