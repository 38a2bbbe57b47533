//! Names that are stored wrongly: I14, I15, I6.

use signals_core::delivery::State;
use signals_core::store::{Acting, Filter, ReceiverEntry, ReceiverInfo, Registered, Registration, WorkerInfo};
use signals_core::token::Incarnation;
use signals_core::{Error, Result};

use super::by_hand::NOBODY;
use super::defects::Defect;
use super::store::WrongStore;

impl WrongStore {
    pub(super) async fn register_wrongly(&self, registration: &Registration) -> Result<Registered> {
        let wrong = self.misread(registration);
        if self.is(Defect::RegistersOneByOne) {
            let mut all = Registered::default();
            for receiver in wrong.receivers {
                let one = Registration { receivers: vec![receiver], ..registration.clone() };
                let registered = self.inner.register(&one).await?;
                all.ids.extend(registered.ids);
                all.retired.extend(registered.retired);
                all.paused.extend(registered.paused);
                all.merged.extend(registered.merged);
            }
            return Ok(all);
        }
        let mut registered = match self.inner.register(&wrong).await {
            Err(Error::NameTaken { .. }) if self.is(Defect::MovesNamesToOtherSignals) => Registered::default(),
            answer => answer?,
        };
        if self.is(Defect::LosesWhatItMerges) && !registered.merged.is_empty() {
            let pending = Filter { states: vec![State::Ready], ..Filter::default() };
            for delivery in self.inner.list(&pending).await?.deliveries {
                self.inner.cancel(&[delivery.id], &Acting { actor: "merged", ..NOBODY }).await?;
            }
        }
        if self.is(Defect::NumbersReceiversAnew) {
            let mut memory = self.backend.shared.memory();
            memory.registrations += 1;
            registered.ids.iter_mut().for_each(|(_, id)| id.0 += 1_000 * memory.registrations);
        }
        if self.is(Defect::AnswersInAnyOrder) {
            registered.ids.reverse();
        }
        if self.is(Defect::HidesTheRetired) {
            registered.retired.clear();
        }
        Ok(registered)
    }

    pub(super) async fn receivers_wrongly(&self) -> Result<Vec<ReceiverInfo>> {
        let mut receivers = self.inner.receivers().await?;
        for receiver in &mut receivers {
            if self.is(Defect::HidesSwitches) {
                (receiver.paused, receiver.retired) = (false, false);
            }
            if self.is(Defect::HidesOldNames) {
                receiver.aliases.clear();
            }
        }
        receivers.retain(|_| !self.is(Defect::HidesReceivers));
        Ok(receivers)
    }

    pub(super) async fn resolve_wrongly(&self, registration: &Registration) -> Result<Registered> {
        if self.is(Defect::StoresWhatItResolves) {
            return self.inner.register(registration).await;
        }
        self.inner.resolve(&self.misread(registration)).await
    }

    fn misread(&self, registration: &Registration) -> Registration {
        let mut wrong = registration.clone();
        if self.is(Defect::IgnoresAliases) {
            wrong.receivers.iter_mut().for_each(|receiver| receiver.aliases = &[]);
        }
        if self.is(Defect::IgnoresAliasesOfSignals) {
            wrong.signals.iter_mut().for_each(|signal| signal.aliases = &[]);
        }
        if self.is(Defect::StoresWhatItRetires)
            && let Some(signal) = wrong.signals.first().map(|signal| signal.name)
        {
            let gone = wrong.retired.iter().map(|name| ReceiverEntry { name, aliases: &[], signal });
            wrong.receivers.extend(gone);
        }
        if self.is(Defect::IgnoresRetirement) {
            wrong.retired.clear();
        }
        wrong
    }

    pub(super) async fn enlist_wrongly(&self, worker: &WorkerInfo) -> Result<Incarnation> {
        let drawn = self.inner.enlist(worker).await?;
        let first = *self.backend.shared.memory().incarnation.get_or_insert(drawn);
        Ok(if self.is(Defect::SharesIncarnations) { first } else { drawn })
    }
}
