//! What a test expects to go wrong in its next step, and where it kills the worker.

use std::collections::BTreeSet;
use std::fmt;
use std::panic::Location;

use signals_core::Receiver;

use super::message::Message;
use super::tally::Tally;
use super::{Point, TestBackend, TestSignals};
use crate::worker::Failure;

/// What holds for the next step that runs receivers, and for that one alone.
#[derive(Debug, Default)]
pub(super) struct Plans {
    failures: Vec<ExpectedFailure>,
    crashes: Vec<PlannedCrash>,
}

#[derive(Debug)]
struct ExpectedFailure {
    receiver: &'static str,
    saying: Option<String>,
    at: &'static Location<'static>,
    came: bool,
}

#[derive(Debug)]
struct PlannedCrash {
    receiver: &'static str,
    point: Point,
    at: &'static Location<'static>,
}

/// A failure that the test expects: see [`TestSignals::expect_failure`].
pub struct Expectation<'t, B: TestBackend> {
    kit: &'t TestSignals<B>,
    number: usize,
}

impl<B: TestBackend> TestSignals<B> {
    /// Expects that `R` fails in the next step that runs receivers: any number of its attempts, however they fail (an error,
    /// a panic, a time-out, a discard), but at least one. That step fails when none does.
    ///
    /// ```standalone_crate
    /// # use signals_runtime::testing::TestSignals;
    /// # use signals_runtime::{receiver, signal};
    /// # #[signal] struct PaymentCompleted {}
    /// # #[receiver(signal = PaymentCompleted)]
    /// # async fn mail_receipt(_: PaymentCompleted) -> Result<(), String> { Err("the mail server is down".into()) }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// # let signals = TestSignals::new().await;
    /// # signals.send(PaymentCompleted {}).await;
    /// signals.expect_failure::<mail_receipt>().saying("the mail server is down");
    /// signals.drain().await;
    /// # }
    /// ```
    #[track_caller]
    pub fn expect_failure<R: Receiver>(&self) -> Expectation<'_, B> {
        let mut plans = self.plans();
        let expected = ExpectedFailure { receiver: R::DEF.name, saying: None, at: Location::caller(), came: false };
        plans.failures.push(expected);
        Expectation { kit: self, number: plans.failures.len() - 1 }
    }

    /// Kills the worker at `point` of the next attempt of `R`. Nothing is acknowledged; another attempt comes when the lease
    /// has run out, which is 20 s later: `advance("20s")`. Said twice, it kills two attempts. It holds for the next step that
    /// runs receivers, which fails when there is no such attempt.
    ///
    /// The fifth lost lease of one delivery makes a dead letter of it, as in production (T9). That is a failure, which the
    /// test expects or not.
    #[track_caller]
    pub fn crash_at<R: Receiver>(&self, point: Point) {
        self.plans().plan_crash(R::DEF.name, point);
    }
}

impl<B: TestBackend> Expectation<'_, B> {
    /// Expects that the error, with its causes, contains `text`.
    pub fn saying(self, text: impl Into<String>) -> Self {
        if let Some(expected) = self.kit.plans().failures.get_mut(self.number) {
            expected.saying = Some(text.into());
        }
        self
    }
}

impl Plans {
    /// Plans a crash for the kit itself.
    #[track_caller]
    pub(super) fn plan_crash(&mut self, receiver: &'static str, point: Point) {
        self.crashes.push(PlannedCrash { receiver, point, at: Location::caller() });
    }

    /// Where the next attempt of this receiver dies, said once.
    pub(super) fn take_crash(&mut self, receiver: &str) -> Option<Point> {
        let next = self.crashes.iter().position(|crash| crash.receiver == receiver)?;
        Some(self.crashes.remove(next).point)
    }

    /// Whether this failure is one that the test expects.
    pub(super) fn expects(&mut self, failure: &Failure) -> bool {
        let mut expected = self.failures.iter_mut().filter(|expected| expected.accepts(failure));
        // The first that did not come yet, so that two expectations of one receiver are both met.
        let fresh = expected.by_ref().find(|expected| !expected.came);
        match fresh {
            Some(expected) => {
                expected.came = true;
                true
            }
            None => self.failures.iter().any(|expected| expected.accepts(failure)),
        }
    }

    /// What was expected of this receiver, in words.
    pub(super) fn of(&self, receiver: &str) -> Vec<String> {
        self.failures.iter().filter(|expected| expected.receiver == receiver).map(ToString::to_string).collect()
    }

    /// What was expected and did not come in the step that `tally` counts.
    pub(super) fn unmet(&self, tally: &Tally, is_here: impl Fn(&str) -> bool) -> Option<Message> {
        let (receivers, unmet): (BTreeSet<&str>, Vec<String>) = self.left().unzip();
        let told = receivers.iter().map(|receiver| match is_here(receiver) {
            true => tally.told_of(receiver),
            false => format!("`{receiver}` is none of the receivers of this test"),
        });
        (!unmet.is_empty()).then(|| {
            Message::new("what the test expected did not happen in this step")
                .expected(unmet.join("\n"))
                .instead(told.collect::<Vec<_>>().join("\n"))
                .nearest(tally.failures())
        })
    }

    /// What did not come, and of which receiver.
    pub(super) fn left(&self) -> impl Iterator<Item = (&'static str, String)> {
        let failures = self.failures.iter().filter(|expected| !expected.came);
        let failures = failures.map(|expected| (expected.receiver, expected.to_string()));
        failures.chain(self.crashes.iter().map(|crash| (crash.receiver, crash.to_string())))
    }
}

impl ExpectedFailure {
    fn accepts(&self, failure: &Failure) -> bool {
        let said = self.saying.as_ref().is_none_or(|text| failure.error.contains(text.as_str()));
        self.receiver == failure.receiver && said
    }
}

impl fmt::Display for ExpectedFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a failure of `{}`", self.receiver)?;
        if let Some(text) = &self.saying {
            write!(f, " saying {text:?}")?;
        }
        write!(f, " (expect_failure at {})", self.at)
    }
}

impl fmt::Display for PlannedCrash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an attempt of `{}`, to crash {} (crash_at at {})", self.receiver, self.point, self.at)
    }
}

impl<B: TestBackend> fmt::Debug for Expectation<'_, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expectation").field("number", &self.number).finish_non_exhaustive()
    }
}
