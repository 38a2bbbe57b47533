//! The [`Store`] over the tables: each method takes the one lock once, which makes it atomic.

use std::sync::Arc;
use std::time::Duration;

use signals_core::clock::Timestamp;
use signals_core::delivery::{DeliveryId, ReceiverId};
use signals_core::store::{
    Acked, Acting, Action, ActionId, Capabilities, Claim, Claims, Counts, Decided, DeliveryDetail, Failed, Filter,
    Finished, Forgotten, Found, Held, Hints, Migration, Page, Promoted, Pruned, ReceiverInfo, Registered, Registration,
    Renewed, Retention, Snoozed, Span, Store, Switch, Trends, WorkerInfo, WorkerRecord,
};
use signals_core::token::Incarnation;
use signals_core::{Backend as _, BoxFuture, Error, Result};

use super::tables::{Tables, WorkerRow};
use super::{MemoryBackend, Shared, by_hand, claim, finish, inspect, register, upkeep};

/// The deliveries of one [`MemoryBackend`].
#[derive(Clone)]
pub(super) struct MemoryStore {
    shared: Arc<Shared>,
}

impl MemoryStore {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Runs `statement` when the future is polled, on all tables at once.
    fn run<'a, T: Send + 'a>(
        &'a self,
        statement: impl FnOnce(&mut Tables, Timestamp) -> Result<T> + Send + 'a,
    ) -> BoxFuture<'a, Result<T>> {
        Box::pin(async move {
            let now = self.shared.now();
            statement(&mut self.shared.lock(), now)
        })
    }
}

impl Store for MemoryStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            name: MemoryBackend::NAME,
            single_writer: false,
            durable: false,
            pool_connections: None,
            pool_size: None,
        }
    }

    fn migrations(&self) -> Vec<Migration> {
        Vec::new()
    }

    fn migrate(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async { Ok(()) })
    }

    fn register<'a>(&'a self, registration: &'a Registration) -> BoxFuture<'a, Result<Registered>> {
        self.run(|tables, now| register::register(tables, registration, now))
    }

    fn resolve<'a>(&'a self, registration: &'a Registration) -> BoxFuture<'a, Result<Registered>> {
        self.run(|tables, _| Ok(tables.names.resolve(registration)))
    }

    fn enlist<'a>(&'a self, worker: &'a WorkerInfo) -> BoxFuture<'a, Result<Incarnation>> {
        self.run(|tables, now| {
            let mut drawn = std::iter::repeat_with(|| Incarnation::from_bits(fastrand::u32(..)));
            let free = drawn.find(|incarnation| !tables.workers.contains_key(incarnation));
            let incarnation = free.expect("draws for ever");
            let row = WorkerRow { info: worker.clone(), started: now, seen: now, stopped: false };
            tables.workers.insert(incarnation, row);
            Ok(incarnation)
        })
    }

    fn heartbeat<'a>(&'a self, incarnation: Incarnation, worker: &'a WorkerInfo) -> BoxFuture<'a, Result<()>> {
        self.run(move |tables, now| {
            let row = tables.workers.get_mut(&incarnation).ok_or_else(|| never_enlisted(incarnation))?;
            row.info = worker.clone();
            row.seen = now;
            Ok(())
        })
    }

    fn resign(&self, incarnation: Incarnation) -> BoxFuture<'_, Result<()>> {
        self.run(move |tables, now| {
            let row = tables.workers.get_mut(&incarnation).ok_or_else(|| never_enlisted(incarnation))?;
            row.seen = now;
            row.stopped = true;
            Ok(())
        })
    }

    fn dedicated(&self) -> BoxFuture<'_, Result<Arc<dyn Store>>> {
        let store: Arc<dyn Store> = Arc::new(self.clone());
        Box::pin(async { Ok(store) })
    }

    fn hints(&self) -> BoxFuture<'_, Result<Option<Box<dyn Hints>>>> {
        Box::pin(async { Ok(None) })
    }

    fn claim<'a>(&'a self, claim: &'a Claim) -> BoxFuture<'a, Result<Claims>> {
        self.run(|tables, now| Ok(claim::claim(tables, claim, now)))
    }

    fn renew<'a>(&'a self, held: &'a [Held], lease: Duration) -> BoxFuture<'a, Result<Vec<Renewed>>> {
        self.run(move |tables, now| Ok(claim::renew(tables, held, lease, now)))
    }

    fn ack<'a>(&'a self, acked: &'a [Acked]) -> BoxFuture<'a, Result<Vec<Finished>>> {
        self.run(|tables, now| finish::ack(tables, acked, now))
    }

    fn fail<'a>(&'a self, failed: &'a [Failed]) -> BoxFuture<'a, Result<Vec<Finished>>> {
        self.run(|tables, now| finish::fail(tables, failed, now))
    }

    fn snooze<'a>(&'a self, snoozed: &'a [Snoozed]) -> BoxFuture<'a, Result<Vec<Finished>>> {
        self.run(|tables, now| finish::snooze(tables, snoozed, now))
    }

    fn release<'a>(&'a self, held: &'a [Held]) -> BoxFuture<'a, Result<Vec<Finished>>> {
        self.run(|tables, now| finish::release(tables, held, now))
    }

    fn promote(&self, limit: usize) -> BoxFuture<'_, Result<Promoted>> {
        self.run(move |tables, now| Ok(finish::promote(tables, limit, now)))
    }

    fn cancel<'a>(&'a self, deliveries: &'a [DeliveryId], acting: &'a Acting<'a>) -> BoxFuture<'a, Result<Decided>> {
        self.run(|tables, now| by_hand::cancel(tables, deliveries, acting, now))
    }

    fn discard<'a>(&'a self, deliveries: &'a [DeliveryId], acting: &'a Acting<'a>) -> BoxFuture<'a, Result<Decided>> {
        self.run(|tables, now| by_hand::discard(tables, deliveries, acting, now))
    }

    fn retry<'a>(&'a self, deliveries: &'a [DeliveryId], acting: &'a Acting<'a>) -> BoxFuture<'a, Result<Decided>> {
        self.run(|tables, now| by_hand::retry(tables, deliveries, acting, now))
    }

    fn switch<'a>(&'a self, receiver: ReceiverId, switch: Switch, actor: &'a str) -> BoxFuture<'a, Result<bool>> {
        self.run(move |tables, now| Ok(by_hand::switch(tables, receiver, switch, actor, now)))
    }

    fn counts(&self) -> BoxFuture<'_, Result<Counts>> {
        self.run(|tables, now| Ok(inspect::counts(tables, now)))
    }

    fn trends<'a>(&'a self, span: &'a Span) -> BoxFuture<'a, Result<Trends>> {
        self.run(|tables, now| Ok(inspect::trends(tables, span, now)))
    }

    fn actions(&self, before: Option<ActionId>, limit: usize) -> BoxFuture<'_, Result<Vec<Action>>> {
        self.run(move |tables, _| Ok(inspect::actions(tables, before, limit)))
    }

    fn receivers(&self) -> BoxFuture<'_, Result<Vec<ReceiverInfo>>> {
        self.run(|tables, _| Ok(tables.names.receivers()))
    }

    fn workers(&self, within: Duration) -> BoxFuture<'_, Result<Vec<WorkerRecord>>> {
        self.run(move |tables, now| Ok(inspect::workers(tables, within, now)))
    }

    fn list<'a>(&'a self, filter: &'a Filter) -> BoxFuture<'a, Result<Page>> {
        self.run(|tables, now| Ok(inspect::list(tables, filter, now)))
    }

    fn find<'a>(&'a self, filter: &'a Filter, limit: usize) -> BoxFuture<'a, Result<Found>> {
        self.run(move |tables, now| Ok(inspect::find(tables, filter, limit, now)))
    }

    fn get(&self, delivery: DeliveryId) -> BoxFuture<'_, Result<Option<DeliveryDetail>>> {
        self.run(move |tables, _| Ok(inspect::get(tables, delivery)))
    }

    fn prune<'a>(
        &'a self,
        retention: &'a Retention,
        limit: usize,
        by: Option<&'a Acting<'a>>,
    ) -> BoxFuture<'a, Result<Pruned>> {
        self.run(move |tables, now| Ok(upkeep::prune(tables, retention, limit, by, now)))
    }

    fn forget(&self, older_than: Duration, limit: usize) -> BoxFuture<'_, Result<Forgotten>> {
        self.run(move |tables, now| Ok(upkeep::forget(tables, older_than, limit, now)))
    }
}

fn never_enlisted(incarnation: Incarnation) -> Error {
    Error::Unavailable(format!("worker {incarnation} never enlisted").into())
}
