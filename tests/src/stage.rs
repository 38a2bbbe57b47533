//! Receivers that do what a case tells them, for cases about real workers.

use std::collections::VecDeque;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use signals_core::payload::decode;
use signals_core::{
    Body, BoxError, BoxFuture, Context, Delivery, Discard, FromContext, Location, Receiver, ReceiverDef,
    ReceiverOptions, Registry, RetryAfter, RunError, Signal, Snooze,
};
use signals_runtime::worker::{DrainError, Report};
use signals_runtime::{CancelReason, Cancelled, Signals, Tx, WorkerBuilder};

use crate::fixtures::{Paid, Refunded};
use crate::harness::{Db, Harness};

const HERE: Location = Location { module: module_path!(), file: file!(), line: line!() };

/// What a receiver does when it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Returns `Ok`.
    Succeed,
    /// Returns this error.
    Fail(&'static str),
    /// Panics with a text.
    Panic,
    /// Panics with this text.
    PanicWith(&'static str),
    /// Panics with a value that is no text.
    PanicWithNumber,
    /// Says never again.
    Discard,
    /// Asks for another attempt after so many seconds.
    RetryAfter(u64),
    /// Asks to be called again after so many seconds.
    Snooze(u64),
    /// Never returns.
    Hang,
    /// Sends a signal in its transaction.
    Send,
    /// Sends one that is refused, and ignores that.
    IgnoreRefusedSend,
    /// Does the same in a savepoint that it rolls back.
    UndoRefusedSend,
    /// Ends its transaction and begins another.
    EndTransaction,
}

/// What the receivers are to do, and what they were called with. The state of the suite's workers.
#[derive(Clone, Debug, Default)]
pub struct Stage(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    script: VecDeque<Act>,
    calls: Vec<Delivery>,
    left: usize,
    ended: Vec<bool>,
    reasons: Vec<CancelReason>,
}

/// Tells that a call is over, whether it returned, panicked or was dropped.
struct Leave(Stage);

impl Drop for Leave {
    fn drop(&mut self) {
        self.0.lock().left += 1;
    }
}

impl Stage {
    /// Receivers that do these acts one after the other, and then succeed for ever.
    #[must_use]
    pub fn of(script: impl IntoIterator<Item = Act>) -> Self {
        let stage = Self::default();
        stage.lock().script.extend(script);
        stage
    }

    /// The calls so far.
    #[must_use]
    pub fn calls(&self) -> Vec<Delivery> {
        self.lock().calls.clone()
    }

    /// How many calls are over.
    #[must_use]
    pub fn left(&self) -> usize {
        self.lock().left
    }

    /// Whether the backend could end its transaction under a receiver, for each [`Act::EndTransaction`].
    #[must_use]
    pub fn ended(&self) -> Vec<bool> {
        self.lock().ended.clone()
    }

    /// Why the calls of [`Polling`] returned.
    #[must_use]
    pub fn reasons(&self) -> Vec<CancelReason> {
        self.lock().reasons.clone()
    }

    fn of_context(context: &Context) -> &Self {
        context.state::<Self>().expect("every worker of the suite has a stage")
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a call of a receiver that follows no script.
    pub(crate) fn note(context: &Context) {
        Self::of_context(context).lock().calls.push(context.delivery().clone());
    }

    fn enter(context: &Context) -> (Act, Leave) {
        let stage = Self::of_context(context).clone();
        let mut inner = stage.lock();
        inner.calls.push(context.delivery().clone());
        let act = inner.script.pop_front().unwrap_or(Act::Succeed);
        drop(inner);
        (act, Leave(stage))
    }
}

/// What does not touch a transaction.
async fn act(act: Act) -> Result<(), BoxError> {
    match act {
        Act::Fail(text) => Err(text.into()),
        Act::Panic => panic!("on purpose"),
        Act::PanicWith(text) => panic!("{text}"),
        Act::PanicWithNumber => std::panic::panic_any(7_u64),
        Act::Discard => Err(Discard.into()),
        Act::RetryAfter(seconds) => Err(RetryAfter(Duration::from_secs(seconds)).into()),
        Act::Snooze(seconds) => Err(Snooze(Duration::from_secs(seconds)).into()),
        Act::Hang => std::future::pending().await,
        Act::Succeed | Act::Send | Act::IgnoreRefusedSend | Act::UndoRefusedSend | Act::EndTransaction => Ok(()),
    }
}

/// A plain receiver of [`Paid`] with three attempts.
#[derive(Debug)]
pub struct Plain;

impl Receiver for Plain {
    type Signal = Paid;
    const DEF: &'static ReceiverDef = &ReceiverDef::new::<Self>("stage.plain", HERE, Body::Async(plain))
        .declare(|needs| needs.state::<Stage>())
        .options(ReceiverOptions::DEFAULT.max_attempts(3).timeout(Duration::from_secs(30)));
}

fn plain<'a>(bytes: &'a [u8], context: &'a Context) -> BoxFuture<'a, Result<(), RunError>> {
    Box::pin(async move {
        let _: Paid = decode(bytes, usize::MAX).map_err(RunError::Undecodable)?;
        let (next, _leave) = Stage::enter(context);
        act(next).await.map_err(RunError::Failed)
    })
}

/// [`Plain`] with a time-out that a case can wait for.
#[derive(Debug)]
pub struct Hasty;

impl Receiver for Hasty {
    type Signal = Paid;
    const DEF: &'static ReceiverDef = &ReceiverDef::new::<Self>("stage.hasty", HERE, Body::Async(plain))
        .declare(|needs| needs.state::<Stage>())
        .options(ReceiverOptions::DEFAULT.max_attempts(3).timeout(Duration::from_millis(20)));
}

/// A blocking receiver of [`Paid`] that goes on until it hears that its attempt is over.
#[derive(Debug)]
pub struct Polling;

impl Receiver for Polling {
    type Signal = Paid;
    const DEF: &'static ReceiverDef = &ReceiverDef::new::<Self>("stage.polling", HERE, Body::Blocking(poll))
        .declare(|needs| {
            needs.state::<Stage>();
            Cancelled::declare(needs);
        })
        .options(ReceiverOptions::DEFAULT.max_attempts(3).timeout(Duration::from_millis(20)));
}

fn poll(_: &[u8], context: &Context) -> Result<(), RunError> {
    let (_, leave) = Stage::enter(context);
    let cancelled = Cancelled::from_context(context).map_err(RunError::Extract)?;
    let began = Instant::now();
    while !cancelled.is_cancelled() {
        if began.elapsed() > PATIENCE {
            return Err(RunError::Failed("it was never told".into()));
        }
        std::thread::yield_now();
    }
    leave.0.lock().reasons.extend(cancelled.reason());
    Ok(())
}

/// A plain receiver of [`Refunded`] that only says that it was called.
#[derive(Debug)]
pub struct Bystander;

impl Receiver for Bystander {
    type Signal = Refunded;
    const DEF: &'static ReceiverDef = &ReceiverDef::new::<Self>(
        "other.bystander",
        HERE,
        Body::Blocking(|_, context| {
            let _: (Act, Leave) = Stage::enter(context);
            Ok(())
        }),
    )
    .declare(|needs| needs.state::<Stage>());
}

/// A transactional receiver of [`Paid`]: it writes the number of its attempt under `effect`, then acts.
#[derive(Debug)]
pub struct Transactional<H>(PhantomData<H>);

impl<H: Harness> Receiver for Transactional<H> {
    type Signal = Paid;
    const DEF: &'static ReceiverDef =
        &ReceiverDef::new::<Self>("stage.transactional", HERE, Body::Async(transactional::<H>))
            .declare(|needs| {
                needs.state::<Stage>();
                <Tx<H::Backend> as FromContext>::declare(needs);
            })
            .options(ReceiverOptions::DEFAULT.max_attempts(3).timeout(Duration::from_secs(5)));
}

/// [`Transactional`] with a time-out that a case can wait for. Too short for a machine that is busy printing the
/// backtrace of a panic.
#[derive(Debug)]
pub struct HastyTransactional<H>(PhantomData<H>);

impl<H: Harness> Receiver for HastyTransactional<H> {
    type Signal = Paid;
    const DEF: &'static ReceiverDef =
        &ReceiverDef::new::<Self>("stage.hasty_transactional", HERE, Body::Async(transactional::<H>))
            .declare(Transactional::<H>::DEF.declare)
            .options(ReceiverOptions::DEFAULT.max_attempts(3).timeout(Duration::from_millis(500)));
}

fn transactional<'a, H: Harness>(bytes: &'a [u8], context: &'a Context) -> BoxFuture<'a, Result<(), RunError>> {
    Box::pin(async move {
        let Paid { order } = decode(bytes, usize::MAX).map_err(RunError::Undecodable)?;
        let (next, _leave) = Stage::enter(context);
        let mut tx = Tx::<H::Backend>::from_context(context).map_err(RunError::Extract)?;
        write::<H>(&mut tx, order, context, next).await.map_err(RunError::Failed)
    })
}

async fn write<H: Harness>(tx: &mut Tx<H::Backend>, order: i64, context: &Context, next: Act) -> Result<(), BoxError> {
    let attempt = context.delivery().attempt;
    H::write(tx, "effect", &format!("order {order} by attempt {attempt}")).await?;
    match next {
        Act::Send => {
            Refunded { order }.send(tx).await?;
        }
        Act::IgnoreRefusedSend => {
            let _ = Refunded { order }.send(tx).after(Duration::MAX).await;
        }
        Act::UndoRefusedSend => {
            let mut savepoint = tx.savepoint().await?;
            let _ = Refunded { order }.send(&mut *savepoint).after(Duration::MAX).await;
            savepoint.rollback().await?;
        }
        Act::EndTransaction => {
            let ended = H::commit_and_begin(tx).await?;
            Stage::of_context(context).lock().ended.push(ended);
        }
        Act::Succeed
        | Act::Fail(_)
        | Act::Panic
        | Act::PanicWith(_)
        | Act::PanicWithNumber
        | Act::Discard
        | Act::RetryAfter(_)
        | Act::Snooze(_)
        | Act::Hang => {}
    }
    act(next).await
}

/// A program that runs workers.
#[derive(Debug)]
pub struct Theatre<H: Harness> {
    /// Its database.
    pub db: Db<H>,
    /// Its handle.
    pub signals: Signals<H::Backend>,
    /// What its receivers do.
    pub stage: Stage,
}

impl<H: Harness> Theatre<H> {
    /// A program with these receivers, set up, that follow `script`.
    pub async fn open(db: &Db<H>, receivers: &[&'static ReceiverDef], script: impl IntoIterator<Item = Act>) -> Self {
        let builder = receivers.iter().fold(Registry::builder(), |builder, def| builder.receiver_def(def));
        let registry = builder.build().expect("the suite's receivers do not contradict each other");
        let signals = Signals::new(db.harness.backend().clone()).with_registry(registry);
        signals.setup().await.expect("an empty database can be set up");
        Self { db: db.clone(), signals, stage: Stage::of(script) }
    }

    /// Sends in a transaction of its own.
    pub async fn send<S: Signal>(&self, signal: &S) {
        let mut tx = self.signals.begin().await.expect("a transaction can begin");
        signal.send(&mut tx).await.expect("the send succeeds");
        tx.commit().await.expect("the commit succeeds");
    }

    /// A worker with its stage.
    pub fn worker(&self) -> WorkerBuilder<H::Backend> {
        self.signals.worker().state(self.stage.clone())
    }

    /// Runs what is due until nothing is, whatever comes of it.
    pub async fn drain(&self) -> Report {
        match self.worker().build().expect("the worker lacks nothing").drain().await {
            Ok(report) | Err(DrainError::Failed(report)) => report,
            Err(error) => panic!("the worker could not run: {error}"),
        }
    }

    /// Runs what is due, which must fail: answers the error that a caller of `drain` gets.
    pub async fn drain_fails(&self) -> DrainError {
        let drained = self.worker().build().expect("the worker lacks nothing").drain().await;
        drained.expect_err("a receiver fails")
    }
}

/// How long a case waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(10);

/// Waits until `condition` holds.
///
/// # Panics
///
/// Panics when it does not within ten seconds.
pub async fn until<F: Future<Output = bool>>(what: &str, condition: impl FnMut() -> F) {
    until_within(PATIENCE, what, condition).await;
}

/// Waits until `condition` holds, for `patience` at most: longer than [`until`], for what keeps the machine busy.
///
/// # Panics
///
/// Panics when it does not within that.
pub async fn until_within<F: Future<Output = bool>>(patience: Duration, what: &str, condition: impl FnMut() -> F) {
    until_every(Duration::from_millis(1), patience, what, condition).await;
}

/// The same for a condition that is dear: it is looked at only so often.
///
/// # Panics
///
/// Panics when it does not become true in time.
pub async fn until_every<F: Future<Output = bool>>(
    pause: Duration,
    patience: Duration,
    what: &str,
    mut condition: impl FnMut() -> F,
) {
    let met = async {
        while !condition().await {
            // tidy: not a wait: the pause between two looks at a condition that has a deadline
            tokio::time::sleep(pause).await;
        }
    };
    tokio::time::timeout(patience, met).await.unwrap_or_else(|_| panic!("not within {patience:?}: {what}"));
}
