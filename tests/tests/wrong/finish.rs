//! Attempts that end wrongly: T4–T8.

use std::time::Duration;

use signals_core::Result;
use signals_core::delivery::DeliveryId;
use signals_core::store::{Acked, AttemptOutcome, DeathReason, Failed, Fate, Filter, Finished, Held, Snoozed};

use super::by_hand::NOBODY;
use super::defects::Defect;
use super::store::WrongStore;

/// To which delays are rounded up.
const AN_HOUR: Duration = Duration::from_secs(3_600);

impl WrongStore {
    pub(super) async fn ack_wrongly(&self, acked: &[Acked]) -> Result<Vec<Finished>> {
        if self.is(Defect::LosesAcknowledgements) {
            return Ok(vec![Finished::Done; acked.len()]);
        }
        let keep = |keep| (keep || self.is(Defect::KeepsAllHistory)) && !self.is(Defect::KeepsNoHistory);
        let acked = acked.iter().map(|acked| Acked { held: self.named(acked.held), keep: keep(acked.keep), ..*acked });
        let answers = self.inner.ack(&acked.collect::<Vec<_>>()).await?;
        Ok(self.answered(answers))
    }

    pub(super) async fn fail_wrongly(&self, failed: &[Failed]) -> Result<Vec<Finished>> {
        let wrong = failed.iter().map(|failed| {
            let mut failed = Failed { held: self.named(failed.held), ..failed.clone() };
            failed.fate = match failed.fate {
                Fate::Dead(_) if self.is(Defect::RetriesTheDead) => Fate::Retry { delay: Duration::ZERO },
                Fate::Retry { .. } if self.is(Defect::RetriesAtOnce) => Fate::Retry { delay: Duration::ZERO },
                Fate::Retry { .. } if self.is(Defect::RetriesByTheHour) => Fate::Retry { delay: AN_HOUR },
                Fate::Retry { .. } if self.is(Defect::BuriesTheFailed) => Fate::Dead(DeathReason::Exhausted),
                fate => fate,
            };
            if self.is(Defect::CutsErrors) {
                failed.error.truncate(10);
            }
            failed
        });
        if self.is(Defect::LogsErrors) {
            failed.iter().for_each(|failed| tracing::info!(why = failed.error, "stored"));
        }
        let answers = self.inner.fail(&wrong.collect::<Vec<_>>()).await?;
        if self.is(Defect::FailsTheWholeSignal) {
            let mut siblings = self.inner.find(&Filter::default(), usize::MAX).await?.ids;
            siblings.retain(|id| failed.iter().any(|failed| is_sibling(failed.held.delivery, *id)));
            self.inner.cancel(&siblings, &NOBODY).await?;
        }
        Ok(self.answered(answers))
    }

    pub(super) async fn snooze_wrongly(&self, snoozed: &[Snoozed]) -> Result<Vec<Finished>> {
        if self.is(Defect::ChargesSnoozes) {
            return self.charge(snoozed.iter().copied()).await;
        }
        let snoozed: Vec<_> = snoozed.iter().map(|one| Snoozed { held: self.named(one.held), ..*one }).collect();
        self.inner.snooze(&snoozed).await
    }

    pub(super) async fn release_wrongly(&self, held: &[Held]) -> Result<Vec<Finished>> {
        let late = |held: &Held| Snoozed { held: *held, delay: Duration::from_secs(60) };
        if self.is(Defect::ChargesReleases) {
            return self.charge(held.iter().map(|held| Snoozed { delay: Duration::ZERO, ..late(held) })).await;
        }
        if self.is(Defect::ReleasesLate) {
            return self.inner.snooze(&held.iter().map(late).collect::<Vec<_>>()).await;
        }
        let held: Vec<_> = held.iter().map(|held| self.named(*held)).collect();
        self.inner.release(&held).await
    }

    /// A failed attempt instead of one that is refunded.
    async fn charge(&self, snoozed: impl Iterator<Item = Snoozed>) -> Result<Vec<Finished>> {
        let failed = snoozed.map(|Snoozed { held, delay }| Failed {
            held,
            outcome: AttemptOutcome::Error,
            error: "not now".to_owned(),
            ran: Duration::ZERO,
            fate: Fate::Retry { delay },
        });
        self.inner.fail(&failed.collect::<Vec<_>>()).await
    }

    fn answered(&self, mut answers: Vec<Finished>) -> Vec<Finished> {
        if self.is(Defect::AnswersInAnyOrder) {
            answers.reverse();
        }
        if self.is(Defect::TellsNobodyThatHeIsStale) {
            answers.fill(Finished::Done);
        }
        answers
    }
}

/// Whether they are deliveries of one signal to two receivers.
fn is_sibling(one: DeliveryId, other: DeliveryId) -> bool {
    one.signal == other.signal && one.receiver != other.receiver
}
