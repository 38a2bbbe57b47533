//! Sending: what goes into a batch, and the future that stores it.

use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::clock::{Clock, SystemClock, Timestamp};
use crate::delivery::SignalId;
use crate::payload::{self, PayloadError};
use crate::store::{Claimed, SendClaim};
use crate::{Backend, BoxFuture, Error, Headers, InTransaction, Registry, Result, Signal, SignalDef};

/// The most that a delivery can be delayed: ten years of 365.25 days.
pub const MAX_DELAY: Duration = Duration::from_secs(10 * 31_557_600);

/// The most bytes of an idempotency key.
pub const MAX_KEY: usize = 200;

/// When a delivery is due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Due {
    /// As soon as the transaction committed.
    #[default]
    Now,
    /// This long after the send, by the database's clock.
    After(Duration),
    /// At this moment, by the database's clock.
    At(Timestamp),
}

impl Due {
    /// The due time for a send at `now`; `None` when it is due at once.
    ///
    /// # Errors
    ///
    /// Returns [`Error::DelayTooLong`] when it is more than ten years away.
    pub fn resolve(self, now: Timestamp) -> Result<Option<Timestamp>> {
        let due = match self {
            Self::Now => return Ok(None),
            Self::After(delay) if delay > MAX_DELAY => return Err(Error::DelayTooLong),
            Self::After(delay) => now.saturating_add(delay),
            Self::At(at) => at,
        };
        if due.since(now) > MAX_DELAY {
            return Err(Error::DelayTooLong);
        }
        Ok((due > now).then_some(due))
    }
}

/// One signal on its way into the database.
pub struct Outgoing {
    /// What it is.
    pub def: &'static SignalDef,
    /// JSON text.
    pub payload: Vec<u8>,
    /// When its deliveries are due.
    pub due: Due,
    /// Under this key it is stored at most once.
    pub key: Option<String>,
    refused: Option<PayloadError>,
}

impl Outgoing {
    /// Encodes `signal`; a refusal is reported when it is sent.
    pub fn new<S: Signal>(signal: &S) -> Self {
        let (payload, refused) = match payload::encode(signal) {
            Ok(payload) => (payload, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        Self { def: S::DEF, payload, due: Due::Now, key: None, refused }
    }

    fn check(&mut self, context: &SendContext) -> Result<()> {
        let signal = self.def.name;
        if let Some(source) = self.refused.take() {
            return Err(Error::Payload { signal, source });
        }
        let limit = context.payload_limit;
        if self.payload.len() > limit {
            return Err(Error::Payload { signal, source: PayloadError::TooLarge { limit } });
        }
        if let Some(key) = &self.key
            && (key.is_empty() || key.len() > MAX_KEY || key.contains('\0'))
        {
            return Err(Error::KeyInvalid);
        }
        self.due.resolve(context.clock.now()).map(drop)
    }
}

impl fmt::Debug for Outgoing {
    /// Never shows the payload.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("signal", &self.def.name)
            .field("version", &self.def.version)
            .field("bytes", &self.payload.len())
            .field("due", &self.due)
            .finish_non_exhaustive()
    }
}

/// What a transaction knows of the application that sends through it.
#[derive(Clone, Debug)]
pub struct SendContext {
    /// The receivers that are linked into the sender: each must be registered (I14).
    pub registry: Arc<Registry>,
    /// The most bytes of a payload.
    pub payload_limit: usize,
    /// What every signal of the batch carries.
    pub headers: Headers,
    /// The time, for backends without a clock of their own.
    pub clock: Arc<dyn Clock>,
    /// What a worker of this process asks to be claimed for it in the same statement. A backend may claim less, or nothing.
    pub claim: Option<SendClaim>,
}

impl SendContext {
    /// A sender with `registry` and every limit at its default.
    #[must_use]
    pub fn new(registry: Arc<Registry>) -> Self {
        Self {
            registry,
            payload_limit: payload::DEFAULT_LIMIT,
            headers: Headers::default(),
            clock: Arc::new(SystemClock),
            claim: None,
        }
    }
}

/// Signals that are stored together.
#[derive(Debug)]
pub struct SendBatch {
    /// The signals, in order; never empty.
    pub signals: Vec<Outgoing>,
    /// Who sends them.
    pub context: SendContext,
}

/// What a send stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// The id of the stored signal.
    pub signal_id: SignalId,
    /// How many deliveries it has: one for each receiver.
    pub deliveries: usize,
    /// Whether the signal had been stored before under the same idempotency key, and nothing was added now.
    pub repeated: bool,
}

impl Receipt {
    /// The receipt of a signal that was stored just now.
    #[must_use]
    pub const fn stored(signal_id: SignalId, deliveries: usize) -> Self {
        Self { signal_id, deliveries, repeated: false }
    }

    /// The receipt of the send that used the same idempotency key before.
    #[must_use]
    pub const fn repeated(signal_id: SignalId, deliveries: usize) -> Self {
        Self { signal_id, deliveries, repeated: true }
    }
}

/// What a batch has become in the sender's transaction.
#[derive(Debug, Default)]
pub struct Sent {
    /// A receipt for each signal, in order.
    pub receipts: Vec<Receipt>,
    /// Whether it is known now that the transaction is open and in order: no statement of the application has ended it, and no
    /// error has aborted it. A backend to whose commits that is worth nothing says no.
    pub in_order: bool,
    /// What was stored as claimed under the token of [`SendContext::claim`]. Nobody holds it until the transaction committed.
    pub claimed: Vec<Claimed>,
}

impl Sent {
    /// What was stored with these receipts, of which nothing else is known.
    #[must_use]
    pub fn stored(receipts: Vec<Receipt>) -> Self {
        Self { receipts, ..Self::default() }
    }
}

/// A send that has not happened yet: options, then `.await`. Made by [`Signal::send`], which says how it fails.
///
/// | option | default | meaning |
/// |---|---|---|
/// | [`after`](Self::after), [`at`](Self::at) | at once | when it is due; the last one counts |
/// | [`idempotency_key`](Self::idempotency_key) | none | stores it at most once |
#[must_use = "a signal is sent when this is awaited"]
pub struct Sending<'t> {
    signal: Outgoing,
    outlet: Box<dyn Outlet + 't>,
}

impl<'t> Sending<'t> {
    pub(crate) fn new<B: Backend, T: InTransaction<B> + ?Sized>(signal: Outgoing, tx: &'t mut T) -> Self {
        Self { signal, outlet: Box::new(Through { tx, backend: PhantomData }) }
    }

    /// Delivers no earlier than `delay` after the send, by the database's clock. At most ten years.
    pub fn after(mut self, delay: Duration) -> Self {
        self.signal.due = Due::After(delay);
        self
    }

    /// Delivers no earlier than `moment`, by the database's clock. At most ten years ahead; a moment that is over is now.
    pub fn at(mut self, moment: SystemTime) -> Self {
        self.signal.due = Due::At(moment.into());
        self
    }

    /// Stores the signal at most once under `key`, for 7 days: the same send repeated adds nothing and returns the
    /// first's receipt, with [`Receipt::repeated`] set (E12). 1 to 200 bytes without NUL; keys are shared by all signals of a
    /// database.
    ///
    /// Awaiting the send returns [`Error::KeyReused`] when the key was used for another payload or another signal, and
    /// [`Error::KeyInvalid`] when it is no key.
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.signal.key = Some(key.into());
        self
    }
}

impl fmt::Debug for Sending<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending").field("signal", &self.signal).finish_non_exhaustive()
    }
}

impl<'t> IntoFuture for Sending<'t> {
    type Output = Result<Receipt>;
    type IntoFuture = BoxFuture<'t, Result<Receipt>>;

    fn into_future(self) -> Self::IntoFuture {
        let stored = self.outlet.deliver(vec![self.signal]);
        Box::pin(async move { Ok(stored.await?.pop().expect("one receipt for one signal")) })
    }
}

/// Sends many signals of one type together, in a number of statements that does not grow with their number.
///
/// ```
/// # use signals_core::{Backend, InTransaction, Result, Signal, send_all};
/// # async fn example<S: Signal, B: Backend, T: InTransaction<B>>(invoices: Vec<S>, tx: &mut T) -> Result<()> {
/// let receipts = send_all(&invoices, tx).await?;
/// assert_eq!(receipts.len(), invoices.len());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// As [`Signal::send`]; when one signal is refused none is stored.
///
/// # Cancel safety
///
/// As [`Signal::send`].
pub fn send_all<'t, 's, S, B, T>(signals: impl IntoIterator<Item = &'s S>, tx: &'t mut T) -> SendingAll<'t>
where
    S: Signal,
    B: Backend,
    T: InTransaction<B> + ?Sized,
{
    SendingAll {
        signals: signals.into_iter().map(Outgoing::new).collect(),
        outlet: Box::new(Through { tx, backend: PhantomData }),
    }
}

/// Several sends that have not happened yet. Made by [`send_all`].
#[must_use = "signals are sent when this is awaited"]
pub struct SendingAll<'t> {
    signals: Vec<Outgoing>,
    outlet: Box<dyn Outlet + 't>,
}

impl SendingAll<'_> {
    /// Delivers no earlier than `delay` after the send, by the database's clock. At most ten years.
    pub fn after(mut self, delay: Duration) -> Self {
        for signal in &mut self.signals {
            signal.due = Due::After(delay);
        }
        self
    }

    /// Delivers no earlier than `moment`, by the database's clock. At most ten years ahead.
    pub fn at(mut self, moment: SystemTime) -> Self {
        for signal in &mut self.signals {
            signal.due = Due::At(moment.into());
        }
        self
    }
}

impl fmt::Debug for SendingAll<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendingAll").field("signals", &self.signals.len()).finish_non_exhaustive()
    }
}

impl<'t> IntoFuture for SendingAll<'t> {
    type Output = Result<Vec<Receipt>>;
    type IntoFuture = BoxFuture<'t, Result<Vec<Receipt>>>;

    fn into_future(self) -> Self::IntoFuture {
        self.outlet.deliver(self.signals)
    }
}

/// A transaction whose type is forgotten.
trait Outlet: Send {
    fn deliver<'a>(self: Box<Self>, signals: Vec<Outgoing>) -> BoxFuture<'a, Result<Vec<Receipt>>>
    where
        Self: 'a;
}

struct Through<'t, B, T: ?Sized> {
    tx: &'t mut T,
    backend: PhantomData<fn() -> B>,
}

impl<B: Backend, T: InTransaction<B> + ?Sized> Outlet for Through<'_, B, T> {
    fn deliver<'a>(self: Box<Self>, signals: Vec<Outgoing>) -> BoxFuture<'a, Result<Vec<Receipt>>>
    where
        Self: 'a,
    {
        Box::pin(async move {
            let mut batch = SendBatch { context: self.tx.context(&signals), signals };
            // From here on the transaction refuses to commit, until everything is stored.
            let conn = self.tx.start()?;
            match store::<B>(conn, &mut batch).await {
                Ok(mut sent) => {
                    self.tx.finish(&batch, &mut sent);
                    Ok(sent.receipts)
                }
                Err(error) => {
                    self.tx.abort().await;
                    Err(error)
                }
            }
        })
    }
}

async fn store<B: Backend>(conn: &mut B::Conn, batch: &mut SendBatch) -> Result<Sent> {
    batch.context.headers.clean();
    for signal in &mut batch.signals {
        signal.check(&batch.context)?;
    }
    if batch.signals.is_empty() { Ok(Sent::default()) } else { B::send_knowing(conn, batch).await }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d9_a_delay_beyond_ten_years_is_a_typed_error() {
        let now = Timestamp::from_micros(1_000_000);
        for due in [
            Due::After(Duration::MAX),
            Due::After(MAX_DELAY + Duration::from_micros(1)),
            Due::At(Timestamp::from_micros(i64::MAX)),
        ] {
            assert!(matches!(due.resolve(now), Err(Error::DelayTooLong)), "{due:?}");
        }
        assert_eq!(Due::After(MAX_DELAY).resolve(now).ok().flatten(), Some(now.saturating_add(MAX_DELAY)));
        assert_eq!(Due::At(Timestamp::from_micros(i64::MIN)).resolve(now).ok(), Some(None), "long ago is now");
        assert_eq!(Due::After(Duration::ZERO).resolve(now).ok(), Some(None));
    }
}
