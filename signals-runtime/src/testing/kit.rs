//! The kit itself: an application's handle, a clock, a worker that does nothing by itself, and what happened so far.

use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use signals_core::clock::{Clock as _, ManualClock, Timestamp};
use signals_core::delivery::{Lane, SignalId};
use signals_core::store::{DeliverySummary, Filter, StoredSignal};
use signals_core::{Receipt, Receiver, ReceiverDef, Signal, States};

use super::build::TestSignalsBuilder;
use super::journal::Journal;
use super::message::Message;
use super::needs::{UNPAUSED, is_tokio_paused};
use super::plan::Plans;
use super::turn::{Call, Turns};
use super::{Step, TestBackend};
use crate::worker::ByHand;
use crate::{MemoryBackend, Signals};

/// An application's handle in a test: a database of its own, a clock that stands still, and a worker moved by hand.
///
/// It is a [`Signals`] for everything that takes a `&Signals<B>`, and has what tests need beside it: see the
/// [module](super). Dropped, it panics when the test [expects a failure](Self::expect_failure) or
/// [plans a crash](Self::crash_at) and no step came after.
///
/// ```standalone_crate
/// use signals_runtime::testing::TestSignals;
/// use signals_runtime::{State, receiver, signal};
///
/// #[signal]
/// struct PaymentCompleted {
///     payment_id: i64,
/// }
///
/// #[derive(Clone)]
/// struct Mailer {
///     is_up: bool,
/// }
///
/// #[receiver(signal = PaymentCompleted)]
/// async fn mail_receipt(payment: &PaymentCompleted, State(mailer): State<Mailer>) -> Result<(), String> {
///     if mailer.is_up { Ok(()) } else { Err(format!("no mail for payment {}", payment.payment_id)) }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let signals = TestSignals::builder().state(Mailer { is_up: false }).build().await;
/// signals.send(PaymentCompleted { payment_id: 7 }).await;
///
/// signals.expect_failure::<mail_receipt>().saying("no mail for payment 7");
/// signals.drain().await;
/// signals.assert_attempts::<mail_receipt>(1, |_| true).await;
/// # }
/// ```
pub struct TestSignals<B: TestBackend = MemoryBackend> {
    pub(super) signals: Signals<B>,
    /// What [`run`](Self::run) sends through, so that its signals can be told from the application's.
    pub(super) direct: Signals<B>,
    pub(super) clock: ManualClock,
    pub(super) states: Arc<States>,
    pub(super) receivers: Vec<&'static ReceiverDef>,
    pub(super) patience: Duration,
    pub(super) most_attempts: u64,
    pub(super) lanes: Vec<Lane>,
    pub(super) turns: Turns,
    pub(super) plans: Mutex<Plans>,
    journal: Mutex<Journal>,
    /// Goes last.
    pub(super) _guard: Option<B::Guard>,
}

impl TestSignals {
    /// In memory, with the receivers that are linked into this test.
    ///
    /// # Panics
    ///
    /// Panics when their declarations contradict each other.
    #[track_caller]
    pub fn new() -> Step<'static, Self> {
        Self::builder().build()
    }

    /// In memory unless it is told [`on`](TestSignalsBuilder::on) what, with states, chosen receivers, and other settings.
    pub fn builder() -> TestSignalsBuilder {
        TestSignalsBuilder::new()
    }
}

impl<B: TestBackend> TestSignals<B> {
    /// Sends `signal` in a transaction of its own, and commits.
    ///
    /// # Panics
    ///
    /// Panics when it cannot be sent.
    #[track_caller]
    pub fn send<S: Signal>(&self, signal: S) -> Step<'_, Receipt> {
        self.step(Call::of("send"), async move {
            let mut tx = self.signals.begin().await?;
            let receipt = signal.send(&mut tx).await?;
            tx.commit().await?;
            Ok(receipt)
        })
    }

    /// The handle that the application gets: for what keeps one, as `signals.signals().clone()`.
    #[must_use]
    pub fn signals(&self) -> &Signals<B> {
        &self.signals
    }

    /// The time, which stands still until [`advance`](Self::advance) or [`settled`](Self::settled) moves it.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Everything that was sent, with its deliveries, their attempts, and what those sent: what every failed step shows.
    #[track_caller]
    pub fn cascade(&self) -> Step<'_, String> {
        self.step(Call::of("cascade"), async { self.tree().await })
    }

    /// A step of this test. Whichever fails shows the cascade, and what it was told to expect is over.
    pub(super) fn step<'t, T: Send + 't>(
        &'t self,
        call: Call,
        work: impl Future<Output = Result<T, Message>> + Send + 't,
    ) -> Step<'t, T> {
        Step::new(call, async move {
            match work.await {
                Ok(answer) => Ok(answer),
                Err(message) => {
                    *self.plans() = Plans::default();
                    let paused = if is_tokio_paused() { message.hint(UNPAUSED) } else { message };
                    let unread = |error: Message| format!("it cannot be read: {error}");
                    Err(paused.cascade(self.tree().await.unwrap_or_else(unread)))
                }
            }
        })
    }

    pub(super) fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn plans(&self) -> MutexGuard<'_, Plans> {
        self.plans.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every signal that is committed, by id.
    pub(super) async fn all_signals(&self) -> Result<Vec<StoredSignal>, Message> {
        Ok(self.signals.backend().signals_after(SignalId(i64::MIN)).await?)
    }

    /// Every delivery that `filter` leaves, by signal, then by receiver.
    pub(super) async fn deliveries(&self, mut filter: Filter) -> Result<Vec<DeliverySummary>, Message> {
        filter.limit = Filter::MOST;
        let store = self.signals.store();
        let mut all = Vec::new();
        loop {
            let page = store.list(&filter).await?;
            all.extend(page.deliveries.into_iter().filter(|delivery| !super::run::is_set_aside(delivery)));
            match page.next {
                Some(next) => filter.after = Some(next),
                None => break,
            }
        }
        all.sort_by_key(|delivery| delivery.id);
        Ok(all)
    }

    /// The number of `R` among the receivers of this test.
    pub(super) fn number_of<R: Receiver>(&self) -> Result<usize, Message> {
        let number = self.receivers.iter().position(|def| def.name == R::DEF.name);
        number.ok_or_else(|| {
            Message::new(format!("`{}` is none of the receivers of this test", R::DEF.name))
                .expected("a receiver that is linked, or one that the builder was given with `.receiver::<…>()`")
                .instead(match self.receivers.len() {
                    0 => "this test has no receivers".to_owned(),
                    _ => self.receivers.iter().map(|def| def.name).collect::<Vec<_>>().join("\n"),
                })
        })
    }

    pub(super) fn new_with(signals: Signals<B>, direct: Signals<B>, worker: ByHand, settings: Settings<B>) -> Self {
        let Settings { clock, states, receivers, patience, most_attempts, guard } = settings;
        Self {
            signals,
            direct,
            clock,
            states,
            receivers,
            patience,
            most_attempts,
            lanes: worker.lanes(),
            turns: Turns::new(worker),
            plans: Mutex::default(),
            journal: Mutex::default(),
            _guard: guard,
        }
    }
}

/// What the builder decided.
pub(super) struct Settings<B: TestBackend> {
    pub(super) clock: ManualClock,
    pub(super) states: Arc<States>,
    pub(super) receivers: Vec<&'static ReceiverDef>,
    pub(super) patience: Duration,
    pub(super) most_attempts: u64,
    pub(super) guard: Option<B::Guard>,
}

impl<B: TestBackend> Deref for TestSignals<B> {
    type Target = Signals<B>;

    fn deref(&self) -> &Signals<B> {
        &self.signals
    }
}

impl<B: TestBackend> Drop for TestSignals<B> {
    /// A failure or a crash that no step was left to bring would be an assertion that nobody made.
    fn drop(&mut self) {
        let left: Vec<String> = self.plans().left().map(|(_, left)| left).collect();
        if !left.is_empty() && !std::thread::panicking() {
            panic!("the test is over, and no step came after: {}", left.join("; "));
        }
    }
}

impl<B: TestBackend> fmt::Debug for TestSignals<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestSignals")
            .field("backend", &B::NAME)
            .field("now", &self.clock.now())
            .field("receivers", &self.receivers.len())
            .finish_non_exhaustive()
    }
}
