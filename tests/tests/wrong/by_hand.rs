//! What people decide, done wrongly: T10–T13.

use std::time::Duration;

use signals_core::delivery::{DeliveryId, State};
use signals_core::store::{Filter, Forgotten, Pruned, Retention};
use signals_core::{Error, Result};

use super::defects::Defect;
use super::store::WrongStore;

impl WrongStore {
    pub(super) async fn cancel_wrongly(&self, delivery: DeliveryId, actor: &str) -> Result<()> {
        if self.is(Defect::SparesWhatRuns) && self.state(delivery).await? == Some(State::Running) {
            return Ok(());
        }
        self.told(self.inner.cancel(delivery, actor).await)
    }

    pub(super) async fn discard_wrongly(&self, delivery: DeliveryId, actor: &str) -> Result<()> {
        if self.is(Defect::CancelsInsteadOfDiscarding) {
            return self.inner.cancel(delivery, actor).await;
        }
        self.told(self.inner.discard(delivery, actor).await)
    }

    pub(super) async fn retry_wrongly(&self, delivery: DeliveryId, actor: &str) -> Result<()> {
        if self.is(Defect::KeepsCountersInTheNextLife)
            && let Some(before) = self.inner.get(delivery).await?
        {
            self.backend.shared.memory().retried.insert(delivery, before.summary.counters);
        }
        self.told(self.inner.retry(delivery, actor).await)
    }

    async fn state(&self, delivery: DeliveryId) -> Result<Option<State>> {
        Ok(self.inner.get(delivery).await?.map(|detail| detail.summary.state))
    }

    fn told(&self, answer: Result<()>) -> Result<()> {
        match answer {
            Err(Error::WrongState { .. }) if self.is(Defect::TellsNobodyWhoWasLate) => Ok(()),
            Err(Error::NotFound { .. }) if self.is(Defect::FindsWhatIsNot) => Ok(()),
            answer => answer,
        }
    }

    pub(super) async fn prune_wrongly(&self, retention: &Retention, limit: usize) -> Result<Pruned> {
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
        self.inner.prune(&retention, if self.is(Defect::IgnoresLimits) { usize::MAX } else { limit }).await
    }

    pub(super) async fn forget_wrongly(&self, older_than: Duration, limit: usize) -> Result<Forgotten> {
        let older_than = if self.is(Defect::ForgetsTheYoung) { Duration::ZERO } else { older_than };
        let limit = if self.is(Defect::IgnoresLimits) { usize::MAX } else { limit };
        let Forgotten(mut forgotten) = self.inner.forget(older_than, limit).await?;
        if self.is(Defect::ForgetsWhatIsNeeded) {
            let pending = Filter { states: vec![State::Ready, State::Running], limit, ..Filter::default() };
            forgotten += self.inner.list(&pending).await?.deliveries.len();
            self.backend.shared.memory().forgot = true;
        }
        Ok(Forgotten(forgotten))
    }
}
