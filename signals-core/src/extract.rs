//! Extractors: how a receiver's parameters come out of the attempt's [`Context`].
//!
//! The macro knows no extractor by name: it writes `<T as FromContext>::EXTRACTOR` for every parameter after the first.
//! The extractors that need nothing but the attempt are here; those that need the runtime are in `signals-runtime`.

use std::any::{Any, TypeId, type_name};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::delivery::{DeliveryId, SignalId};
use crate::{Backend, BoxError};

/// A type that a receiver may take as a parameter.
///
/// ```
/// use signals_core::{Context, Delivery, ExtractError, FromContext, Needs};
///
/// /// The number of the attempt.
/// struct Attempt(u32);
///
/// impl FromContext for Attempt {
///     fn from_context(context: &Context) -> Result<Self, ExtractError> {
///         Delivery::from_context(context).map(|delivery| Self(delivery.attempt))
///     }
///
///     fn declare(needs: &mut Needs) {
///         Delivery::declare(needs);
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a receiver parameter",
    label = "not an extractor",
    note = "state of the application is taken as `State<{Self}>`; your own types implement `FromContext`"
)]
pub trait FromContext: Sized + Send {
    /// Takes the value out of the attempt's context.
    ///
    /// # Errors
    ///
    /// Returns an error when it is not there; the attempt then fails and is retried.
    fn from_context(context: &Context) -> Result<Self, ExtractError>;

    /// Says what this extractor needs, so that building a worker reports what is missing before anything runs.
    /// An extractor made of others declares theirs.
    fn declare(needs: &mut Needs) {
        let _ = needs;
    }

    /// Both of the above. Never written by hand.
    const EXTRACTOR: Extractor<Self> = Extractor { extract: Self::from_context, declare: Self::declare };
}

/// What the macro takes from a parameter's type, naming its obligation once.
pub struct Extractor<T> {
    extract: fn(&Context) -> Result<T, ExtractError>,
    declare: fn(&mut Needs),
}

impl<T> Extractor<T> {
    /// [`FromContext::from_context`].
    ///
    /// # Errors
    ///
    /// Returns what it returns.
    pub fn extract(&self, context: &Context) -> Result<T, ExtractError> {
        (self.extract)(context)
    }

    /// [`FromContext::declare`].
    pub fn declare(&self, needs: &mut Needs) {
        (self.declare)(needs);
    }
}

impl<T> Clone for Extractor<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Extractor<T> {}

impl<T> fmt::Debug for Extractor<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Extractor<{}>", type_name::<T>())
    }
}

/// Why an extractor had nothing to give.
#[derive(Debug)]
pub struct ExtractError(BoxError);

impl ExtractError {
    /// An extraction that failed because of `reason`.
    pub fn new(reason: impl Into<BoxError>) -> Self {
        Self(reason.into())
    }
}

impl fmt::Display for ExtractError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for ExtractError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

/// What a receiver's parameters need of the worker that runs it.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    states: Vec<StateNeed>,
    txs: Vec<TxNeed>,
}

/// A state that must have been given to the worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateNeed {
    /// Its type.
    pub id: TypeId,
    /// The name of its type, for messages.
    pub name: &'static str,
}

/// A transaction of one backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TxNeed {
    /// The type of the backend.
    pub backend: TypeId,
    /// What the backend calls itself.
    pub name: &'static str,
    /// The name of the type of the backend, for messages.
    pub type_name: &'static str,
}

impl Needs {
    /// The worker must have been given a `T`.
    pub fn state<T: Send + Sync + 'static>(&mut self) {
        self.states.push(StateNeed { id: TypeId::of::<T>(), name: type_name::<T>() });
    }

    /// The receiver runs inside a transaction of `B`.
    pub fn transaction<B: Backend>(&mut self) {
        self.txs.push(TxNeed { backend: TypeId::of::<B>(), name: B::NAME, type_name: type_name::<B>() });
    }

    /// The states, in the order of the parameters.
    #[must_use]
    pub fn states(&self) -> &[StateNeed] {
        &self.states
    }

    /// The transactions: none for a plain receiver, one for a transactional one; more are a mistake.
    #[must_use]
    pub fn transactions(&self) -> &[TxNeed] {
        &self.txs
    }

    /// Whether the receiver takes a transaction.
    #[must_use]
    pub fn is_transactional(&self) -> bool {
        !self.txs.is_empty()
    }
}

/// Values by their type. Small: looked up by a linear scan.
#[derive(Clone, Default)]
pub struct States(Vec<(TypeId, &'static str, Arc<dyn Any + Send + Sync>)>);

impl States {
    /// Adds `value`; one of the same type is replaced.
    pub fn insert<T: Send + Sync + 'static>(&mut self, value: T) {
        let id = TypeId::of::<T>();
        self.0.retain(|(other, ..)| *other != id);
        self.0.push((id, type_name::<T>(), Arc::new(value)));
    }

    /// The value of type `T`.
    #[must_use]
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<&T> {
        let id = TypeId::of::<T>();
        self.0.iter().find(|(other, ..)| *other == id).and_then(|(.., value)| value.downcast_ref())
    }

    /// The names of the types of all values, for messages.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|(_, name, _)| *name)
    }

    /// Whether a value of this type is here.
    #[must_use]
    pub fn contains(&self, id: TypeId) -> bool {
        self.0.iter().any(|(other, ..)| *other == id)
    }
}

impl fmt::Debug for States {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

/// Everything that an extractor can see of one attempt.
pub struct Context {
    delivery: Delivery,
    states: Arc<States>,
    runtime: Option<Arc<dyn Any + Send + Sync>>,
}

impl Context {
    /// The context of one attempt; `states` are the application's.
    #[must_use]
    pub const fn new(delivery: Delivery, states: Arc<States>) -> Self {
        Self { delivery, states, runtime: None }
    }

    /// With what the runtime shares with this attempt alone: its cancellation, its transaction.
    #[must_use]
    pub fn with_runtime(self, runtime: Arc<dyn Any + Send + Sync>) -> Self {
        Self { runtime: Some(runtime), ..self }
    }

    /// What is delivered.
    #[must_use]
    pub const fn delivery(&self) -> &Delivery {
        &self.delivery
    }

    /// The application's state of type `T`, as given to the worker.
    #[must_use]
    pub fn state<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.states.get()
    }

    /// What the runtime shares with this attempt, when it is a `T`.
    #[must_use]
    pub fn runtime<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.runtime.clone()?.downcast().ok()
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("delivery", &self.delivery)
            .field("states", &self.states)
            .finish_non_exhaustive()
    }
}

/// What a receiver may know of the delivery that it runs. An extractor.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// Which run from zero this is: 0 at send, one more at every retry by hand.
    pub life: u32,
    /// The number of this attempt, from 1.
    pub attempt: u32,
    /// How many attempts this life has.
    pub max_attempts: u32,
    /// The name of the receiver.
    pub receiver: &'static str,
    /// The name under which the signal was sent.
    pub signal: Arc<str>,
    /// When it was sent, by the database's clock.
    pub sent_at: Timestamp,
    /// How long this attempt may take.
    pub timeout: Duration,
    /// The first signal of the chain of sends that led here, or the signal itself.
    pub correlation: SignalId,
    /// The W3C trace context that the sender was in, if it was in one.
    pub traceparent: Option<Arc<str>>,
}

impl Delivery {
    /// A delivery for tests and backends; the rest is set by field.
    #[must_use]
    pub fn new(id: DeliveryId, receiver: &'static str, signal: Arc<str>) -> Self {
        Self {
            id,
            life: 0,
            attempt: 1,
            max_attempts: crate::retry::RetryPolicy::DEFAULT.max_attempts,
            receiver,
            signal,
            sent_at: Timestamp::default(),
            timeout: Duration::MAX,
            correlation: id.signal,
            traceparent: None,
        }
    }

    /// The key to hand to whatever can tell a repetition by one: `<signal>.<receiver>.<life>`, the same in every attempt of
    /// this life, and another one after a retry by hand (I11).
    ///
    /// ```
    /// use signals_core::Delivery;
    ///
    /// fn header(delivery: &Delivery) -> (&'static str, String) {
    ///     ("Idempotency-Key", delivery.idempotency_key())
    /// }
    /// # use signals_core::delivery::{DeliveryId, ReceiverId, SignalId};
    /// # let id = DeliveryId { signal: SignalId(42), receiver: ReceiverId(3) };
    /// # assert_eq!(header(&Delivery::new(id, "mail", "paid".into())).1, "42.3.0");
    /// ```
    #[must_use]
    pub fn idempotency_key(&self) -> String {
        format!("{}.{}", self.id, self.life)
    }

    /// Whether no attempt follows when this one fails.
    #[must_use]
    pub const fn is_last_attempt(&self) -> bool {
        self.attempt >= self.max_attempts
    }
}

impl FromContext for Delivery {
    fn from_context(context: &Context) -> Result<Self, ExtractError> {
        Ok(context.delivery.clone())
    }
}
