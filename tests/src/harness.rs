//! What a case works with: a database, programs that use it, and workers that are moved by hand.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use signals_core::clock::{Clock as _, ManualClock, Timestamp};
use signals_core::delivery::{DeliveryId, Lane, ReceiverId, State};
use signals_core::store::{
    Acked, Acting, AttemptOutcome, Claim, ClaimLane, Claimed, Claims, DeliveryDetail, DeliverySummary, Failed, Fate,
    Filter, Finished, Held, Registered, Renewed, Snoozed, Store, Switch, Verb, WorkerInfo,
};
use signals_core::token::Tokens;
use signals_core::{
    Backend, InTransaction, Receipt, ReceiverDef, Registry, Result, SendBatch, SendContext, Signal, SignalDef,
};

/// The lease of a [`Puppet`].
pub const LEASE: Duration = Duration::from_secs(20);

/// A backend, as the suite sees it.
pub trait Harness: Sized + Send + Sync + 'static {
    /// The backend under test.
    type Backend: Backend + Clone;

    /// Makes an empty database that follows `clock`. The suite migrates it.
    fn open(clock: ManualClock) -> impl Future<Output = Self> + Send;

    /// The backend under test.
    fn backend(&self) -> &Self::Backend;

    /// A business write: `value` under `key`, in the transaction that `conn` is in.
    fn write<'c>(
        conn: &'c mut <Self::Backend as Backend>::Conn,
        key: &'c str,
        value: &'c str,
    ) -> impl Future<Output = Result<()>> + Send + 'c;

    /// The committed value under `key`.
    fn read(&self, key: &str) -> impl Future<Output = Option<String>> + Send;

    /// Ends the transaction and begins another on the same connection, as `COMMIT` and `BEGIN` in a receiver's own SQL
    /// would. Answers whether it could; where it cannot, the cases about W21 prove nothing.
    fn commit_and_begin(conn: &mut <Self::Backend as Backend>::Conn) -> impl Future<Output = Result<bool>> + Send + '_;
}

/// Runs one case against an empty database: what `conformance!` expands to.
///
/// # Panics
///
/// Panics when the case fails.
pub fn run<H: Harness, F: Future<Output = ()>>(case: impl FnOnce(Db<H>) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime for one test");
    runtime.block_on(async { case(Db::open().await).await });
}

/// An empty database with a clock that stands still.
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

/// One program that uses the database: the receivers that it links.
pub struct App<H: Harness> {
    /// The database.
    pub db: Db<H>,
    /// What is linked into it.
    pub registry: Arc<Registry>,
}

impl<H: Harness> std::fmt::Debug for App<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("db", &self.db).field("registry", &self.registry).finish()
    }
}

impl<H: Harness> App<H> {
    /// Stores its receivers.
    ///
    /// # Errors
    ///
    /// Returns what the store says.
    pub async fn register(&self) -> Result<Registered> {
        self.db.store.register(&self.registry.registration()).await
    }

    /// The stored ids of its receivers.
    pub async fn resolve(&self) -> Registered {
        self.db.store.resolve(&self.registry.registration()).await.expect("receivers can be resolved")
    }

    /// The id of a receiver, which must be stored.
    pub async fn id(&self, receiver: &ReceiverDef) -> ReceiverId {
        let ids = self.resolve().await.ids;
        ids.into_iter().find(|(name, _)| *name == receiver.name).expect("the receiver is stored").1
    }

    /// Begins a transaction.
    pub async fn begin(&self) -> TestTx<H::Backend> {
        let backend = self.db.harness.backend().clone();
        let tx = backend.begin().await.expect("a transaction can begin");
        let clock = Arc::new(self.db.clock.clone());
        let context = SendContext { clock, ..SendContext::new(self.registry.clone()) };
        TestTx { backend, tx, context }
    }

    /// Sends `signal` in a transaction of its own, which must succeed.
    pub async fn send<S: Signal>(&self, signal: &S) -> Receipt {
        let mut tx = self.begin().await;
        let receipt = signal.send(&mut tx).await.expect("the send succeeds");
        tx.commit().await.expect("the commit succeeds");
        receipt
    }

    /// Sends `signal` and answers the ids of its deliveries, in the order of `receivers`.
    pub async fn deliver<S: Signal, const N: usize>(
        &self,
        signal: &S,
        receivers: [&ReceiverDef; N],
    ) -> [DeliveryId; N] {
        let signal = self.send(signal).await.signal_id;
        let ids = self.resolve().await.ids;
        receivers.map(|def| {
            let (_, receiver) = ids.iter().find(|(name, _)| *name == def.name).expect("the receiver is stored");
            DeliveryId { signal, receiver: *receiver }
        })
    }

    /// A worker that knows its lanes.
    pub async fn puppet(&self) -> Puppet {
        let ids = self.resolve().await.ids;
        let lane = |(name, receiver): (&str, ReceiverId)| {
            let def = self.registry.receiver(name).expect("resolved from this registry");
            Lane { receiver, version: def.signal.version }
        };
        let lanes = ids.into_iter().map(lane).collect();
        Puppet::enlist(self.db.store.clone(), lanes).await
    }
}

/// A transaction that signals can be sent in, with no protection of its own: cases see what the backend does.
#[derive(Debug)]
pub struct TestTx<B: Backend> {
    /// The backend.
    pub backend: B,
    /// The transaction.
    pub tx: B::Tx,
    /// What sends through it carry.
    pub context: SendContext,
}

impl<B: Backend> TestTx<B> {
    /// The connection.
    pub fn conn(&mut self) -> &mut B::Conn {
        B::conn_mut(&mut self.tx)
    }

    /// Commits.
    ///
    /// # Errors
    ///
    /// Returns what the backend says.
    pub async fn commit(self) -> Result<()> {
        self.backend.commit(self.tx).await
    }

    /// Rolls back; must succeed.
    pub async fn rollback(self) {
        self.backend.rollback(self.tx).await.expect("a rollback succeeds");
    }

    /// Opens a savepoint; must succeed.
    pub async fn savepoint(&mut self) {
        B::savepoint(self.conn()).await.expect("a savepoint can be opened");
    }

    /// Keeps what was done since the savepoint; must succeed.
    pub async fn release(&mut self) {
        B::release_savepoint(self.conn()).await.expect("a savepoint can be released");
    }

    /// Undoes what was done since the savepoint; must succeed.
    pub async fn undo(&mut self) {
        B::rollback_savepoint(self.conn()).await.expect("a savepoint can be rolled back");
    }

    /// Remembers which transaction this is, as a worker does before it lends it to a receiver; must succeed.
    pub async fn fence(&mut self) {
        self.backend.fence(&mut self.tx).await.expect("a transaction can be fenced");
    }

    /// Acknowledges in this transaction, with history.
    ///
    /// # Errors
    ///
    /// Returns what the backend says.
    pub async fn ack(&mut self, claimed: &Claimed) -> Result<()> {
        self.backend.ack(&mut self.tx, &acked(claimed, true)).await
    }
}

impl<B: Backend> InTransaction<B> for TestTx<B> {
    fn context(&self) -> SendContext {
        self.context.clone()
    }

    fn start(&mut self) -> Result<&mut B::Conn> {
        Ok(self.conn())
    }

    fn finish(&mut self, _: &SendBatch, _: &[Receipt]) {}
}

/// A worker that is moved by hand: it claims and finishes when the case says so, and runs nothing.
pub struct Puppet {
    /// Where it works.
    pub store: Arc<dyn Store>,
    /// Its tokens.
    pub tokens: Tokens,
    /// The lanes that it knows.
    pub lanes: Vec<Lane>,
}

impl std::fmt::Debug for Puppet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Puppet").field("tokens", &self.tokens).field("lanes", &self.lanes).finish_non_exhaustive()
    }
}

impl Puppet {
    /// A worker that knows `lanes`.
    pub async fn enlist(store: Arc<dyn Store>, lanes: Vec<Lane>) -> Self {
        let info = WorkerInfo { host: "puppet".to_owned(), pid: 1, build: "test".to_owned(), lanes: lanes.clone() };
        let incarnation = store.enlist(&info).await.expect("a worker can enlist");
        Self { store, tokens: Tokens::new(incarnation), lanes }
    }

    /// A claim of at most `limit` from all lanes that steals nothing; what is due was promoted before.
    pub async fn claim(&mut self, limit: usize) -> Vec<Claimed> {
        self.claim_with(limit, |_| {}).await.claimed
    }

    /// Claims the only delivery that can be claimed.
    pub async fn claim_one(&mut self) -> Claimed {
        let mut claimed = self.claim(10).await;
        assert_eq!(claimed.len(), 1, "expected exactly one delivery to claim");
        claimed.remove(0)
    }

    /// A claim of at most `limit` that steals expired leases.
    pub async fn steal(&mut self, limit: usize) -> Claims {
        self.claim_with(limit, |claim| (claim.steal, claim.suspect) = (true, true)).await
    }

    /// A claim with changes.
    pub async fn claim_with(&mut self, limit: usize, change: impl FnOnce(&mut Claim)) -> Claims {
        self.store.promote(10_000).await.expect("what is due can be promoted");
        let token = self.tokens.draw().expect("tokens are left");
        let lanes = self.lanes.iter().map(|&lane| ClaimLane { lane, limit }).collect();
        let mut claim = Claim { token, lease: LEASE, lanes, limit, steal: false, suspect: false };
        change(&mut claim);
        self.store.claim(&claim).await.expect("a claim succeeds")
    }

    /// T3.
    pub async fn renew(&self, claimed: &Claimed) -> Renewed {
        only(self.store.renew(&[claimed.held], LEASE).await)
    }

    /// T4, with history.
    pub async fn ack(&self, claimed: &Claimed) -> Finished {
        only(self.store.ack(&[acked(claimed, true)]).await)
    }

    /// T5.
    pub async fn fail(&self, claimed: &Claimed, fate: Fate) -> Finished {
        only(self.store.fail(&[failed(claimed, fate)]).await)
    }

    /// T6.
    pub async fn snooze(&self, claimed: &Claimed, seconds: u64) -> Finished {
        let snoozed = Snoozed { held: claimed.held, delay: Duration::from_secs(seconds) };
        only(self.store.snooze(&[snoozed]).await)
    }

    /// T8.
    pub async fn release(&self, claimed: &Claimed) -> Finished {
        only(self.store.release(&[claimed.held]).await)
    }
}

/// An acknowledgement of `claimed`.
pub fn acked(claimed: &Claimed, keep: bool) -> Acked {
    Acked { held: claimed.held, ran: Duration::from_millis(5), keep }
}

/// A failure of `claimed` with the error "boom".
pub fn failed(claimed: &Claimed, fate: Fate) -> Failed {
    let outcome = match fate {
        Fate::Retry { .. } => AttemptOutcome::Error,
        Fate::Dead(_) => AttemptOutcome::Discard,
    };
    Failed { held: claimed.held, outcome, error: "boom".to_owned(), ran: Duration::from_millis(5), fate }
}

/// Another attempt after `seconds`.
pub fn retry_in(seconds: u64) -> Fate {
    Fate::Retry { delay: Duration::from_secs(seconds) }
}

/// What `claimed` names its delivery by, changed.
pub fn forged(held: Held, change: impl FnOnce(&mut Held)) -> Held {
    let mut forged = held;
    change(&mut forged);
    forged
}

fn only<T: std::fmt::Debug>(answers: Result<Vec<T>>) -> T {
    let mut answers = answers.expect("the statement succeeds");
    assert_eq!(answers.len(), 1, "one answer for one delivery: {answers:?}");
    answers.remove(0)
}
