//! What people decide, done wrongly: T10–T13.

use std::time::Duration;

use signals_core::Result;
use signals_core::delivery::{DeliveryId, ReceiverId, State};
use signals_core::store::{Acting, Action, ActionId, Decided, Filter, Forgotten, Pruned, Retention, Switch, Verdict};

use super::defects::Defect;
use super::store::WrongStore;

/// Whoever acts for a defect.
pub(super) const NOBODY: Acting<'static> = Acting { actor: "nobody", subject: "", continues: None };

impl WrongStore {
    pub(super) async fn cancel_wrongly(&self, ids: &[DeliveryId], acting: &Acting<'_>) -> Result<Decided> {
        if self.is(Defect::SparesWhatRuns) && self.any_runs(ids).await? {
            return Ok(Decided { verdicts: vec![Verdict::Done; ids.len()], action: None });
        }
        let half = ids.len().div_ceil(2);
        let ids = if self.is(Defect::AnswersForHalf) { &ids[..half] } else { ids };
        Ok(self.told(self.inner.cancel(ids, &self.signed(acting)).await?))
    }

    pub(super) async fn discard_wrongly(&self, ids: &[DeliveryId], acting: &Acting<'_>) -> Result<Decided> {
        if self.is(Defect::CancelsInsteadOfDiscarding) {
            return self.inner.cancel(ids, acting).await;
        }
        Ok(self.told(self.inner.discard(ids, &self.signed(acting)).await?))
    }

    pub(super) async fn retry_wrongly(&self, ids: &[DeliveryId], acting: &Acting<'_>) -> Result<Decided> {
        if self.is(Defect::NeverRemembers) && self.backend.shared.memory().forgot {
            return Ok(Decided { verdicts: vec![Verdict::NotFound; ids.len()], action: None });
        }
        if self.is(Defect::KeepsCountersInTheNextLife) {
            for &id in ids {
                if let Some(before) = self.inner.get(id).await? {
                    self.backend.shared.memory().retried.insert(id, before.summary.counters);
                }
            }
        }
        Ok(self.told(self.inner.retry(ids, &self.signed(acting)).await?))
    }

    /// Who acts, as the log tells it.
    fn signed<'a>(&self, acting: &Acting<'a>) -> Acting<'a> {
        let actor = if self.is(Defect::HidesWhoActed) { "somebody" } else { acting.actor };
        let continues = acting.continues.filter(|_| !self.is(Defect::LogsEachBatch));
        Acting { actor, continues, ..*acting }
    }

    async fn any_runs(&self, ids: &[DeliveryId]) -> Result<bool> {
        for &id in ids {
            if self.inner.get(id).await?.is_some_and(|detail| detail.summary.state == State::Running) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn told(&self, mut decided: Decided) -> Decided {
        for verdict in &mut decided.verdicts {
            match verdict {
                Verdict::WrongState(_) if self.is(Defect::TellsNobodyWhoWasLate) => *verdict = Verdict::Done,
                Verdict::NotFound if self.is(Defect::FindsWhatIsNot) => *verdict = Verdict::Done,
                Verdict::Merged if self.is(Defect::TellsTheMergedAsDone) => *verdict = Verdict::WrongState(State::Done),
                Verdict::Merged if self.is(Defect::TellsNobodyWhoWasLate) => *verdict = Verdict::Done,
                Verdict::Done | Verdict::WrongState(_) | Verdict::NotFound | Verdict::Merged => {}
            }
        }
        decided
    }

    pub(super) async fn switch_wrongly(&self, receiver: ReceiverId, switch: Switch, actor: &str) -> Result<bool> {
        if self.is(Defect::NeverRestores) && switch == Switch::Restore {
            return Ok(true);
        }
        if self.is(Defect::DropsWhatRetires) && switch == Switch::Retire {
            let pending = Filter { states: vec![State::Ready], ..Filter::default() };
            let mut ids = self.inner.find(&pending, usize::MAX).await?.ids;
            ids.retain(|id| id.receiver == receiver);
            self.inner.cancel(&ids, &NOBODY).await?;
        }
        let actor = if self.is(Defect::HidesWhoActed) { "somebody" } else { actor };
        let changed = self.inner.switch(receiver, switch, actor).await?;
        if self.is(Defect::LogsWhatChangesNothing) && !changed {
            for again in [opposite(switch), switch] {
                self.inner.switch(receiver, again, actor).await?;
            }
        }
        Ok(changed)
    }

    pub(super) async fn actions_wrongly(&self, before: Option<ActionId>, limit: usize) -> Result<Vec<Action>> {
        let mut actions = self.inner.actions(before, limit).await?;
        if self.is(Defect::TidiesTheLog) {
            actions.iter_mut().for_each(|action| action.actor = action.actor.replace(['\'', '"', '\\', '%'], ""));
        }
        Ok(actions)
    }

    pub(super) async fn prune_wrongly(
        &self,
        retention: &Retention,
        limit: usize,
        by: Option<&Acting<'_>>,
    ) -> Result<Pruned> {
        let mut retention = *retention;
        if self.is(Defect::PrunesTheDead) {
            retention.dead = Some(retention.done);
        }
        if self.is(Defect::PrunesTheYoung) {
            (retention.done, retention.keys) = (Duration::ZERO, Duration::ZERO);
        }
        if self.is(Defect::KeepsKeysForEver) {
            retention.keys = Duration::MAX;
        }
        let by = by.map(|acting| self.signed(acting));
        let limit = if self.is(Defect::IgnoresLimits) { usize::MAX } else { limit };
        self.inner.prune(&retention, limit, by.as_ref()).await
    }

    pub(super) async fn forget_wrongly(&self, older_than: Duration, limit: usize) -> Result<Forgotten> {
        let older_than = if self.is(Defect::ForgetsTheYoung) { Duration::ZERO } else { older_than };
        let limit = if self.is(Defect::IgnoresLimits) { usize::MAX } else { limit };
        let Forgotten(mut forgotten) = self.inner.forget(older_than, limit).await?;
        if self.is(Defect::NeverRemembers) {
            self.backend.shared.memory().forgot = true;
        }
        if self.is(Defect::ForgetsWhatIsNeeded) {
            let pending = Filter { states: vec![State::Ready, State::Running], limit, ..Filter::default() };
            forgotten += self.inner.list(&pending).await?.deliveries.len();
            self.backend.shared.memory().forgot = true;
        }
        Ok(Forgotten(forgotten))
    }
}

fn opposite(switch: Switch) -> Switch {
    match switch {
        Switch::Pause => Switch::Resume,
        Switch::Resume => Switch::Pause,
        Switch::Retire => Switch::Restore,
        Switch::Restore => Switch::Retire,
    }
}
