//! What a case works with: a database, programs that use it, and workers that are moved by hand.

mod app;
mod ears;
mod puppet;
mod tx;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use signals_core::clock::{Clock as _, ManualClock, Timestamp};
use signals_core::delivery::{DeliveryId, ReceiverId, State};
use signals_core::store::{Acting, DeliveryDetail, DeliverySummary, Filter, Store, Switch, Verb};
use signals_core::{Backend, ReceiverDef, Registry, Result, SignalDef};

pub use app::App;
pub use ears::Ears;
pub use puppet::{LEASE, Puppet, acked, failed, forged, retry_in};
pub use tx::TestTx;

/// A backend, as the suite sees it: how a database for one case is made, and a little table of business values beside
/// the signals. The [crate's documentation](crate) has a complete one.
///
/// Cases run in parallel, each on a runtime of its own; tests of one program share the process, those of `cargo nextest`
/// do not. Nothing that `open` makes may be shared, and it is gone when the case has dropped its [`Db`].
pub trait Harness: Sized + Send + Sync + 'static {
    /// The backend under test.
    type Backend: Backend + Clone;

    /// Makes an empty database that follows `clock`. The suite migrates it.
    ///
    /// Every time that the database decides about, or stores, must come from `clock`: cases stand still for as long as
    /// they like, and then let years pass at once. A backend whose server has a clock needs a way to be told the time in
    /// tests. How *long* something takes may be measured by the real clock.
    ///
    /// Called once for a case, and again by the few that need several databases.
    ///
    /// # Panics
    ///
    /// Panics when there is no database to be had: a case that cannot run has failed.
    fn open(clock: ManualClock) -> impl Future<Output = Self> + Send;

    /// The backend under test. Clones of it are the same database.
    fn backend(&self) -> &Self::Backend;

    /// A business write: `value` under `key`, replacing what is there, in the transaction that `conn` is in. It is kept
    /// or lost with that transaction, and with a savepoint of it.
    ///
    /// # Errors
    ///
    /// Returns what the database says. No case provokes it.
    fn write<'c>(
        conn: &'c mut <Self::Backend as Backend>::Conn,
        key: &'c str,
        value: &'c str,
    ) -> impl Future<Output = Result<()>> + Send + 'c;

    /// The committed value under `key`, as any other connection sees it.
    fn read(&self, key: &str) -> impl Future<Output = Option<String>> + Send;

    /// Ends the transaction and begins another on the same connection, as `COMMIT` and `BEGIN` in a receiver's own SQL
    /// would. Answers whether it could; where it cannot, the cases about W21 prove nothing.
    ///
    /// # Errors
    ///
    /// Returns what the database says. No case provokes it.
    fn commit_and_begin(conn: &mut <Self::Backend as Backend>::Conn) -> impl Future<Output = Result<bool>> + Send + '_;
}

/// Runs one case against an empty database: what `conformance!` expands to.
///
/// # Panics
///
/// Panics when the case fails.
pub fn run<H: Harness, F: Future<Output = ()>>(case: impl FnOnce(Db<H>) -> F) {
    // Its type is forgotten: the runtime, compiled for each case anew, was a third of the suite's code.
    to_its_end(Box::pin(async { case(Db::open().await).await }));
}

fn to_its_end(case: Pin<Box<dyn Future<Output = ()> + '_>>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime for one test");
    runtime.block_on(case);
}

/// In the place of a case that needs two transactions that write at once: proves that there is no such situation.
///
/// # Panics
///
/// Panics when the store's capabilities do not say so.
pub async fn has_one_writer<H: Harness>(db: Db<H>) {
    assert!(db.single_writer(), "`conformance!` was told that there is one writer, and the capabilities say otherwise");
}

/// What a case is given: an empty database with a clock that stands still until the case moves it.
///
/// A case looks at its database through this, and acts through the programs that it makes: [`app`](Self::app) is one that
/// has registered its receivers, [`program`](Self::program) one that has not.
///
/// ```
/// use signals_conformance::fixtures::{SHIP, paid};
/// use signals_conformance::{Db, Harness};
/// use signals_core::delivery::State;
///
/// /// T4: a case, as the suite has hundreds.
/// async fn t4_what_is_acknowledged_is_done<H: Harness>(db: Db<H>) {
///     let app = db.app(&[&SHIP]).await;
///     let [id] = app.deliver(&paid(7), [&SHIP]).await;
///     let mut puppet = app.puppet().await;
///     let claimed = puppet.claim_one().await;
///     puppet.ack(&claimed).await;
///     assert_eq!(db.state(id).await, State::Done);
/// }
///
/// signals_conformance::run::<signals_conformance::model::Model, _>(t4_what_is_acknowledged_is_done);
/// ```
pub struct Db<H: Harness> {
    /// What it is.
    pub harness: Arc<H>,
    /// Its clock.
    pub clock: ManualClock,
    /// Its deliveries.
    pub store: Arc<dyn Store>,
}

impl<H: Harness> Clone for Db<H> {
    fn clone(&self) -> Self {
        Self { harness: self.harness.clone(), clock: self.clock.clone(), store: self.store.clone() }
    }
}

impl<H: Harness> std::fmt::Debug for Db<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Db").field("backend", &H::Backend::NAME).field("clock", &self.clock).finish_non_exhaustive()
    }
}

impl<H: Harness> Db<H> {
    /// An empty database, migrated.
    pub async fn open() -> Self {
        let clock = ManualClock::default();
        let harness = H::open(clock.clone()).await;
        let store = harness.backend().store();
        store.migrate().await.expect("an empty database can be migrated");
        Self { harness: Arc::new(harness), clock, store }
    }

    /// A program that links `receivers`, not registered yet.
    pub fn program(&self, receivers: &[&'static ReceiverDef]) -> App<H> {
        self.program_with(receivers, &[], &[])
    }

    /// A program that links `receivers` and `signals`, and declares `retired` gone; not registered yet.
    pub fn program_with(
        &self,
        receivers: &[&'static ReceiverDef],
        signals: &[&'static SignalDef],
        retired: &[&'static str],
    ) -> App<H> {
        let builder = receivers.iter().fold(Registry::builder(), |builder, def| builder.receiver_def(def));
        let builder = signals.iter().fold(builder, |builder, def| builder.signal_def(def));
        let builder = retired.iter().fold(builder, |builder, name| builder.retired(name));
        App { db: self.clone(), registry: Arc::new(builder.build().expect("the fixtures contradict each other")) }
    }

    /// A program that links `receivers` and has registered them.
    pub async fn app(&self, receivers: &[&'static ReceiverDef]) -> App<H> {
        let app = self.program(receivers);
        app.register().await.expect("the receivers can be registered");
        app
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Moves the clock by `seconds`.
    pub fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// All deliveries, by signal, then by receiver.
    pub async fn all(&self) -> Vec<DeliverySummary> {
        let filter = Filter { limit: 1_000, ..Filter::default() };
        let mut page = self.store.list(&filter).await.expect("deliveries can be listed").deliveries;
        page.sort_by_key(|delivery| delivery.id);
        page
    }

    /// The states of all deliveries, by signal, then by receiver.
    pub async fn states(&self) -> Vec<State> {
        self.all().await.into_iter().map(|delivery| delivery.state).collect()
    }

    /// A delivery that must exist.
    pub async fn get(&self, id: DeliveryId) -> DeliveryDetail {
        self.find(id).await.expect("the delivery exists")
    }

    /// A delivery, if it exists.
    pub async fn find(&self, id: DeliveryId) -> Option<DeliveryDetail> {
        self.store.get(id).await.expect("a delivery can be looked up")
    }

    /// A delivery's state; it must exist.
    pub async fn state(&self, id: DeliveryId) -> State {
        self.get(id).await.summary.state
    }

    /// T10: cancels one delivery.
    ///
    /// # Errors
    ///
    /// Returns what the store says of it.
    pub async fn cancel(&self, id: DeliveryId, actor: &str) -> Result<()> {
        self.decide(Verb::Cancel, id, actor).await
    }

    /// T10: discards one delivery.
    ///
    /// # Errors
    ///
    /// Returns what the store says of it.
    pub async fn discard(&self, id: DeliveryId, actor: &str) -> Result<()> {
        self.decide(Verb::Discard, id, actor).await
    }

    /// T11: retries one delivery.
    ///
    /// # Errors
    ///
    /// Returns what the store says of it.
    pub async fn retry(&self, id: DeliveryId, actor: &str) -> Result<()> {
        self.decide(Verb::Retry, id, actor).await
    }

    async fn decide(&self, verb: Verb, id: DeliveryId, actor: &str) -> Result<()> {
        let subject = id.to_string();
        let acting = Acting { actor, subject: &subject, continues: None };
        let decided = match verb {
            Verb::Cancel => self.store.cancel(&[id], &acting).await?,
            Verb::Discard => self.store.discard(&[id], &acting).await?,
            _ => self.store.retry(&[id], &acting).await?,
        };
        decided.verdicts[0].into_result(id, verb)
    }

    /// Pauses or resumes a receiver.
    ///
    /// # Errors
    ///
    /// Returns what the store says.
    pub async fn pause(&self, receiver: ReceiverId, paused: bool) -> Result<()> {
        let switch = if paused { Switch::Pause } else { Switch::Resume };
        self.store.switch(receiver, switch, "ops").await.map(drop)
    }

    /// The log of actions, oldest first, without its times: actor, verb, subject, count.
    pub async fn log(&self) -> Vec<(String, String, String, u64)> {
        let mut actions = self.store.actions(None, 1_000).await.expect("the log can be read");
        actions.reverse();
        actions.into_iter().map(|action| (action.actor, action.verb, action.subject, action.count)).collect()
    }

    /// The committed business value under `key`.
    pub async fn read(&self, key: &str) -> Option<String> {
        self.harness.read(key).await
    }

    /// Writes a business value in `tx`.
    pub async fn write(&self, tx: &mut TestTx<H::Backend>, key: &str, value: &str) {
        H::write(tx.conn(), key, value).await.expect("a business write succeeds");
    }

    /// Whether a second transaction waits for the first to end.
    pub fn single_writer(&self) -> bool {
        self.store.capabilities().single_writer
    }
}
