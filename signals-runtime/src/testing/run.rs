//! One receiver, with its extractors, for a payload that nobody else gets; and what came of its attempt.

use std::time::Duration;

use signals_core::delivery::{DeliveryId, Lane, State};
use signals_core::store::{Acting, AttemptOutcome, ClaimLane, DeliverySummary, Fate, StoredSignal};
use signals_core::{Error, Receiver, Signal as _};

use super::message::Message;
use super::tally::Tally;
use super::turn::Call;
use super::{Point, Step, TestBackend, TestSignals};
use crate::worker::{ByHand, Claim, Outcome};

/// What signals that a test hands to one receiver carry as the build that sent them.
pub(super) const DIRECT: &str = "TestSignals::run";

/// An attempt that a test asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ran {
    /// The delivery.
    pub delivery: DeliveryId,
    /// The number of the attempt.
    pub attempt: u32,
    /// What came of it.
    pub ended: Ended,
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// The receiver returned `Ok`, and the delivery is done.
    Done,
    /// It failed.
    Failed {
        /// How.
        outcome: AttemptOutcome,
        /// The error with its causes.
        error: String,
        /// Where the delivery goes from here.
        fate: Fate,
    },
    /// The receiver asked to be called again after this long.
    Snoozed(Duration),
    /// The worker, not the receiver, is why it came to nothing. The delivery is ready again.
    Released,
    /// The receiver ran, and the database refused what came of it: somebody else holds the delivery, and what the receiver
    /// wrote in its transaction is rolled back. With its error, if it failed.
    Refused(Option<String>),
    /// The worker died there, because the test said so. With the receiver's error, if it ran and failed.
    Crashed(Point, Option<String>),
}

impl Ran {
    /// The receiver's error with its causes, if it failed.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        match &self.ended {
            Ended::Failed { error, .. } => Some(error),
            Ended::Refused(error) | Ended::Crashed(_, error) => error.as_deref(),
            Ended::Done | Ended::Snoozed(_) | Ended::Released => None,
        }
    }

    /// Whether the delivery is done.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.ended == Ended::Done
    }
}

impl From<Outcome> for Ended {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::Done,
            Outcome::Failed(failed) => Self::Failed { outcome: failed.outcome, error: failed.error, fate: failed.fate },
            Outcome::Snoozed(snoozed) => Self::Snoozed(snoozed.delay),
            Outcome::Released => Self::Released,
            Outcome::Refused(error) => Self::Refused(error),
            Outcome::Lost(error) => Self::Crashed(Point::BeforeAck, error),
        }
    }
}

impl<B: TestBackend> TestSignals<B> {
    /// Runs `R` once with `payload`, as a worker does: encoded and decoded, with its extractors, within its time-out and in
    /// its transaction. Other receivers of the signal get nothing, what waits for `R` waits on, and no assertion about what was
    /// sent sees it.
    ///
    /// # Panics
    ///
    /// Panics when `R` fails, unless the test said [`expect_failure`](Self::expect_failure); when it takes a state that this
    /// test was not given, or a transaction of another backend; when it is paused or retired.
    ///
    /// # Examples
    ///
    /// ```standalone_crate
    /// use signals_runtime::testing::TestSignals;
    /// use signals_runtime::{Delivery, MemoryTx, receiver, signal};
    ///
    /// #[signal]
    /// struct PaymentCompleted {
    ///     payment_id: i64,
    /// }
    ///
    /// #[receiver(signal = PaymentCompleted)]
    /// async fn complete_order(payment: &PaymentCompleted, tx: &mut MemoryTx, delivery: Delivery) {
    ///     tx.put(format!("order {}", payment.payment_id), format!("completed by attempt {}", delivery.attempt));
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let signals = TestSignals::new().await;
    /// let ran = signals.run::<complete_order>(PaymentCompleted { payment_id: 7 }).await;
    /// assert!(ran.is_done());
    /// assert_eq!(signals.backend().committed("order 7").as_deref(), Some("completed by attempt 1"));
    /// # }
    /// ```
    #[track_caller]
    pub fn run<R: Receiver>(&self, payload: R::Signal) -> Step<'_, Ran> {
        let call = Call::of("run");
        self.step(call, async move {
            let receiver = self.number_of::<R>()?;
            let mut worker = self.turns.take(call)?;
            let delivery = self.post::<R>(&worker, receiver, &payload).await?;
            let claim = self.seize(&worker, delivery).await?;
            let mut tally = Tally::default();
            let ran = self.attempt(&mut worker, claim, &mut tally).await?;
            self.close(tally).map(|_| ran)
        })
    }

    /// Stores `payload` as a signal to `R` alone.
    pub(super) async fn post<R: Receiver>(
        &self,
        worker: &ByHand,
        receiver: usize,
        payload: &R::Signal,
    ) -> Result<DeliveryId, Message> {
        self.check_needs(worker, receiver)?;
        let lane = self.open_lane(worker, receiver).await?;
        let mut tx = self.direct.begin().await?;
        let receipt = payload.send(&mut tx).await?;
        tx.commit().await?;
        let id = |lane: Lane| DeliveryId { signal: receipt.signal_id, receiver: lane.receiver };
        let others: Vec<DeliveryId> = (0..self.receivers.len())
            .filter(|other| self.receivers[*other].signal.name == R::DEF.signal.name)
            .filter_map(|other| worker.lane(other).filter(|other| *other != lane).map(id))
            .collect();
        let acting = Acting { actor: DIRECT, subject: R::DEF.name, continues: None };
        self.signals.store().cancel(&others, &acting).await?;
        Ok(id(lane))
    }

    /// The lane of a receiver that gets what is sent, and whose deliveries can be claimed.
    async fn open_lane(&self, worker: &ByHand, receiver: usize) -> Result<Lane, Message> {
        let name = self.receivers[receiver].name;
        let is_closed = |what: &str, way_out: &str| {
            Message::new(format!("`{name}` is {what}"))
                .expected(way_out)
                .instead(format!("`{name}` gets nothing to run"))
        };
        let stored = self.signals.store().receivers().await?.into_iter().find(|stored| stored.name == name);
        match (worker.lane(receiver), stored) {
            (Some(_), Some(stored)) if stored.paused => {
                Err(is_closed("paused", "a receiver that runs: `signals.operate(…).resume(…)` before this step"))
            }
            (Some(lane), Some(stored)) if !stored.retired => Ok(lane),
            _ => Err(is_closed("retired", "a receiver that is sent to: one that was not retired in this database")),
        }
    }

    /// Claims `delivery` alone; from whoever holds it, if somebody does.
    pub(super) async fn seize(&self, worker: &ByHand, delivery: DeliveryId) -> Result<Claim, Message> {
        let lane = worker.receiver(delivery.receiver).and_then(|receiver| worker.lane(receiver));
        let asked = worker.ask(lane.map(|lane| ClaimLane { lane, limit: 1 }).into_iter().collect())?;
        let mut claims = self.signals.backend().seize(&asked, delivery).await?;
        let nothing =
            || Error::Database(format!("`TestBackend::seize` answered nothing for delivery {delivery}").into());
        Ok(worker.took(&mut claims).ok_or_else(nothing)?)
    }
}

/// Whether this signal was handed to one receiver by a test.
pub(super) fn is_direct(signal: &StoredSignal) -> bool {
    signal.headers.build.as_deref() == Some(DIRECT)
}

/// Whether this is a delivery that another receiver did not get, because the test ran one alone.
pub(super) fn is_set_aside(delivery: &DeliverySummary) -> bool {
    delivery.state == State::Cancelled && delivery.actor.as_deref() == Some(DIRECT)
}
