//! The backend whose calls are cut: each method is that of SQLite's, as a [`Call`].

use std::sync::Arc;
use std::time::Duration;

use signals_conformance::faults::Meter;
use signals_core::clock::Clock;
use signals_core::delivery::{DeliveryId, ReceiverId};
use signals_core::store::{
    Acked, Acting, Action, ActionId, Capabilities, Claim, Claims, Counts, Decided, DeliveryDetail, Failed, Filter,
    Finished, Forgotten, Found, Held, Hints, Migration, Page, Promoted, Pruned, ReceiverInfo, Registered, Registration,
    Renewed, Retention, Snoozed, Span, Store, Switch, Trends, WorkerInfo, WorkerRecord,
};
use signals_core::token::Incarnation;
use signals_core::{Backend, BoxFuture, Receipt, Result, SendBatch};
use signals_runtime::SqliteBackend;
use sqlx::{Sqlite, Transaction};

use crate::call::{Call, Ends};

/// SQLite, whose statements are counted.
#[derive(Clone, Debug)]
pub(crate) struct Faulty {
    pub(crate) inner: SqliteBackend,
    pub(crate) meter: Arc<Meter>,
}

/// A transaction, and the connection that it is on.
#[derive(Debug)]
pub(crate) struct FaultyTx {
    pub(crate) tx: Transaction<'static, Sqlite>,
    pub(crate) meter: Arc<Meter>,
}

/// A call that leaves its transaction open.
fn within<'a, T: 'a>(
    meter: &Arc<Meter>,
    name: &'static str,
    work: BoxFuture<'a, Result<T>>,
) -> BoxFuture<'a, Result<T>> {
    Box::pin(Call::new(meter, name, Ends::Open, work))
}

impl Backend for Faulty {
    type Conn = FaultyTx;
    type Tx = FaultyTx;

    const NAME: &'static str = SqliteBackend::NAME;

    fn begin(&self) -> BoxFuture<'_, Result<FaultyTx>> {
        Box::pin(async {
            let tx = within(&self.meter, "begin", self.inner.begin()).await?;
            Ok(FaultyTx { tx, meter: self.meter.clone() })
        })
    }

    fn commit(&self, tx: FaultyTx) -> BoxFuture<'_, Result<()>> {
        Box::pin(Call::new(&self.meter, "commit", Ends::Committed, self.inner.commit(tx.tx)))
    }

    fn rollback(&self, tx: FaultyTx) -> BoxFuture<'_, Result<()>> {
        within(&self.meter, "rollback", self.inner.rollback(tx.tx))
    }

    fn conn(tx: &FaultyTx) -> &FaultyTx {
        tx
    }

    fn conn_mut(tx: &mut FaultyTx) -> &mut FaultyTx {
        tx
    }

    fn savepoint(conn: &mut FaultyTx) -> BoxFuture<'_, Result<()>> {
        within(&conn.meter, "savepoint", SqliteBackend::savepoint(&mut conn.tx))
    }

    fn release_savepoint(conn: &mut FaultyTx) -> BoxFuture<'_, Result<()>> {
        within(&conn.meter, "release_savepoint", SqliteBackend::release_savepoint(&mut conn.tx))
    }

    fn rollback_savepoint(conn: &mut FaultyTx) -> BoxFuture<'_, Result<()>> {
        within(&conn.meter, "rollback_savepoint", SqliteBackend::rollback_savepoint(&mut conn.tx))
    }

    fn start_rollback_savepoint(conn: &mut FaultyTx) {
        SqliteBackend::start_rollback_savepoint(&mut conn.tx);
    }

    fn send<'c>(conn: &'c mut FaultyTx, batch: &'c SendBatch) -> BoxFuture<'c, Result<Vec<Receipt>>> {
        within(&conn.meter, "send", SqliteBackend::send(&mut conn.tx, batch))
    }

    fn fence<'t>(&'t self, tx: &'t mut FaultyTx) -> BoxFuture<'t, Result<()>> {
        within(&self.meter, "fence", self.inner.fence(&mut tx.tx))
    }

    fn ack<'t>(&'t self, tx: &'t mut FaultyTx, acked: &'t Acked) -> BoxFuture<'t, Result<()>> {
        within(&self.meter, "ack in the receiver's transaction", Backend::ack(&self.inner, &mut tx.tx, acked))
    }

    fn store(&self) -> Arc<dyn Store> {
        Arc::new(FaultyStore { inner: self.inner.store(), meter: self.meter.clone() })
    }

    fn clock(&self) -> Arc<dyn Clock> {
        self.inner.clock()
    }
}

/// Its store, of which every method is one transaction.
struct FaultyStore {
    inner: Arc<dyn Store>,
    meter: Arc<Meter>,
}

macro_rules! calls {
    ($($name:ident($($arg:ident: $of:ty),*) -> $answer:ty;)*) => {
        $(fn $name<'a>(&'a self, $($arg: $of),*) -> BoxFuture<'a, Result<$answer>> {
            Box::pin(Call::new(&self.meter, stringify!($name), Ends::Committed, self.inner.$name($($arg),*)))
        })*
    };
}

impl Store for FaultyStore {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn migrations(&self) -> Vec<Migration> {
        self.inner.migrations()
    }

    fn dedicated(&self) -> BoxFuture<'_, Result<Arc<dyn Store>>> {
        Box::pin(async {
            let inner = within(&self.meter, "dedicated", self.inner.dedicated()).await?;
            Ok(Arc::new(Self { inner, meter: self.meter.clone() }) as Arc<dyn Store>)
        })
    }

    calls! {
        migrate() -> ();
        register(registration: &'a Registration) -> Registered;
        resolve(registration: &'a Registration) -> Registered;
        enlist(worker: &'a WorkerInfo) -> Incarnation;
        heartbeat(incarnation: Incarnation, worker: &'a WorkerInfo) -> ();
        resign(incarnation: Incarnation) -> ();
        hints() -> Option<Box<dyn Hints>>;
        claim(claim: &'a Claim) -> Claims;
        renew(held: &'a [Held], lease: Duration) -> Vec<Renewed>;
        ack(acked: &'a [Acked]) -> Vec<Finished>;
        fail(failed: &'a [Failed]) -> Vec<Finished>;
        snooze(snoozed: &'a [Snoozed]) -> Vec<Finished>;
        release(held: &'a [Held]) -> Vec<Finished>;
        promote(limit: usize) -> Promoted;
        cancel(deliveries: &'a [DeliveryId], acting: &'a Acting<'a>) -> Decided;
        discard(deliveries: &'a [DeliveryId], acting: &'a Acting<'a>) -> Decided;
        retry(deliveries: &'a [DeliveryId], acting: &'a Acting<'a>) -> Decided;
        switch(receiver: ReceiverId, switch: Switch, actor: &'a str) -> bool;
        counts() -> Counts;
        trends(span: &'a Span) -> Trends;
        actions(before: Option<ActionId>, limit: usize) -> Vec<Action>;
        receivers() -> Vec<ReceiverInfo>;
        workers(within: Duration) -> Vec<WorkerRecord>;
        list(filter: &'a Filter) -> Page;
        find(filter: &'a Filter, limit: usize) -> Found;
        get(delivery: DeliveryId) -> Option<DeliveryDetail>;
        prune(retention: &'a Retention, limit: usize, by: Option<&'a Acting<'a>>) -> Pruned;
        forget(older_than: Duration, limit: usize) -> Forgotten;
    }
}
