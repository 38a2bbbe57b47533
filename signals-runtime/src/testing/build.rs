//! Configures a kit.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use signals_core::clock::{Clock as _, ManualClock};
use signals_core::{Receiver, Registry, RegistryBuilder, States};

use super::kit::Settings;
use super::message::Message;
use super::needs::{UNPAUSED, is_tokio_paused};
use super::run::DIRECT;
use super::turn::Call;
use super::{Step, TestBackend, TestSignals};
use crate::worker::{ByHand, Config, Plan, RunReceiver};
use crate::{MemoryBackend, Signals, defaults};

/// How long one attempt may take by the real clock.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many attempts one step makes before it is held to go on for ever.
const MOST_ATTEMPTS: u64 = 10_000;

/// Configures a [`TestSignals`]: [`TestSignals::builder`].
///
/// | setting | default | meaning |
/// |---|---|---|
/// | [`state`](Self::state) | – | what receivers take as `State<T>` |
/// | [`receiver`](Self::receiver), [`registry`](Self::registry) | all that are linked | which receivers there are |
/// | [`on`](Self::on), [`over`](Self::over) | in memory | the database |
/// | [`clock`](Self::clock) | noon of 2026-01-01, UTC | the clock that the test moves |
/// | [`patience`](Self::patience) | 10 s | how long one attempt may take by the real clock |
/// | [`longest_timeout`](Self::longest_timeout) | their own | which time-out receivers have at most, by the real clock |
/// | [`most_attempts`](Self::most_attempts) | 10,000 | after how many attempts a step goes on for ever |
///
/// ```standalone_crate
/// # use signals_runtime::{receiver, signal};
/// # #[signal] struct PaymentCompleted {}
/// # #[receiver(signal = PaymentCompleted)] async fn mail_receipt(_: PaymentCompleted) {}
/// # #[derive(Clone)] struct Mailer;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use signals_runtime::testing::TestSignals;
///
/// let signals = TestSignals::builder().receiver::<mail_receipt>().state(Mailer).build().await;
/// # drop(signals);
/// # }
/// ```
#[must_use = "a kit is there when it is built"]
pub struct TestSignalsBuilder<B: TestBackend = MemoryBackend> {
    given: Option<B>,
    clock: ManualClock,
    chosen: Option<RegistryBuilder>,
    registry: Option<Registry>,
    states: States,
    patience: Duration,
    longest_timeout: Duration,
    most_attempts: u64,
}

impl TestSignalsBuilder {
    pub(super) fn new() -> Self {
        Self {
            given: None,
            clock: ManualClock::default(),
            chosen: None,
            registry: None,
            states: States::default(),
            patience: PATIENCE,
            longest_timeout: Duration::MAX,
            most_attempts: MOST_ATTEMPTS,
        }
    }
}

impl<B: TestBackend> TestSignalsBuilder<B> {
    /// On another backend, in an empty database that is made for this test and gone after it.
    ///
    /// ```
    /// # #[cfg(feature = "sqlite")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use signals_runtime::SqliteBackend;
    /// use signals_runtime::testing::TestSignals;
    ///
    /// let signals = TestSignals::builder().on::<SqliteBackend>().build().await; // a file of its own
    /// let pool = signals.backend().pool(); // for the application's own tables
    /// # let _ = pool;
    /// # }
    /// # #[cfg(not(feature = "sqlite"))]
    /// # fn main() {}
    /// ```
    pub fn on<Other: TestBackend>(self) -> TestSignalsBuilder<Other> {
        let Self { clock, chosen, registry, states, patience, longest_timeout, most_attempts, .. } = self;
        TestSignalsBuilder { given: None, clock, chosen, registry, states, patience, longest_timeout, most_attempts }
    }

    /// In a database that the test has made, with nothing else in it. `clock` is the one that this backend follows, as in
    /// `SqliteBackend::from_pool(pool).await?.with_clock(Arc::new(clock.clone()))`: the test moves it through the kit.
    pub fn over<Other: TestBackend>(self, backend: Other, clock: ManualClock) -> TestSignalsBuilder<Other> {
        TestSignalsBuilder { given: Some(backend), clock, ..self.on::<Other>() }
    }

    /// With another clock than one that shows noon of 2026-01-01, UTC.
    pub fn clock(mut self, clock: ManualClock) -> Self {
        self.clock = clock;
        self
    }

    /// With this receiver; once said, with no other than those that are named so.
    pub fn receiver<R: Receiver>(mut self) -> Self {
        self.chosen = Some(self.chosen.unwrap_or_else(Registry::builder).receiver::<R>());
        self
    }

    /// With exactly the receivers of `registry`, and those named with [`receiver`](Self::receiver).
    pub fn registry(mut self, registry: Registry) -> Self {
        self.registry = Some(registry);
        self
    }

    /// Gives receivers a `T`, which they take as `State<T>`. One of each type; the last one counts.
    ///
    /// A receiver whose state is missing fails the test when it is about to run, not before: a test of the sender alone
    /// needs none.
    pub fn state<T: Clone + Send + Sync + 'static>(mut self, state: T) -> Self {
        self.states.insert(state);
        self
    }

    /// How long one attempt may take by the real clock before the test fails: a receiver that waits for what never comes
    /// must not hang it. Default 10 s. A receiver's own shorter time-out ends the attempt first, as in production. Nothing
    /// ends an `async fn` that blocks the test's thread.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The longest time-out that receivers have in this test, by the real clock: one that says `timeout = "30s"`, and waits
    /// for what never comes, is over after this instead. Default: their own.
    pub fn longest_timeout(mut self, timeout: Duration) -> Self {
        self.longest_timeout = timeout;
        self
    }

    /// After how many attempts a step is held to go on for ever, and fails. Default 10,000.
    pub fn most_attempts(mut self, attempts: u64) -> Self {
        self.most_attempts = attempts;
        self
    }

    /// Makes the database and registers the receivers.
    ///
    /// # Panics
    ///
    /// Panics when there is no database to be had, when the declarations of the receivers contradict each other, and when
    /// the backend that it was given follows another clock.
    #[track_caller]
    pub fn build(self) -> Step<'static, TestSignals<B>> {
        Step::new(Call::of("build"), async move {
            let hint = |message: Message| if is_tokio_paused() { message.hint(UNPAUSED) } else { message };
            self.make().await.map_err(hint)
        })
    }

    async fn make(mut self) -> Result<TestSignals<B>, Message> {
        let registry = self.receivers()?;
        let (backend, guard) = match self.given.take() {
            Some(backend) => {
                check_clock(&backend, &self.clock)?;
                (backend, None)
            }
            None => {
                let (backend, guard) = B::open(self.clock.clone()).await?;
                (backend, Some(guard))
            }
        };
        let signals = Signals::new(backend.clone()).with_registry(registry.clone());
        signals.setup().await?;
        let states = Arc::new(self.states);
        let worker = ByHand::enlist(plan(&signals, &registry, states.clone(), self.longest_timeout)).await?;
        let settings = Settings {
            clock: self.clock,
            states,
            receivers: registry.receivers().collect(),
            patience: self.patience,
            most_attempts: self.most_attempts,
            guard,
        };
        let direct = Signals::new(backend).with_registry(registry).with_build(DIRECT);
        Ok(TestSignals::new_with(signals, direct, worker, settings))
    }

    fn receivers(&mut self) -> Result<Registry, Message> {
        let named = self.chosen.take();
        match (self.registry.take(), named) {
            (None, None) => Ok(Registry::linked()?),
            (None, Some(named)) => Ok(named.build()?),
            (Some(registry), None) => Ok(registry),
            (Some(registry), Some(named)) => {
                let all = registry.receivers().fold(named, RegistryBuilder::receiver_def);
                Ok(registry.signals().fold(all, RegistryBuilder::signal_def).build()?)
            }
        }
    }
}

/// A worker for all of `registry`, whether it can run each of them or not: that is asked when it must.
fn plan<B: TestBackend>(signals: &Signals<B>, registry: &Registry, states: Arc<States>, longest: Duration) -> Plan {
    let inner = signals.inner().clone();
    let capabilities = inner.store.capabilities();
    let run = |def| {
        let runs = RunReceiver::new(def, defaults::TIMEOUT, &capabilities);
        RunReceiver { jitter: || 1.0, timeout: runs.timeout.min(longest), ..runs }
    };
    Plan {
        store: inner.store.clone(),
        payload_limit: inner.payload_limit(),
        build: inner.build().clone(),
        transactions: inner.clone(),
        app: inner,
        receivers: registry.receivers().map(run).collect(),
        states,
        config: Config::default(),
    }
}

/// Whether `clock` is the one that `backend` follows: the two show the same time, and do so after one of them was moved.
fn check_clock<B: TestBackend>(backend: &B, clock: &ManualClock) -> Result<(), Message> {
    let now = clock.now();
    let before = backend.clock().now();
    clock.advance(Duration::from_secs(1));
    let after = backend.clock().now();
    clock.set(now);
    if (before, after) == (now, now.saturating_add(Duration::from_secs(1))) {
        return Ok(());
    }
    Err(Message::new("the backend that `.over(…)` was given follows another clock")
        .expected("the clock that it was made with: `MemoryBackend::with_clock`, `SqliteBackend::with_clock`")
        .instead(format!("the backend's shows {before:?}, and the one beside it {now:?}")))
}

impl<B: TestBackend> fmt::Debug for TestSignalsBuilder<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestSignalsBuilder")
            .field("backend", &B::NAME)
            .field("states", &self.states)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}
