//! Receivers that run twice for one delivery: what at-least-once means for them.

use std::fmt;
use std::future::Future;

use signals_core::{BoxFuture, Receiver};

use super::message::Message;
use super::run::{Ended, Ran};
use super::tally::Tally;
use super::turn::Call;
use super::{Point, Step, TestBackend, TestSignals, tree};

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
    /// another has committed. What that writes through its `Tx` is rolled back; what it did elsewhere has happened twice. That
    /// the repetition fails, at a primary key for instance, is no failure: nothing comes of it in production, either.
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
        let call = Call::of("run_twice");
        self.step(call, async move {
            let receiver = self.number_of::<R>()?;
            let mut worker = self.turns.take(call)?;
            let delivery = self.post::<R>(&worker, receiver, &payload).await?;
            let first = self.seize(&worker, delivery).await?;
            let mut tally = Tally::default();
            let (once, twice, last) = if self.receivers[receiver].needs().is_transactional() {
                let second = self.seize(&worker, delivery).await?;
                let ran = self.attempt(&mut worker, second, &mut tally).await?;
                let once = snapshot.read().await;
                // Not counted: that a row is there already stops the repetition, and nothing comes of that in production.
                self.attempt(&mut worker, first, &mut Tally::default()).await?;
                (once, snapshot.read().await, ran)
            } else {
                self.plans().plan_crash(R::DEF.name, Point::AfterEffects);
                self.attempt(&mut worker, first, &mut tally).await?;
                let once = snapshot.read().await;
                let second = self.seize(&worker, delivery).await?;
                let ran = self.attempt(&mut worker, second, &mut tally).await?;
                (once, snapshot.read().await, ran)
            };
            self.close(tally)?;
            let name = R::DEF.name;
            if !last.is_done() {
                return Err(Message::new(format!("`{name}` did not finish, so that there is nothing to compare"))
                    .expected("a receiver that returns `Ok`")
                    .instead(tree::ended(&last.ended)));
            }
            if once == twice {
                return Ok(());
            }
            Err(Message::new(format!("`{name}` is not idempotent: its second run changed what the first had left"))
                .expected(format!("{once:#?}"))
                .instead(format!("{twice:#?}")))
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
        let call = Call::of("run_with_stale_token");
        self.step(call, async move {
            let receiver = self.number_of::<R>()?;
            let mut worker = self.turns.take(call)?;
            let delivery = self.post::<R>(&worker, receiver, &payload).await?;
            let stale = self.seize(&worker, delivery).await?;
            let stolen = self.seize(&worker, delivery).await?;
            let mut tally = Tally::default();
            let ran = self.attempt(&mut worker, stale, &mut tally).await?;
            worker.release(stolen.claimed.held).await?;
            self.close(tally)?;
            if matches!(ran.ended, Ended::Refused(_)) {
                return Ok(ran);
            }
            Err(Message::new(format!("`{}` was not refused, though another holds its delivery", R::DEF.name))
                .expected("an attempt that ends while another worker holds the delivery")
                .instead(tree::ended(&ran.ended)))
        })
    }
}
