//! Receivers that run twice for one delivery: what at-least-once means for them.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use signals_core::{BoxFuture, Receiver};

use super::drain::Tally;
use super::message::Message;
use super::run::{Ended, Ran, claim_that};
use super::{Point, Step, TestBackend, TestSignals};
use crate::defaults::LEASE;

/// What a test compares after a receiver ran once and after it ran twice: a closure that reads the application's state, and
/// answers what can be compared and shown.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no snapshot",
    label = "expected a closure such as `|| async {{ orders(&pool).await }}`, whose answer is `PartialEq + Debug + Send`"
)]
pub trait Snapshot<'t>: Send + Sync + 't {
    /// What is compared.
    type State: PartialEq + fmt::Debug + Send;

    /// Reads the state.
    fn read(&self) -> BoxFuture<'t, Self::State>;
}

#[diagnostic::do_not_recommend]
impl<'t, F, Answer, State> Snapshot<'t> for F
where
    F: Fn() -> Answer + Send + Sync + 't,
    Answer: Future<Output = State> + Send + 't,
    State: PartialEq + fmt::Debug + Send,
{
    type State = State;

    fn read(&self) -> BoxFuture<'t, State> {
        Box::pin(self())
    }
}

impl<B: TestBackend> TestSignals<B> {
    /// Runs `R` twice for one delivery, under one idempotency key, and compares what `snapshot` reads after the first time
    /// and after the second: what is the same is idempotent.
    ///
    /// A plain receiver is repeated as after a worker that died between its effects and the acknowledgement. A transactional
    /// one cannot be, since both are one commit: it is repeated by a worker that lost its lease without knowing, after
    /// another has committed. What that writes through its `Tx` is rolled back; what it did elsewhere has happened twice.
    ///
    /// # Panics
    ///
    /// Panics when the two differ, with both; and when `R` fails.
    ///
    /// # Examples
    ///
    /// ```standalone_crate
    /// use std::collections::BTreeMap;
    /// use std::sync::{Arc, Mutex};
    ///
    /// use signals_runtime::testing::TestSignals;
    /// use signals_runtime::{Delivery, State, receiver, signal};
    ///
    /// #[signal]
    /// struct PaymentCompleted {
    ///     payment_id: i64,
    /// }
    ///
    /// /// Knows what it has sent by its key.
    /// #[derive(Clone, Default)]
    /// struct Mailer(Arc<Mutex<BTreeMap<String, i64>>>);
    ///
    /// #[receiver(signal = PaymentCompleted)]
    /// async fn mail_receipt(payment: &PaymentCompleted, State(mailer): State<Mailer>, delivery: Delivery) {
    ///     mailer.0.lock().unwrap().insert(delivery.idempotency_key(), payment.payment_id);
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mailer = Mailer::default();
    /// let signals = TestSignals::builder().state(mailer.clone()).build().await;
    /// let mails = || async { mailer.0.lock().unwrap().clone() };
    /// signals.run_twice::<mail_receipt>(PaymentCompleted { payment_id: 7 }, mails).await;
    /// # }
    /// ```
    #[track_caller]
    pub fn run_twice<'t, R: Receiver>(&'t self, payload: R::Signal, snapshot: impl Snapshot<'t>) -> Step<'t, ()> {
        Step::new("run_twice", async move {
            let receiver = self.number_of::<R>()?;
            let mut worker = self.worker.lock().await;
            let delivery = self.post::<R>(&worker, receiver, &payload).await?;
            // Over as soon as it is taken, so that no clock has to move.
            let first = claim_that(&mut worker, receiver, delivery, Duration::ZERO).await?;
            let mut tally = Tally::default();
            let (once, twice, last) = if self.receivers[receiver].needs().is_transactional() {
                let second = claim_that(&mut worker, receiver, delivery, LEASE).await?;
                let ran = self.attempt(&mut worker, second, &mut tally).await?;
                let once = snapshot.read().await;
                self.attempt(&mut worker, first, &mut tally).await?;
                (once, snapshot.read().await, ran)
            } else {
                self.plans().plan_crash(R::DEF.name, Point::AfterEffects);
                self.attempt(&mut worker, first, &mut tally).await?;
                let once = snapshot.read().await;
                let second = claim_that(&mut worker, receiver, delivery, LEASE).await?;
                let ran = self.attempt(&mut worker, second, &mut tally).await?;
                (once, snapshot.read().await, ran)
            };
            drop(worker);
            self.close(tally).await?;
            if !last.is_done() {
                let ran = format!("`{}` did not finish: {:?}", R::DEF.name, last.ended);
                return Err(Message::new(ran).cascade(self.tree().await?));
            }
            if once == twice {
                return Ok(());
            }
            let repeated =
                format!("`{}` is not idempotent: its second run changed what the first had left", R::DEF.name);
            let message = Message::new(repeated).expected(format!("{once:#?}")).instead(format!("{twice:#?}"));
            Err(message.cascade(self.tree().await?))
        })
    }

    /// Runs `R` as a worker does that has lost its lease without knowing: another holds the delivery by then. What it
    /// acknowledges is refused, and what it wrote through its `Tx` is rolled back (I6). Afterwards the delivery is ready
    /// again, and [`drain`](Self::drain) runs it.
    ///
    /// # Panics
    ///
    /// Panics when `R` fails, and when the database accepted what it said.
    #[track_caller]
    pub fn run_with_stale_token<R: Receiver>(&self, payload: R::Signal) -> Step<'_, Ran> {
        Step::new("run_with_stale_token", async move {
            let receiver = self.number_of::<R>()?;
            let mut worker = self.worker.lock().await;
            let delivery = self.post::<R>(&worker, receiver, &payload).await?;
            let stale = claim_that(&mut worker, receiver, delivery, Duration::ZERO).await?;
            let stolen = claim_that(&mut worker, receiver, delivery, LEASE).await?;
            let mut tally = Tally::default();
            let ran = self.attempt(&mut worker, stale, &mut tally).await?;
            worker.release(stolen.claimed.held).await?;
            drop(worker);
            self.close(tally).await?;
            if matches!(ran.ended, Ended::Refused(_)) {
                return Ok(ran);
            }
            let accepted =
                format!("`{}` was not refused, though another holds its delivery: {:?}", R::DEF.name, ran.ended);
            Err(Message::new(accepted).cascade(self.tree().await?))
        })
    }
}
