//! What one step has done, and whether that is what the test said.

use std::collections::BTreeMap;

use signals_core::store::{Fate, LostLease};

use super::message::Message;
use super::run::{Ended, Ran};
use super::words::{brief, count, shorten};
use super::{TestBackend, TestSignals};
use crate::worker::{ByHand, Failure, Report};

/// What one step has done so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    report: Report,
    /// Each of the report's failures in words.
    failures: Vec<String>,
    attempts: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// How many attempts there were.
    pub(super) fn attempts(&self) -> u64 {
        self.attempts.values().sum()
    }

    /// How often each receiver ran, in words.
    pub(super) fn told(&self) -> Vec<String> {
        let told = self.attempts.iter().map(|(receiver, times)| format!("`{receiver}` ran {times} times"));
        shorten(told.collect())
    }

    pub(super) fn count(&mut self, receiver: &'static str, ran: &Ran) {
        *self.attempts.entry(receiver).or_default() += 1;
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
            let fate = match &ran.ended {
                Ended::Failed { fate: Fate::Dead(_), .. } => "dead",
                Ended::Refused(_) => "refused, since another worker holds it",
                Ended::Crashed(..) => "lost with its worker",
                Ended::Failed { fate: Fate::Retry { .. }, .. } | Ended::Done | Ended::Snoozed(_) | Ended::Released => {
                    "to be retried"
                }
            };
            let dead = matches!(ran.ended, Ended::Failed { fate: Fate::Dead(_), .. });
            let (delivery, attempt, error) = (ran.delivery, ran.attempt, error.to_owned());
            self.failed(Failure { delivery, receiver, attempt, error, dead }, fate);
        }
    }

    fn failed(&mut self, failure: Failure, fate: &str) {
        let Failure { delivery, receiver, attempt, error, .. } = &failure;
        let told = format!("{receiver} failed on delivery {delivery}, attempt {attempt} ({fate}): {error}");
        self.failures.push(brief(&told));
        self.report.failures.push(failure);
    }

    /// What came of this receiver, where the test expected something else.
    pub(super) fn told_of(&self, receiver: &str) -> String {
        let failed = self.report.failures.iter().filter(|failure| failure.receiver == receiver).count();
        match self.attempts.get(receiver) {
            None | Some(0) => format!("`{receiver}` did not run in this step"),
            Some(1) if failed == 0 => format!("`{receiver}` ran once, and did not fail"),
            Some(times) if failed == 0 => format!("`{receiver}` ran {times} times, and never failed"),
            Some(times) => format!("`{receiver}` ran {times} times, and failed {failed} times"),
        }
    }

    /// The failures, in words.
    pub(super) fn failures(&self) -> Vec<String> {
        shorten(self.failures.clone())
    }
}

impl<B: TestBackend> TestSignals<B> {
    /// Notes what a claim found dead or stolen. A delivery that has lost its last lease is a failure like any other.
    pub(super) fn lost(&self, worker: &ByHand, lost: &[LostLease], tally: &mut Tally) {
        for lost in lost.iter().filter(|lost| lost.dead) {
            let mut journal = self.journal();
            journal.bury(lost);
            let attempt = journal.last_attempt(lost.delivery);
            tally.report.dead += 1;
            if let Some(receiver) = worker.receiver(lost.delivery.receiver) {
                let error = format!("its lease was lost {} times: each time its worker died", lost.lost_leases);
                let (delivery, receiver) = (lost.delivery, self.receivers[receiver].name);
                tally.failed(Failure { delivery, receiver, attempt, error, dead: true }, "dead");
            }
        }
    }

    /// Ends a step: what failed must have been expected, and what was expected must have come.
    pub(super) fn close(&self, tally: Tally) -> Result<Report, Message> {
        let mut plans = std::mem::take(&mut *self.plans());
        let failures = tally.report.failures.iter().zip(&tally.failures);
        let unexpected: Vec<(&Failure, &String)> = failures.filter(|(failure, _)| !plans.expects(failure)).collect();
        if unexpected.is_empty() {
            let is_here = |name: &str| self.receivers.iter().any(|def| def.name == name);
            return plans.unmet(&tally, is_here).map_or(Ok(tally.report), Err);
        }
        let failed = format!("{} failed that the test did not expect", count(unexpected.len(), "attempt", "attempts"));
        let said = unexpected.iter().map(|(_, told)| (*told).clone()).collect();
        let mut nearest: Vec<String> = unexpected.iter().flat_map(|(failure, _)| plans.of(failure.receiver)).collect();
        nearest.dedup();
        Err(Message::new(failed)
            .expected("every receiver to return `Ok`, but for those named with `expect_failure::<…>()`")
            .instead(shorten(said).join("\n"))
            .nearest(shorten(nearest)))
    }
}
