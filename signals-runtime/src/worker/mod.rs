//! The worker: claims deliveries, runs their receivers, stores the outcomes.
//!
//! ```text
//!             hints, polls                                     ┌────────────► keeper (own thread, own connection)
//!                  ▼                                           │ renews, fails what is overdue, hears SIGTERM
//! waker ──► claimer ── spawn ──► executor ── outcome ──► completer
//!              ▲                    │                        │
//!              └──── slot free ─────┘                        ▼
//! maintenance: promote · prune · forget · lanes           database
//! ```
//!
//! What a send of this process has claimed comes to the claimer's queue from the desk, without a claim.
//!
//! Every part is a file. They share one `Engine`; the `Table` in it knows of each claimed delivery who may decide its
//! outcome. No part names a concrete database.

mod backoff;
mod blocking;
mod build;
#[cfg(feature = "testing")]
mod by_hand;
mod claimer;
mod completer;
mod deadlines;
mod desk;
mod doubts;
mod executor;
mod keeper;
mod link;
mod rate;
mod report;
mod shutdown;
mod slots;
mod table;
mod waker;

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use signals_core::delivery::Lane;
use signals_core::store::{Failed, Held, Registered, Retention, Store, WorkerInfo};
use signals_core::{BoxFuture, Error, ReceiverDef, Result, States};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;

pub(crate) use backoff::Backoff;
pub use build::WorkerBuilder;
#[cfg(feature = "testing")]
pub(crate) use by_hand::{ByHand, Claim, Outcome};
pub(crate) use desk::{Desk, Promise};
pub use report::{DrainError, Failure, Report};
pub(crate) use shutdown::Phase;

use crate::maintenance;
use crate::telemetry;
use crate::tx::Transactions;
use claimer::Claimer;
use completer::Finish;
use doubts::Doubts;
use keeper::Keeper;
use link::Link;
use report::Tally;
use shutdown::Shutdown;
use slots::{LaneLimits, Slots, lane_share};
use table::Table;

/// How long a worker that has nothing left to run waits for its last outcomes and its keeper.
const FAREWELL: Duration = Duration::from_secs(5);

/// How long it waits for the transactions before that, whose sends have claimed for it: they give back when they commit.
const LAST_SENDS: Duration = Duration::from_secs(1);

/// A worker, built and not yet running.
///
/// [`run`](Self::run) it until the process is asked to stop, [`run_until`](Self::run_until) something happens, or
/// [`drain`](Self::drain) what is due.
///
/// ```standalone_crate
/// # use signals_runtime::{MemoryBackend, Signal as _, Signals, receiver, signal};
/// # use tokio::sync::oneshot;
/// # #[signal] struct PaymentCompleted {}
/// # #[receiver(signal = PaymentCompleted)] async fn mail_receipt(_: PaymentCompleted) {}
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let signals = Signals::new(MemoryBackend::new());
/// # signals.setup().await?;
/// # let mut tx = signals.begin().await?;
/// # PaymentCompleted {}.send(&mut tx).await?;
/// # tx.commit().await?;
/// // A test: everything that is due, and an error when a receiver fails.
/// let report = signals.worker().build()?.drain().await?;
/// assert_eq!(report.done, 1);
///
/// // Beside a server, which says when it has stopped.
/// let (stop, stopped) = oneshot::channel::<()>();
/// let worker = signals.worker().build()?.run_until(async { drop(stopped.await) });
/// # drop(stop);
/// worker.await?;
/// # Ok(())
/// # }
/// ```
pub struct Worker {
    plan: Plan,
}

/// What a worker is made of before it runs.
pub(crate) struct Plan {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) transactions: Arc<dyn Transactions>,
    pub(crate) app: Arc<dyn App>,
    pub(crate) receivers: Vec<RunReceiver>,
    pub(crate) states: Arc<States>,
    pub(crate) config: Config,
    pub(crate) payload_limit: usize,
    pub(crate) build: Arc<str>,
}

/// What a worker asks of the application's handle, whatever its backend is.
pub(crate) trait App: Send + Sync {
    /// The ids of this program's receivers, as the database has them now.
    fn resolve(&self) -> BoxFuture<'_, Result<Registered>>;

    /// Counts the commits of this process.
    fn commits(&self) -> watch::Receiver<u64>;

    /// Where sends of this process find its workers.
    fn desk(&self) -> &Desk;
}

/// The settings of a worker.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) concurrency: usize,
    pub(crate) lane_share: f64,
    pub(crate) lease: Duration,
    pub(crate) grace: Duration,
    pub(crate) poll_busy: Duration,
    pub(crate) poll_idle: Duration,
    pub(crate) retention: Retention,
    pub(crate) keep_signals: Duration,
    /// Whether sends of this process may claim for this worker.
    pub(crate) claim_in_sends: bool,
    /// Whether events say what receivers' errors say.
    pub(crate) log_errors: bool,
}

/// A receiver that this worker runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunReceiver {
    pub(crate) def: &'static ReceiverDef,
    pub(crate) timeout: Duration,
    pub(crate) transactional: bool,
    /// Draws which part of its backoff a retry waits, from 0 to 1.
    pub(crate) jitter: fn() -> f64,
}

/// What the parts of a running worker share.
pub(crate) struct Engine {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) transactions: Arc<dyn Transactions>,
    pub(crate) app: Arc<dyn App>,
    pub(crate) receivers: Vec<RunReceiver>,
    pub(crate) states: Arc<States>,
    pub(crate) config: Config,
    pub(crate) payload_limit: usize,
    pub(crate) keep_history: bool,
    pub(crate) table: Table,
    pub(crate) link: Link,
    pub(crate) tally: Tally,
    pub(crate) doubts: Doubts,
    pub(crate) shutdown: Shutdown,
    /// What may run, and what waits for a slot.
    slots: Mutex<Slots>,
    /// A send has claimed something for this worker.
    pub(crate) handed_over: Notify,
    /// Something may be ready to be claimed.
    pub(crate) wake: Arc<Notify>,
    /// A delivery has left the table.
    pub(crate) progress: Notify,
    /// The lane of each receiver, by its number; `None` while the database knows none.
    lanes: watch::Sender<Vec<Option<Lane>>>,
    outcomes: mpsc::UnboundedSender<Finish>,
    /// What sends have claimed, and may be gone.
    doubted: mpsc::UnboundedSender<Vec<desk::Seated>>,
    build: Arc<str>,
}

/// What the worker does with its time.
enum Mission<'m> {
    /// Until the process is asked to stop.
    Signals,
    /// Until this resolves.
    Until(BoxFuture<'m, ()>),
    /// Until nothing is due.
    Drain,
}

impl Worker {
    pub(crate) fn new(plan: Plan) -> Self {
        Self { plan }
    }

    /// Runs until SIGTERM or Ctrl-C, then stops claiming, waits for what runs for the grace (25 s by default), gives the
    /// rest back, and returns what it did. A second signal ends the grace at once.
    ///
    /// It outlives failures of the database: it waits, with growing and jittered pauses, and enlists anew.
    ///
    /// # Errors
    ///
    /// Returns an error when it cannot start: [`Error::NotRegistered`] when a receiver of this program is not registered
    /// in this database, [`Error::NotMigrated`] when the tables are missing, or what the database says.
    ///
    /// # Cancel safety
    ///
    /// Dropping this stops the worker at once. Its keeper gives back what it held, if the process lives on.
    pub async fn run(self) -> Result<Report> {
        self.start(Mission::Signals).await
    }

    /// Runs until `stop` resolves, then as after a first signal in [`run`](Self::run). Signals are not listened to.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    ///
    /// # Cancel safety
    ///
    /// As [`run`](Self::run).
    pub async fn run_until(self, stop: impl Future<Output = ()> + Send) -> Result<Report> {
        self.start(Mission::Until(Box::pin(stop))).await
    }

    /// Runs everything that is due, and what that sends, until nothing is due: for tests and commands that end. Deliveries
    /// that are due later, retries among them, stay where they are. A receiver that sends its own signal drains for ever.
    ///
    /// # Errors
    ///
    /// [`DrainError::Failed`] with the report when an attempt failed; [`DrainError::Worker`] as [`run`](Self::run), and
    /// when the database keeps refusing.
    ///
    /// # Cancel safety
    ///
    /// As [`run`](Self::run).
    pub async fn drain(self) -> Result<Report, DrainError> {
        let report = self.start(Mission::Drain).await?;
        if report.failed() > 0 { Err(DrainError::Failed(report)) } else { Ok(report) }
    }

    async fn start(self, mission: Mission<'_>) -> Result<Report> {
        let (outcomes, incoming) = mpsc::unbounded_channel();
        let (doubted, in_doubt) = mpsc::unbounded_channel();
        let engine = Arc::new(Engine::new(self.plan, outcomes, doubted));
        engine.learn_lanes().await?.check()?;
        let keeper = Keeper::start(engine.clone(), matches!(mission, Mission::Signals))?;
        let _stop_all = StopGuard(engine.shutdown.clone());
        let mut parts = Parts { keeper, endless: JoinSet::new(), maintenance: JoinSet::new() };
        parts.endless.spawn(completer::run(engine.clone(), incoming));
        parts.endless.spawn(desk::look(engine.clone(), in_doubt));

        let claimer = Claimer::new(engine.clone(), engine.lanes.subscribe());
        let result = match mission {
            Mission::Drain => {
                let drained = parts.beside(&engine, claimer.drain()).await;
                engine.shutdown.advance(Phase::Stop);
                drained
            }
            Mission::Signals | Mission::Until(_) => {
                if engine.config.claim_in_sends {
                    engine.app.desk().open_for(&engine);
                }
                parts.endless.spawn(waker::across(engine.clone(), engine.wake.clone()));
                parts.maintenance.spawn(maintenance::run(engine.clone()));
                let stop = async {
                    match mission {
                        Mission::Until(stop) => {
                            stop.await;
                            engine.shutdown.advance(Phase::Stop);
                        }
                        Mission::Signals | Mission::Drain => {}
                    }
                    std::future::pending::<()>().await;
                };
                tokio::select! {
                    ran = parts.beside(&engine, claimer.run()) => ran,
                    () = stop => Ok(()),
                }
            }
        };
        parts.say_goodbye(&engine).await;
        result.map(|()| engine.tally.report())
    }
}

/// The parts of a running worker that are not the claimer.
struct Parts {
    keeper: Keeper,
    /// They never end by themselves.
    endless: JoinSet<()>,
    /// Ends when the worker stops.
    maintenance: JoinSet<()>,
}

impl Parts {
    /// Runs the claimer's `part` for as long as all others are alive: without a keeper no lease is renewed, without a
    /// completer no outcome stored.
    async fn beside(&mut self, engine: &Engine, part: impl Future<Output = Result<()>>) -> Result<()> {
        tokio::pin!(part);
        let gone = tokio::select! {
            done = &mut part => return done,
            () = self.keeper.stopped() => "keeper",
            Some(Err(_)) = self.endless.join_next() => "completer, desk or waker",
            Some(Err(_)) = self.maintenance.join_next() => "maintenance",
        };
        engine.shutdown.advance(Phase::Now);
        let _ = part.await;
        Err(Error::Unavailable(format!("the worker's {gone} panicked, and the worker has stopped").into()))
    }

    /// Waits for the last outcomes, then lets the keeper go. With a database that does not answer, the leases expire by
    /// themselves.
    async fn say_goodbye(mut self, engine: &Engine) {
        let ended = async {
            while engine.slots().has_promised() {
                engine.progress.notified().await;
            }
        };
        tokio::select! {
            () = ended => {}
            () = tokio::time::sleep(LAST_SENDS) => {}
            () = engine.shutdown.reached(Phase::Now) => {}
        }
        let stored = async {
            while !engine.table.is_empty() {
                engine.progress.notified().await;
            }
        };
        let _ = tokio::time::timeout(FAREWELL, stored).await;
        let maintained = async { while self.maintenance.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(FAREWELL, maintained).await;
        self.endless.shutdown().await;
        engine.shutdown.advance(Phase::Done);
        let _ = tokio::time::timeout(FAREWELL, self.keeper.stopped()).await;
    }
}

/// Ends the keeper's thread when the future of a running worker is dropped.
struct StopGuard(Shutdown);

impl Drop for StopGuard {
    fn drop(&mut self) {
        self.0.advance(Phase::Done);
    }
}

impl Engine {
    fn new(
        plan: Plan,
        outcomes: mpsc::UnboundedSender<Finish>,
        doubted: mpsc::UnboundedSender<Vec<desk::Seated>>,
    ) -> Self {
        let Plan { store, transactions, app, receivers, states, config, payload_limit, build } = plan;
        let single_writer = store.capabilities().single_writer;
        let share = lane_share(config.concurrency, config.lane_share, receivers.len());
        let limits = receivers.iter().map(|receiver| LaneLimits {
            slots: receiver.def.options.concurrency.map_or(share, |own| share.min(own as usize)),
            exclusive: receiver.transactional && single_writer,
        });
        Self {
            slots: Mutex::new(Slots::new(config.concurrency, limits)),
            handed_over: Notify::new(),
            keep_history: !config.retention.done.is_zero(),
            lanes: watch::Sender::new(vec![None; receivers.len()]),
            store,
            transactions,
            app,
            receivers,
            states,
            config,
            payload_limit,
            table: Table::default(),
            link: Link::default(),
            tally: Tally::default(),
            doubts: Doubts::default(),
            shutdown: Shutdown::new(),
            wake: Arc::new(Notify::new()),
            progress: Notify::new(),
            outcomes,
            doubted,
            build,
        }
    }

    /// What may run, and what waits for a slot. Locked for moments only.
    pub(crate) fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands an outcome to the completer.
    pub(crate) fn complete(&self, finish: Finish) {
        // Without a completer the worker has stopped, and the keeper gives back what is left.
        let _ = self.outcomes.send(finish);
    }

    /// The delivery's outcome is stored, or given up.
    pub(crate) fn settled(&self, held: &Held) {
        self.table.remove(held);
        self.progress.notify_one();
    }

    /// Counts and tells a failed attempt that is stored.
    pub(crate) fn tell_failed(&self, failed: &Failed) {
        let (receiver, attempt) = self.table.attempt(&failed.held).unzip();
        let (name, attempt) = (self.name(receiver), attempt.unwrap_or(0));
        self.tally.failed(name, failed, attempt);
        telemetry::failed(name, failed, attempt, self.config.log_errors);
    }

    /// What the receiver of this delivery is called in this program.
    pub(crate) fn receiver_name(&self, held: &Held) -> &'static str {
        self.name(self.table.attempt(held).map(|(receiver, _)| receiver))
    }

    fn name(&self, receiver: Option<usize>) -> &'static str {
        receiver.map_or("of a lost lease", |receiver| self.receivers[receiver].def.name)
    }

    /// How this worker presents itself.
    pub(crate) fn worker_info(&self) -> WorkerInfo {
        WorkerInfo {
            host: gethostname::gethostname().to_string_lossy().into_owned(),
            pid: std::process::id(),
            build: self.build.to_string(),
            lanes: self.lanes.borrow().iter().flatten().copied().collect(),
        }
    }

    /// The lanes that this worker claims from.
    pub(crate) fn lanes(&self) -> Vec<Option<Lane>> {
        self.lanes.borrow().clone()
    }

    /// Asks the database which lanes are whose: merges and retirements change it while workers run.
    pub(crate) async fn learn_lanes(&self) -> Result<Learned> {
        let registered = self.app.resolve().await?;
        let lane = |receiver: &RunReceiver| {
            let id = registered.ids.iter().find(|(name, _)| *name == receiver.def.name)?.1;
            Some(Lane { receiver: id, version: receiver.def.signal.version })
        };
        let lanes: Vec<Option<Lane>> = self.receivers.iter().map(lane).collect();
        let missing = self
            .receivers
            .iter()
            .zip(&lanes)
            .filter(|(receiver, lane)| lane.is_none() && !registered.retired.contains(&receiver.def.name))
            .map(|(receiver, _)| receiver.def)
            .collect();
        self.lanes.send_if_modified(|now| {
            let changed = *now != lanes;
            *now = lanes;
            changed
        });
        Ok(Learned { missing })
    }
}

/// What [`Engine::learn_lanes`] found.
pub(crate) struct Learned {
    missing: Vec<&'static ReceiverDef>,
}

impl Learned {
    fn check(self) -> Result<()> {
        match self.missing.first() {
            None => Ok(()),
            Some(first) => Err(Error::NotRegistered {
                signal: first.signal.name.to_owned(),
                receivers: self
                    .missing
                    .iter()
                    .filter(|def| def.signal.name == first.signal.name)
                    .map(|def| def.name.to_owned())
                    .collect(),
            }),
        }
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let receivers: Vec<_> = self.plan.receivers.iter().map(|receiver| receiver.def.name).collect();
        f.debug_struct("Worker")
            .field("receivers", &receivers)
            .field("config", &self.plan.config)
            .finish_non_exhaustive()
    }
}
