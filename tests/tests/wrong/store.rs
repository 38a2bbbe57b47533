//! The store with a defect: every method is the memory backend's, called a little wrongly or with a changed answer.

use std::sync::Arc;
use std::time::Duration;

use signals_core::delivery::{DeliveryId, ReceiverId};
use signals_core::store::{
    Acked, Acting, Action, ActionId, Capabilities, Claim, Claims, Counts, Decided, DeliveryDetail, Failed, Filter,
    Finished, Forgotten, Found, Held, Hints, Migration, Page, Promoted, Pruned, ReceiverInfo, Registered, Registration,
    Renewed, Retention, Snoozed, Span, Store, Switch, Trends, WorkerInfo, WorkerRecord,
};
use signals_core::token::Incarnation;
use signals_core::{Backend as _, BoxFuture, Result};
use signals_runtime::backend::memory::MemoryBackend;

use super::backend::Wrong;
use super::defects::Defect;

pub(super) struct WrongStore {
    pub(super) inner: Arc<dyn Store>,
    pub(super) backend: Wrong,
}

impl WrongStore {
    pub(super) fn is(&self, defect: Defect) -> bool {
        self.backend.shared.is(defect)
    }
}

impl Store for WrongStore {
    fn capabilities(&self) -> Capabilities {
        let right = self.inner.capabilities();
        if self.is(Defect::GoesByAnotherName) { Capabilities { name: "other", ..right } } else { right }
    }

    fn migrations(&self) -> Vec<Migration> {
        self.inner.migrations()
    }

    fn migrate(&self) -> BoxFuture<'_, Result<()>> {
        self.inner.migrate()
    }

    fn register<'a>(&'a self, registration: &'a Registration) -> BoxFuture<'a, Result<Registered>> {
        Box::pin(self.register_wrongly(registration))
    }

    fn resolve<'a>(&'a self, registration: &'a Registration) -> BoxFuture<'a, Result<Registered>> {
        Box::pin(self.resolve_wrongly(registration))
    }

    fn enlist<'a>(&'a self, worker: &'a WorkerInfo) -> BoxFuture<'a, Result<Incarnation>> {
        Box::pin(self.enlist_wrongly(worker))
    }

    fn heartbeat<'a>(&'a self, incarnation: Incarnation, worker: &'a WorkerInfo) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let answer = self.inner.heartbeat(incarnation, worker).await;
            if self.is(Defect::BeatsForNobody) { Ok(()) } else { answer }
        })
    }

    fn resign(&self, incarnation: Incarnation) -> BoxFuture<'_, Result<()>> {
        if self.is(Defect::NeverResigns) { Box::pin(async { Ok(()) }) } else { self.inner.resign(incarnation) }
    }

    fn dedicated(&self) -> BoxFuture<'_, Result<Arc<dyn Store>>> {
        let elsewhere = self.is(Defect::DedicatesAnotherDatabase).then(|| MemoryBackend::new().store());
        let own = || Arc::new(Self { inner: self.inner.clone(), backend: self.backend.clone() }) as Arc<dyn Store>;
        let store = elsewhere.unwrap_or_else(own);
        Box::pin(async { Ok(store) })
    }

    fn hints(&self) -> BoxFuture<'_, Result<Option<Box<dyn Hints>>>> {
        self.inner.hints()
    }

    fn claim<'a>(&'a self, claim: &'a Claim) -> BoxFuture<'a, Result<Claims>> {
        Box::pin(self.claim_wrongly(claim))
    }

    fn renew<'a>(&'a self, held: &'a [Held], lease: Duration) -> BoxFuture<'a, Result<Vec<Renewed>>> {
        Box::pin(self.renew_wrongly(held, lease))
    }

    fn ack<'a>(&'a self, acked: &'a [Acked]) -> BoxFuture<'a, Result<Vec<Finished>>> {
        Box::pin(self.ack_wrongly(acked))
    }

    fn fail<'a>(&'a self, failed: &'a [Failed]) -> BoxFuture<'a, Result<Vec<Finished>>> {
        Box::pin(self.fail_wrongly(failed))
    }

    fn snooze<'a>(&'a self, snoozed: &'a [Snoozed]) -> BoxFuture<'a, Result<Vec<Finished>>> {
        Box::pin(self.snooze_wrongly(snoozed))
    }

    fn release<'a>(&'a self, held: &'a [Held]) -> BoxFuture<'a, Result<Vec<Finished>>> {
        Box::pin(self.release_wrongly(held))
    }

    fn promote(&self, limit: usize) -> BoxFuture<'_, Result<Promoted>> {
        Box::pin(self.promote_wrongly(limit))
    }

    fn look_everywhere(&self) {
        self.inner.look_everywhere();
    }

    fn cancel<'a>(&'a self, ids: &'a [DeliveryId], acting: &'a Acting<'a>) -> BoxFuture<'a, Result<Decided>> {
        Box::pin(self.cancel_wrongly(ids, acting))
    }

    fn discard<'a>(&'a self, ids: &'a [DeliveryId], acting: &'a Acting<'a>) -> BoxFuture<'a, Result<Decided>> {
        Box::pin(self.discard_wrongly(ids, acting))
    }

    fn retry<'a>(&'a self, ids: &'a [DeliveryId], acting: &'a Acting<'a>) -> BoxFuture<'a, Result<Decided>> {
        Box::pin(self.retry_wrongly(ids, acting))
    }

    fn switch<'a>(&'a self, receiver: ReceiverId, switch: Switch, actor: &'a str) -> BoxFuture<'a, Result<bool>> {
        Box::pin(self.switch_wrongly(receiver, switch, actor))
    }

    fn trends<'a>(&'a self, span: &'a Span) -> BoxFuture<'a, Result<Trends>> {
        Box::pin(self.trends_wrongly(span))
    }

    fn actions(&self, before: Option<ActionId>, limit: usize) -> BoxFuture<'_, Result<Vec<Action>>> {
        Box::pin(self.actions_wrongly(before, limit))
    }

    fn counts(&self) -> BoxFuture<'_, Result<Counts>> {
        Box::pin(self.counts_wrongly())
    }

    fn receivers(&self) -> BoxFuture<'_, Result<Vec<ReceiverInfo>>> {
        Box::pin(self.receivers_wrongly())
    }

    fn workers(&self, within: Duration) -> BoxFuture<'_, Result<Vec<WorkerRecord>>> {
        self.inner.workers(if self.is(Defect::ShowsDeadWorkers) { Duration::MAX } else { within })
    }

    fn list<'a>(&'a self, filter: &'a Filter) -> BoxFuture<'a, Result<Page>> {
        Box::pin(self.list_wrongly(filter))
    }

    fn find<'a>(&'a self, filter: &'a Filter, limit: usize) -> BoxFuture<'a, Result<Found>> {
        Box::pin(self.find_wrongly(filter, limit))
    }

    fn get(&self, delivery: DeliveryId) -> BoxFuture<'_, Result<Option<DeliveryDetail>>> {
        Box::pin(self.get_wrongly(delivery))
    }

    fn prune<'a>(
        &'a self,
        retention: &'a Retention,
        limit: usize,
        by: Option<&'a Acting<'a>>,
    ) -> BoxFuture<'a, Result<Pruned>> {
        Box::pin(self.prune_wrongly(retention, limit, by))
    }

    fn forget(&self, older_than: Duration, limit: usize) -> BoxFuture<'_, Result<Forgotten>> {
        Box::pin(self.forget_wrongly(older_than, limit))
    }
}
