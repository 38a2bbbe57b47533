//! Configures a worker, and reports every mistake at once.

use std::any::TypeId;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use signals_core::store::{Capabilities, Registered, Retention};
use signals_core::{Backend, BoxFuture, Error, Problem, Problems, ReceiverDef, Result, States};
use tokio::sync::watch;

use super::{App, Config, Desk, Plan, RunReceiver, Worker};
use crate::signals::Inner;
use crate::{Signals, defaults};

/// The shortest lease: three renewals have to fit in.
const MIN_LEASE: Duration = Duration::from_millis(300);

/// The longest: nobody wants to wait longer for what a dead worker held.
const MAX_LEASE: Duration = Duration::from_secs(24 * 60 * 60);

/// The most attempts at once.
const MAX_CONCURRENCY: usize = 100_000;

/// Configures a [`Worker`]. Every setting has a default: see [`defaults`].
///
/// | setting | default | meaning |
/// |---|---|---|
/// | [`state`](Self::state) | – | what receivers take as `State<T>` |
/// | [`only`](Self::only) | all | which receivers it runs |
/// | [`concurrency`](Self::concurrency) | 16 | attempts at once |
/// | [`lane_share`](Self::lane_share) | 0.75 | the part of the slots that one receiver may take |
/// | [`lease`](Self::lease) | 20 s | how long what it holds stays its own without being renewed |
/// | [`timeout`](Self::timeout) | 5 min | how long an attempt may take whose receiver does not say |
/// | [`grace`](Self::grace) | 25 s | how long it waits for what runs when it is asked to stop |
/// | [`poll`](Self::poll) | 10 ms, 100 ms | how often it asks while busy and while idle |
/// | [`claim_in_sends`](Self::claim_in_sends) | true | whether what this process sends starts here at once, when there is room |
/// | [`log_errors`](Self::log_errors) | false | whether its log says what receivers' errors say |
/// | [`history`](Self::history), [`keep_cancelled`](Self::keep_cancelled), [`keep_dead`](Self::keep_dead), [`keep_signals`](Self::keep_signals) | 24 h, 7 days, for ever, 7 days | how long what is over is kept |
///
/// ```
/// # use std::time::Duration;
/// # use signals_runtime::{MemoryBackend, Signals};
/// # #[derive(Clone)] struct Mailer;
/// # async fn example(signals: Signals<MemoryBackend>) -> signals_runtime::Result<()> {
/// let worker = signals.worker().state(Mailer).concurrency(64).keep_dead(Duration::from_secs(90 * 24 * 60 * 60)).build()?;
/// let report = worker.run().await?; // until SIGTERM or Ctrl-C
/// println!("{} done, {} failed attempts", report.done, report.failed());
/// # Ok(())
/// # }
/// ```
#[must_use = "a worker runs when it is built and run"]
pub struct WorkerBuilder<B: Backend> {
    signals: Signals<B>,
    states: States,
    only: Option<Vec<String>>,
    timeout: Duration,
    config: Config,
}

impl<B: Backend> WorkerBuilder<B> {
    pub(crate) fn new(signals: Signals<B>) -> Self {
        let config = Config::default();
        Self { signals, states: States::default(), only: None, timeout: defaults::TIMEOUT, config }
    }

    /// Gives receivers a `T`, which they take as `State<T>`. One of each type; the last one counts.
    pub fn state<T: Clone + Send + Sync + 'static>(mut self, state: T) -> Self {
        self.states.insert(state);
        self
    }

    /// Runs at most this many attempts at once. Default 16; from 1 to 100,000.
    pub fn concurrency(mut self, attempts: usize) -> Self {
        self.config.concurrency = attempts;
        self
    }

    /// Lets one receiver take at most this part of the slots, rounded up. Default 0.75; above 0 and at most 1.0, which lets
    /// it take all.
    pub fn lane_share(mut self, share: f64) -> Self {
        self.config.lane_share = share;
        self
    }

    /// How long a delivery stays this worker's without being renewed. Default 20 s, renewed every third of it; from 300 ms
    /// to a day.
    ///
    /// It is how long the deliveries of a worker that died wait at most, but for one second.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.config.lease = lease;
        self
    }

    /// How long an attempt may take whose receiver sets no `timeout`. Default 5 min, and 5 s for transactional receivers
    /// on a database with one writer, which this does not change.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long what runs may go on after the worker was asked to stop. Default 25 s. What has not ended by then is
    /// cancelled and given back, for which the last second (a tenth of a shorter grace) is kept.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.config.grace = grace;
        self
    }

    /// How often the database is asked while the worker is busy and while it is idle. Default 10 ms and 100 ms. Commits
    /// of this process wake the worker at once, whatever this says, and so do hints from others on Postgres.
    ///
    /// What became due, and which lanes there are, is looked up every 100 ms and every second, or as seldom as an idle worker
    /// polls: with `poll(busy, 10 s)` an idle worker asks less than once a second, and delays, retries and what a dead worker
    /// held start up to 10 s later.
    pub fn poll(mut self, busy: Duration, idle: Duration) -> Self {
        self.config.poll_busy = busy;
        self.config.poll_idle = idle;
        self
    }

    /// Whether sends of this process claim what they store for this worker, when it has room and nothing else waits: then
    /// their deliveries start the moment the transaction commits, without a claim of their own. Default true. On Postgres, in
    /// transactions of [`Signals::begin`] and of receivers; elsewhere, and for what is delayed, has a key, or is one of several of a
    /// `send_all`, it changes nothing. What commits more than a second after its send is given back, and claimed as usual.
    ///
    /// Without it, deliveries go to whichever process claims them first.
    pub fn claim_in_sends(mut self, at_once: bool) -> Self {
        self.config.claim_in_sends = at_once;
        self
    }

    /// Whether the events `attempt failed` and `delivery is dead` say what the receiver's error says, in a field `error`.
    /// Default false, for an error may quote its payload or a secret: the events name the delivery, and its record has the
    /// text ([`Inspect::get`](crate::operating::Inspect::get)).
    pub fn log_errors(mut self, tell: bool) -> Self {
        self.config.log_errors = tell;
        self
    }

    /// Runs only receivers whose names begin with one of these: `only(["receipts."])`.
    ///
    /// ```standalone_crate
    /// # use signals_runtime::{MemoryBackend, Signals, receiver, signal};
    /// # #[signal] struct PaymentCompleted {}
    /// # #[receiver(signal = PaymentCompleted, name = "receipts.mail")] async fn mail(_: PaymentCompleted) {}
    /// # #[receiver(signal = PaymentCompleted, name = "orders.complete")] async fn complete(_: PaymentCompleted) {}
    /// # fn main() -> signals_runtime::Result<()> {
    /// # let signals = Signals::new(MemoryBackend::new());
    /// // Mails in a process of their own; another one runs the rest.
    /// let mailer = signals.worker().only(["receipts."]).build()?;
    /// let rest = signals.worker().only(["orders.", "analytics."]).build()?;
    /// # let _ = (mailer, rest);
    /// # Ok(())
    /// # }
    /// ```
    pub fn only<N: Into<String>>(mut self, prefixes: impl IntoIterator<Item = N>) -> Self {
        self.only = Some(prefixes.into_iter().map(Into::into).collect());
        self
    }

    /// How long completions are kept to be looked at. Default 24 h; zero keeps none.
    pub fn history(mut self, keep: Duration) -> Self {
        self.config.retention.done = keep;
        self
    }

    /// How long cancelled deliveries are kept, with their payload. Default 7 days.
    pub fn keep_cancelled(mut self, keep: Duration) -> Self {
        self.config.retention.cancelled = keep;
        self
    }

    /// How long dead letters are kept, with their payload and every error. Default: until somebody decides.
    pub fn keep_dead(mut self, keep: Duration) -> Self {
        self.config.retention.dead = Some(keep);
        self
    }

    /// How long after they were sent signals are kept to which nothing that waits or runs refers any more. Default 7 days.
    /// Dead and cancelled deliveries have a copy of their own.
    pub fn keep_signals(mut self, keep: Duration) -> Self {
        self.config.keep_signals = keep;
        self
    }

    /// Checks everything.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Registry`] with every problem: contradictions between declarations, crates of `link!` that
    /// contributed nothing, states that receivers need and nobody gave, transactions of another backend, time-outs that
    /// do not fit the lease, a pool that is too small, settings out of range. Each names file, line and the way out.
    pub fn build(self) -> Result<Worker> {
        let mut problems = Vec::new();
        let capabilities = self.signals.store().capabilities();
        let receivers = match self.signals.registry() {
            Ok(registry) => self.chosen(registry.receivers(), &capabilities),
            Err(Error::Registry(found)) => {
                problems.extend(found.into_vec());
                // Its receivers are checked all the same: one error with everything.
                let mut linked: Vec<&ReceiverDef> = signals_core::__private::RECEIVERS.iter().copied().collect();
                linked.sort_by_key(|def| (def.name, def.location.line));
                self.chosen(linked.into_iter(), &capabilities)
            }
            Err(other) => return Err(other),
        };
        self.check_settings(receivers.is_empty(), &mut problems);
        for receiver in &receivers {
            self.check_receiver(receiver, &capabilities, &mut problems);
        }
        check_pool(&self.config, &receivers, &capabilities, &mut problems);
        Problems::check(problems)?;
        let inner = self.signals.inner().clone();
        Ok(Worker::new(Plan {
            store: inner.store.clone(),
            payload_limit: inner.payload_limit(),
            build: inner.build().clone(),
            transactions: inner.clone(),
            app: inner,
            receivers,
            states: Arc::new(self.states),
            config: self.config,
        }))
    }

    fn chosen(
        &self,
        defs: impl Iterator<Item = &'static ReceiverDef>,
        capabilities: &Capabilities,
    ) -> Vec<RunReceiver> {
        let chosen = |def: &&ReceiverDef| match &self.only {
            Some(prefixes) => prefixes.iter().any(|prefix| def.name.starts_with(prefix.as_str())),
            None => true,
        };
        defs.filter(chosen).map(|def| RunReceiver::new(def, self.timeout, capabilities)).collect()
    }

    fn check_settings(&self, no_receivers: bool, problems: &mut Vec<Problem>) {
        let mut wrong = |what: String| problems.push(Problem::new(what));
        let config = &self.config;
        if config.concurrency == 0 {
            wrong("`concurrency(0)` runs nothing: give the worker at least 1".to_owned());
        }
        if !(config.lane_share > 0.0 && config.lane_share <= 1.0) {
            wrong(format!("`lane_share({})` must be above 0 and at most 1", config.lane_share));
        }
        if config.lease < MIN_LEASE {
            wrong(format!("`lease({:?})` is too short to be renewed: give it at least {MIN_LEASE:?}", config.lease));
        }
        if config.lease > MAX_LEASE {
            wrong(format!(
                "`lease({:?})` keeps what a dead worker held for too long: give it at most {MAX_LEASE:?}",
                config.lease
            ));
        }
        if config.concurrency > MAX_CONCURRENCY {
            wrong(format!(
                "`concurrency({})` is more than a process can hold: at most {MAX_CONCURRENCY}",
                config.concurrency
            ));
        }
        if config.poll_busy.is_zero() || config.poll_idle.is_zero() {
            wrong("`poll` of zero would ask without a pause: give it at least 1 ms".to_owned());
        }
        if no_receivers {
            wrong(match &self.only {
                Some(prefixes) => format!(
                    "`only([\"{}\"])` matches no receiver of this program: compare it with `signals.registry()`",
                    prefixes.join("\", \"")
                ),
                None => "this program has no receivers: are the crates that declare them named in `link!`?".to_owned(),
            });
        }
    }

    fn check_receiver(&self, receiver: &RunReceiver, capabilities: &Capabilities, problems: &mut Vec<Problem>) {
        let ReceiverDef { name, location, .. } = receiver.def;
        let mut wrong = |what: String| problems.push(Problem::new(format!("receiver `{name}` at {location}: {what}")));
        let needs = receiver.def.needs();
        for state in needs.states().iter().filter(|state| !self.states.contains(state.id)) {
            wrong(format!(
                "it takes `State<{0}>`, which this worker was not given: add `.state(…)` with a `{0}`",
                state.name
            ));
        }
        for tx in needs.transactions().iter().filter(|tx| tx.backend != TypeId::of::<B>()) {
            wrong(format!(
                "it takes a transaction of the {} backend, but this worker runs on {}: exclude it with `only`, or take \
                 the transaction type of this backend",
                tx.name, capabilities.name
            ));
        }
        if let Some(unfit) = receiver.unfit_timeout(self.config.lease, capabilities) {
            wrong(unfit);
        }
    }
}

impl RunReceiver {
    /// `timeout` is for receivers that say none, but for transactional ones on a database with one writer.
    pub(crate) fn new(def: &'static ReceiverDef, timeout: Duration, capabilities: &Capabilities) -> Self {
        let transactional = def.needs().is_transactional();
        let default =
            if transactional && capabilities.single_writer { defaults::TIMEOUT_SINGLE_WRITER } else { timeout };
        Self { def, timeout: def.options.timeout.unwrap_or(default), transactional, jitter: fastrand::f64 }
    }

    /// Why its time-out does not go with this lease.
    pub(crate) fn unfit_timeout(&self, lease: Duration, capabilities: &Capabilities) -> Option<String> {
        let (timeout, most) = (self.timeout, lease / 3);
        let is_unfit = self.transactional && capabilities.single_writer && timeout >= most;
        is_unfit.then(|| {
            format!(
                "its time-out of {timeout:?} must be shorter than a third of the lease ({most:?}), because its \
                 transaction keeps every other writer of {} waiting, renewals included: set `timeout = \"…\"`, or a \
                 longer `lease`",
                capabilities.name
            )
        })
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            concurrency: defaults::CONCURRENCY,
            lane_share: defaults::LANE_SHARE,
            lease: defaults::LEASE,
            grace: defaults::GRACE,
            poll_busy: defaults::POLL_BUSY,
            poll_idle: defaults::POLL_IDLE,
            retention: Retention {
                done: defaults::HISTORY,
                cancelled: defaults::KEEP_CANCELLED,
                dead: None,
                keys: defaults::KEEP_KEYS,
            },
            keep_signals: defaults::KEEP_SIGNALS,
            claim_in_sends: true,
            log_errors: false,
        }
    }
}

/// Every transactional attempt takes a connection of the application's pool, beside what the worker takes itself.
fn check_pool(config: &Config, receivers: &[RunReceiver], capabilities: &Capabilities, problems: &mut Vec<Problem>) {
    let (Some(size), Some(own)) = (capabilities.pool_size, capabilities.pool_connections) else { return };
    let at_once = match receivers.iter().filter(|receiver| receiver.transactional).count() {
        0 => 0,
        _ if capabilities.single_writer => 1,
        transactional => {
            let share = super::slots::lane_share(config.concurrency, config.lane_share, receivers.len());
            (transactional * share).min(config.concurrency)
        }
    };
    let needed = own as usize + at_once + 1;
    if (size as usize) < needed {
        problems.push(Problem::new(format!(
            "the pool of {size} connections is too small: this worker takes up to {} of it, and the application needs at \
             least one: set `max_connections` to {needed} or more",
            needed - 1
        )));
    }
}

impl<B: Backend> App for Inner<B> {
    fn resolve(&self) -> BoxFuture<'_, Result<Registered>> {
        Box::pin(Inner::resolve(self))
    }

    fn desk(&self) -> &Desk {
        &self.desk
    }

    fn commits(&self) -> watch::Receiver<u64> {
        Inner::commits(self)
    }
}

impl<B: Backend> fmt::Debug for WorkerBuilder<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerBuilder").field("config", &self.config).field("only", &self.only).finish_non_exhaustive()
    }
}
