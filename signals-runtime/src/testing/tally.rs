//! What one step has done, and whether that is what the test said.

use std::collections::BTreeMap;

use signals_core::delivery::DeliveryId;
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
            let dead = matches!(ran.ended, Ended::Failed { fate: Fate::Dead(_), .. });
            self.failed(receiver, ran.delivery, ran.attempt, error.to_owned(), dead);
        }
    }

    fn failed(&mut self, receiver: &'static str, delivery: DeliveryId, attempt: u32, error: String, dead: bool) {
        self.report.failures.push(Failure { delivery, receiver, attempt, error, dead });
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
        shorten(self.report.failures.iter().map(|failure| brief(&failure.to_string())).collect())
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
                tally.failed(self.receivers[receiver].name, lost.delivery, attempt, error, true);
            }
        }
    }

    /// Ends a step: what failed must have been expected, and what was expected must have come.
    pub(super) fn close(&self, tally: Tally) -> Result<Report, Message> {
        let mut plans = std::mem::take(&mut *self.plans());
        let failures = tally.report.failures.iter();
        let unexpected: Vec<&Failure> = failures.filter(|failure| !plans.expects(failure)).collect();
        if unexpected.is_empty() {
            let is_here = |name: &str| self.receivers.iter().any(|def| def.name == name);
            return plans.unmet(&tally, is_here).map_or(Ok(tally.report), Err);
        }
        let failed = format!("{} failed that the test did not expect", count(unexpected.len(), "attempt", "attempts"));
        let said = unexpected.iter().map(|failure| brief(&failure.to_string())).collect();
        let mut nearest: Vec<String> = unexpected.iter().flat_map(|failure| plans.of(failure.receiver)).collect();
        nearest.dedup();
        Err(Message::new(failed)
            .expected("every receiver to return `Ok`, but for those named with `expect_failure::<…>()`")
            .instead(shorten(said).join("\n"))
            .nearest(shorten(nearest)))
    }
}
