//! Claims, promotions and renewals that go wrong: T2, T3, T9, I9, I12.

use std::time::Duration;

use signals_core::Result;
use signals_core::delivery::MAX_REFUNDS;
use signals_core::store::{Claim, ClaimLane, Claims, Held, Promoted, Renewed, Switch};

use super::by_hand::NOBODY;
use super::defects::Defect;
use super::store::WrongStore;

/// Longer than any lease or delay of the cases.
const AHEAD: i64 = 10_000;

impl WrongStore {
    pub(super) async fn claim_wrongly(&self, claim: &Claim) -> Result<Claims> {
        let claim = self.spoil(claim).await?;
        let mut claims = self.claim_inside(&claim).await?;
        if self.is(Defect::TakesSuspectsTogether) {
            loop {
                let more = self.claim_inside(&claim).await?;
                if more.claimed.is_empty() {
                    break;
                }
                claims.claimed.extend(more.claimed);
            }
        }
        if self.is(Defect::NeverBuries) && claims.lost.iter().any(|lost| lost.dead) {
            for lost in &mut claims.lost {
                self.inner.retry(&[lost.delivery], &NOBODY).await?;
                lost.dead = false;
            }
            claims.claimed.extend(self.claim_inside(&claim).await?.claimed);
        }
        self.misreport(&claim, &mut claims);
        if self.is(Defect::LogsPayloads) {
            claims.claimed.iter().for_each(|claimed| tracing::debug!(payload = ?claimed.signal.payload, "claimed"));
        }
        let mut memory = self.backend.shared.memory();
        for claimed in &claims.claimed {
            memory.current.insert(claimed.held.delivery, claimed.held);
        }
        memory.claimed.extend(claims.claimed.iter().cloned());
        Ok(claims)
    }

    /// The claim that is made instead.
    async fn spoil(&self, claim: &Claim) -> Result<Claim> {
        let mut claim = claim.clone();
        claim.steal |= self.is(Defect::StealsWithoutLeave);
        claim.suspect |= self.is(Defect::TakesSuspectsTogether);
        if self.is(Defect::IgnoresLimits) {
            claim.limit = usize::MAX;
        }
        if self.is(Defect::IgnoresTheLimitsOfLanes) {
            claim.lanes.iter_mut().for_each(|lane| lane.limit = usize::MAX);
        }
        if self.is(Defect::EmptiesOneLaneFirst) {
            let lanes = self.inner.counts().await?.lanes;
            let first = lanes.iter().filter(|lane| lane.ready.0 > 0).map(|lane| lane.lane).max();
            claim.lanes.retain(|lane| first.is_none_or(|first| lane.lane == first));
        }
        if self.is(Defect::LeasesForEver) {
            claim.lease = Duration::MAX;
        }
        if self.is(Defect::ClaimsUnknownLanes) {
            let lanes = self.inner.counts().await?.lanes;
            claim.lanes = lanes.iter().map(|lane| ClaimLane { lane: lane.lane, limit: claim.limit }).collect();
        }
        Ok(claim)
    }

    async fn claim_inside(&self, claim: &Claim) -> Result<Claims> {
        let mut paused = Vec::new();
        if self.is(Defect::ClaimsThePaused) {
            paused.extend(self.inner.receivers().await?.into_iter().filter(|receiver| receiver.paused));
        }
        for receiver in &paused {
            self.inner.switch(receiver.id, Switch::Resume, NOBODY.actor).await?;
        }
        if self.is(Defect::StealsEarly) && claim.steal {
            self.backend.shared.clock.run_ahead(AHEAD);
        }
        let claims = self.inner.claim(claim).await;
        self.backend.shared.clock.run_ahead(0);
        for receiver in &paused {
            self.inner.switch(receiver.id, Switch::Pause, NOBODY.actor).await?;
        }
        claims
    }

    fn misreport(&self, claim: &Claim, claims: &mut Claims) {
        if self.is(Defect::TakesTheNewestFirst) {
            claims.claimed.reverse();
        }
        if self.is(Defect::ClaimsTwice) {
            let memory = self.backend.shared.memory();
            let again = memory.claimed.iter().cloned().map(|mut claimed| {
                claimed.held.token = claim.token;
                claimed
            });
            claims.claimed.extend(again);
        }
        for claimed in &mut claims.claimed {
            if self.is(Defect::HidesLostLeases) {
                claimed.counters.lost_leases = 0;
            }
            if self.is(Defect::ChargesStolenAttempts) && claimed.counters.lost_leases > 0 {
                claimed.counters.attempt += 1;
            }
            if self.is(Defect::CountsAttemptsAsLives) {
                claimed.held.life += claimed.counters.attempt - 1;
            }
            if self.is(Defect::RefundsWithoutLimit) && claimed.counters.refunds == MAX_REFUNDS {
                claimed.counters.attempt = 1;
            }
            if let Some(before) = self.backend.shared.memory().retried.get(&claimed.held.delivery) {
                claimed.counters.attempt += before.attempt;
            }
        }
        if self.is(Defect::HidesLostLeases) {
            claims.lost.clear();
        }
    }

    pub(super) async fn promote_wrongly(&self, limit: usize) -> Result<Promoted> {
        let limit = if self.is(Defect::IgnoresLimits) { usize::MAX } else { limit };
        if self.is(Defect::PromotesEarly) {
            self.backend.shared.clock.run_ahead(AHEAD);
        }
        let promoted = self.inner.promote(limit).await;
        self.backend.shared.clock.run_ahead(0);
        let next_due = |promoted: Promoted| promoted.next_due.filter(|_| !self.is(Defect::HidesWhatIsDueNext));
        promoted.map(|promoted| Promoted { next_due: next_due(promoted), ..promoted })
    }

    pub(super) async fn renew_wrongly(&self, held: &[Held], lease: Duration) -> Result<Vec<Renewed>> {
        let lease = if self.is(Defect::RenewsNothing) { Duration::ZERO } else { lease };
        let held: Vec<_> = held.iter().map(|held| self.named(*held)).collect();
        let mut answers = self.inner.renew(&held, lease).await?;
        if self.is(Defect::ResurrectsLostLeases) {
            answers.fill(Renewed::Kept);
        }
        if self.is(Defect::LosesWhatIsLocked) {
            answers.iter_mut().filter(|answer| **answer == Renewed::Unknown).for_each(|answer| *answer = Renewed::Lost);
        }
        if self.is(Defect::AnswersInAnyOrder) {
            answers.reverse();
        }
        Ok(answers)
    }

    /// What a statement is told to name.
    pub(super) fn named(&self, held: Held) -> Held {
        if self.is(Defect::IgnoresTokens) { self.backend.shared.current(held) } else { held }
    }
}
