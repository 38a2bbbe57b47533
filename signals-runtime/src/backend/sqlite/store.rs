//! [`Store`] over one SQLite file: which verb is in which file, and errors on their way out.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use signals_core::clock::Clock;
use signals_core::delivery::{DeliveryId, ReceiverId};
use signals_core::store::{
    Acked, Acting, Action, ActionId, Capabilities, Claim, Claims, Counts, Decided, DeliveryDetail, Failed, Filter,
    Finished, Forgotten, Found, Held, Hints, Migration, Page, Promoted, Pruned, ReceiverInfo, Registered, Registration,
    Renewed, Retention, Snoozed, Span, Store, Switch, Trends, WorkerInfo, WorkerRecord,
};
use signals_core::token::Incarnation;
use signals_core::{Backend as _, BoxFuture, Result};
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnectOptions;

use super::by_hand::{self, Deed, End};
use super::connections::Connections;
use super::hints::DataVersion;
use super::patience::Patience;
use super::{SqliteBackend, claim, finish, inspect, migrate, register, upkeep, workers};

/// The deliveries of one file, on connections of the store's own.
#[derive(Debug)]
pub(super) struct SqliteStore {
    options: SqliteConnectOptions,
    clock: Arc<dyn Clock>,
    pub(super) connections: Connections,
    pool_size: u32,
    /// Shared with the stores that are [`dedicated`](Store::dedicated): the keeper learns first that renewals wait.
    pub(super) patience: Arc<Patience>,
}

impl SqliteStore {
    /// The deliveries of the file that `pool` opens.
    pub(super) fn new(pool: &SqlitePool, clock: Arc<dyn Clock>) -> Self {
        let options = (*pool.connect_options()).clone();
        Self::over(options, clock, pool.options().get_max_connections(), Arc::default())
    }

    fn over(options: SqliteConnectOptions, clock: Arc<dyn Clock>, pool_size: u32, patience: Arc<Patience>) -> Self {
        let connections = Connections::new(&options, Arc::clone(&clock), Arc::clone(&patience));
        Self { options, clock, connections, pool_size, patience }
    }

    /// The same store over connections of its own.
    pub(super) fn sibling(&self) -> Self {
        let (clock, patience) = (Arc::clone(&self.clock), Arc::clone(&self.patience));
        Self::over(self.options.clone(), clock, self.pool_size, patience)
    }

    /// Runs `work`; after an error of a connection, the next call opens them again.
    fn run<'a, T>(&'a self, work: impl Future<Output = Result<T>> + Send + 'a) -> BoxFuture<'a, Result<T>> {
        Box::pin(async move { work.await.inspect_err(|error| self.connections.note(error)) })
    }
}

impl Store for SqliteStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            name: SqliteBackend::NAME,
            single_writer: true,
            durable: true,
            pool_connections: None,
            pool_size: Some(self.pool_size),
        }
    }

    fn migrations(&self) -> Vec<Migration> {
        migrate::MIGRATIONS.to_vec()
    }

    fn migrate(&self) -> BoxFuture<'_, Result<()>> {
        self.run(migrate::migrate(&self.connections))
    }

    fn register<'a>(&'a self, registration: &'a Registration) -> BoxFuture<'a, Result<Registered>> {
        self.run(register::register(&self.connections, registration))
    }

    fn resolve<'a>(&'a self, registration: &'a Registration) -> BoxFuture<'a, Result<Registered>> {
        self.run(register::resolve(&self.connections, registration))
    }

    fn enlist<'a>(&'a self, worker: &'a WorkerInfo) -> BoxFuture<'a, Result<Incarnation>> {
        self.run(workers::enlist(&self.connections, worker))
    }

    fn heartbeat<'a>(&'a self, incarnation: Incarnation, worker: &'a WorkerInfo) -> BoxFuture<'a, Result<()>> {
        self.run(workers::heartbeat(&self.connections, incarnation, worker))
    }

    fn resign(&self, incarnation: Incarnation) -> BoxFuture<'_, Result<()>> {
        self.run(workers::resign(&self.connections, incarnation))
    }

    fn dedicated(&self) -> BoxFuture<'_, Result<Arc<dyn Store>>> {
        self.run(async move {
            let store = self.sibling();
            drop(store.connections.quick().await?);
            Ok(Arc::new(store) as Arc<dyn Store>)
        })
    }

    fn hints(&self) -> BoxFuture<'_, Result<Option<Box<dyn Hints>>>> {
        self.run(async move { Ok(Some(Box::new(DataVersion::open(&self.options).await?) as Box<dyn Hints>)) })
    }

    fn claim<'a>(&'a self, claim: &'a Claim) -> BoxFuture<'a, Result<Claims>> {
        self.run(claim::claim(&self.connections, &self.patience, claim))
    }

    fn renew<'a>(&'a self, held: &'a [Held], lease: Duration) -> BoxFuture<'a, Result<Vec<Renewed>>> {
        self.run(finish::renew(&self.connections, held, lease))
    }

    fn ack<'a>(&'a self, acked: &'a [Acked]) -> BoxFuture<'a, Result<Vec<Finished>>> {
        self.run(finish::ack(&self.connections, acked))
    }

    fn fail<'a>(&'a self, failed: &'a [Failed]) -> BoxFuture<'a, Result<Vec<Finished>>> {
        self.run(finish::fail(&self.connections, failed))
    }

    fn snooze<'a>(&'a self, snoozed: &'a [Snoozed]) -> BoxFuture<'a, Result<Vec<Finished>>> {
        self.run(finish::snooze(&self.connections, snoozed))
    }

    fn release<'a>(&'a self, held: &'a [Held]) -> BoxFuture<'a, Result<Vec<Finished>>> {
        self.run(finish::release(&self.connections, held))
    }

    fn promote(&self, limit: usize) -> BoxFuture<'_, Result<Promoted>> {
        self.run(upkeep::promote(&self.connections, limit))
    }

    fn cancel<'a>(&'a self, deliveries: &'a [DeliveryId], acting: &'a Acting<'a>) -> BoxFuture<'a, Result<Decided>> {
        self.run(by_hand::decide(&self.connections, deliveries, Deed::End(End::Cancel), acting))
    }

    fn discard<'a>(&'a self, deliveries: &'a [DeliveryId], acting: &'a Acting<'a>) -> BoxFuture<'a, Result<Decided>> {
        self.run(by_hand::decide(&self.connections, deliveries, Deed::End(End::Discard), acting))
    }

    fn retry<'a>(&'a self, deliveries: &'a [DeliveryId], acting: &'a Acting<'a>) -> BoxFuture<'a, Result<Decided>> {
        self.run(by_hand::decide(&self.connections, deliveries, Deed::Retry, acting))
    }

    fn switch<'a>(&'a self, receiver: ReceiverId, switch: Switch, actor: &'a str) -> BoxFuture<'a, Result<bool>> {
        self.run(by_hand::switch(&self.connections, receiver, switch, actor))
    }

    fn counts(&self) -> BoxFuture<'_, Result<Counts>> {
        self.run(inspect::counts(&self.connections))
    }

    fn trends<'a>(&'a self, span: &'a Span) -> BoxFuture<'a, Result<Trends>> {
        self.run(inspect::trends(&self.connections, span))
    }

    fn actions(&self, before: Option<ActionId>, limit: usize) -> BoxFuture<'_, Result<Vec<Action>>> {
        self.run(by_hand::actions(&self.connections, before, limit))
    }

    fn receivers(&self) -> BoxFuture<'_, Result<Vec<ReceiverInfo>>> {
        self.run(inspect::receivers(&self.connections))
    }

    fn workers(&self, within: Duration) -> BoxFuture<'_, Result<Vec<WorkerRecord>>> {
        self.run(workers::workers(&self.connections, within))
    }

    fn list<'a>(&'a self, filter: &'a Filter) -> BoxFuture<'a, Result<Page>> {
        self.run(inspect::list(&self.connections, filter))
    }

    fn find<'a>(&'a self, filter: &'a Filter, limit: usize) -> BoxFuture<'a, Result<Found>> {
        self.run(inspect::find(&self.connections, filter, limit))
    }

    fn get(&self, delivery: DeliveryId) -> BoxFuture<'_, Result<Option<DeliveryDetail>>> {
        self.run(inspect::get(&self.connections, delivery))
    }

    fn prune<'a>(
        &'a self,
        retention: &'a Retention,
        limit: usize,
        by: Option<&'a Acting<'a>>,
    ) -> BoxFuture<'a, Result<Pruned>> {
        self.run(upkeep::prune(&self.connections, retention, limit, by))
    }

    fn forget(&self, older_than: Duration, limit: usize) -> BoxFuture<'_, Result<Forgotten>> {
        self.run(upkeep::forget(&self.connections, older_than, limit))
    }
}
