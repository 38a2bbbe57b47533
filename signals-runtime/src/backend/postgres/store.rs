//! [`Store`] over one Postgres database: which verb is in which file, how long each may take, and errors on their way out.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use signals_core::delivery::{DeliveryId, ReceiverId};
use signals_core::store::{
    Acked, Acting, Action, ActionId, Capabilities, Claim, Claims, Counts, Decided, DeliveryDetail, Failed, Filter,
    Finished, Forgotten, Found, Held, Hints, Migration, Page, Promoted, Pruned, ReceiverInfo, Registered, Registration,
    Renewed, Retention, Snoozed, Span, Store, Switch, Trends, WorkerInfo, WorkerRecord,
};
use signals_core::token::Incarnation;
use signals_core::{Backend as _, BoxFuture, Result};
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use tokio::runtime::Handle;

use super::by_hand::{self, Deed, End};
use super::claim::Floors;
use super::connections::Connections;
use super::hints::Listener;
use super::promote::{self, DueFloor};
use super::{PgBackend, Settings, claim, error, finish, inspect, migrate, register, upkeep, workers};
use crate::task;

/// How long a worker's statement may take: in a network that swallows everything nothing else says that it is lost. Shorter
/// than half of the usual lease, so that a renewal can be tried again.
const PATIENCE: Duration = Duration::from_secs(8);

/// How often what a merge of names left behind is looked for.
const STRAGGLERS: Duration = Duration::from_secs(1);

/// The deliveries of one database, on connections of the store's own.
#[derive(Debug)]
pub(super) struct PgStore {
    options: PgConnectOptions,
    settings: Settings,
    pub(super) connections: Arc<Connections>,
    floors: Floors,
    due: DueFloor,
    pool_size: u32,
    /// When stragglers of merges were looked for.
    looked: Mutex<Option<Instant>>,
}

impl PgStore {
    /// The deliveries of the database that `pool` opens.
    pub(super) fn new(pool: &PgPool, settings: &Settings) -> Self {
        Self::over((*pool.connect_options()).clone(), settings.clone(), pool.options().get_max_connections())
    }

    fn over(options: PgConnectOptions, settings: Settings, pool_size: u32) -> Self {
        let connections = Arc::new(Connections::new(&options, &settings));
        let (floors, due) = (Floors::default(), DueFloor::default());
        Self { options, settings, connections, floors, due, pool_size, looked: Mutex::default() }
    }

    /// Runs what may take as long as it does; after an error of a connection, the next call opens them again. Whoever drops
    /// it leaves nothing open on the server.
    fn run<'a, T: Send + 'a>(&'a self, work: impl Future<Output = Result<T>> + Send + 'a) -> BoxFuture<'a, Result<T>> {
        Box::pin(async move {
            let unfinished = Unfinished(Some(&self.connections));
            let answer = work.await.inspect_err(|error| {
                self.connections.note(error);
                if error.is_connection() {
                    self.floors.drop_all();
                    self.due.drop_it();
                }
            });
            settle(&self.connections).await;
            unfinished.end();
            answer
        })
    }

    /// Runs a worker's statement, for [`PATIENCE`].
    fn soon<'a, T: Send + 'a>(
        &'a self,
        verb: &'static str,
        work: impl Future<Output = Result<T>> + Send + 'a,
    ) -> BoxFuture<'a, Result<T>> {
        self.run(async move {
            tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_elapsed| Err(error::silence(verb)))
        })
    }

    async fn promote_and_move(&self, limit: usize) -> Result<Promoted> {
        if self.is_time_to_look() {
            register::move_stragglers(&self.connections).await?;
        }
        promote::promote(&self.connections, &self.due, limit).await
    }

    fn is_time_to_look(&self) -> bool {
        // tidy: a duration: how long ago it was looked
        let now = Instant::now();
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let is_time = self.connections.is_clock_imposed()
            || looked.is_none_or(|looked| now.saturating_duration_since(looked) >= STRAGGLERS);
        if is_time {
            *looked = Some(now);
        }
        is_time
    }
}

/// Ends on the server what was dropped. Not for ever: one that has fallen silent must not keep an answer back.
async fn settle(connections: &Connections) {
    let _ = tokio::time::timeout(PATIENCE, connections.settle()).await;
}

/// A call of the store. Dropped before its end, it has the server told by a task: the transaction that it leaves would keep
/// its locks and its snapshot until somebody uses the same connection.
struct Unfinished<'a>(Option<&'a Arc<Connections>>);

impl Unfinished<'_> {
    fn end(mut self) {
        self.0 = None;
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        // Without a runtime the connections end with it, and their transactions with them.
        if let Some(connections) = self.0.take().filter(|_| Handle::try_current().is_ok()) {
            let connections = Arc::clone(connections);
            task::beside(async move { settle(&connections).await });
        }
    }
}

impl Store for PgStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            name: PgBackend::NAME,
            single_writer: false,
            durable: true,
            pool_connections: Some(0),
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
        self.soon("resolve", register::resolve(&self.connections, registration))
    }

    fn enlist<'a>(&'a self, worker: &'a WorkerInfo) -> BoxFuture<'a, Result<Incarnation>> {
        self.soon("enlist", workers::enlist(&self.connections, worker))
    }

    fn heartbeat<'a>(&'a self, incarnation: Incarnation, worker: &'a WorkerInfo) -> BoxFuture<'a, Result<()>> {
        self.soon("heartbeat", workers::heartbeat(&self.connections, incarnation, worker))
    }

    fn resign(&self, incarnation: Incarnation) -> BoxFuture<'_, Result<()>> {
        self.soon("resign", workers::resign(&self.connections, incarnation))
    }

    fn dedicated(&self) -> BoxFuture<'_, Result<Arc<dyn Store>>> {
        self.soon("connect", async move {
            let store = Self::over(self.options.clone(), self.settings.clone(), self.pool_size);
            store.connections.quick().await?.commit().await?;
            Ok(Arc::new(store) as Arc<dyn Store>)
        })
    }

    fn hints(&self) -> BoxFuture<'_, Result<Option<Box<dyn Hints>>>> {
        self.soon("listen", async move {
            if !self.settings.hints {
                return Ok(None);
            }
            Ok(Some(Box::new(Listener::open(&self.options).await?) as Box<dyn Hints>))
        })
    }

    fn claim<'a>(&'a self, claim: &'a Claim) -> BoxFuture<'a, Result<Claims>> {
        self.soon("claim", claim::claim(&self.connections, &self.floors, claim))
    }

    fn renew<'a>(&'a self, held: &'a [Held], lease: Duration) -> BoxFuture<'a, Result<Vec<Renewed>>> {
        self.soon("renew", finish::renew(&self.connections, held, lease))
    }

    fn ack<'a>(&'a self, acked: &'a [Acked]) -> BoxFuture<'a, Result<Vec<Finished>>> {
        self.soon("ack", finish::ack(&self.connections, acked))
    }

    fn fail<'a>(&'a self, failed: &'a [Failed]) -> BoxFuture<'a, Result<Vec<Finished>>> {
        self.soon("fail", finish::fail(&self.connections, failed))
    }

    fn snooze<'a>(&'a self, snoozed: &'a [Snoozed]) -> BoxFuture<'a, Result<Vec<Finished>>> {
        self.soon("snooze", finish::snooze(&self.connections, snoozed))
    }

    fn release<'a>(&'a self, held: &'a [Held]) -> BoxFuture<'a, Result<Vec<Finished>>> {
        self.soon("release", finish::release(&self.connections, held))
    }

    fn promote(&self, limit: usize) -> BoxFuture<'_, Result<Promoted>> {
        self.soon("promote", self.promote_and_move(limit))
    }

    fn look_everywhere(&self) {
        // tidy: a duration: whether a sweep began before it was asked for
        let now = Instant::now();
        self.floors.ask(now);
        self.due.ask(now);
    }

    fn passed(&self, held: &[Held]) {
        // tidy: a duration: how old a mark is
        self.floors.passed(held, Instant::now());
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
