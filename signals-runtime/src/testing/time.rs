//! The clock: what becomes due when it moves, at the moment at which it does.

use std::time::Duration;

use signals_core::clock::Timestamp;
use signals_core::delivery::State;
use signals_core::store::Filter;

use super::message::Message;
use super::tally::Tally;
use super::turn::Call;
use super::words::{self, count, shorten};
use super::{Step, TestBackend, TestSignals};
use crate::worker::{ByHand, Report};

/// How long: a [`Duration`], or a text as in the options of a receiver, `"250ms"`, `"30s"`, `"5m"`, `"1h"`, `"2d"`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no duration",
    label = "expected a `Duration`, or a text such as \"30s\" or \"1h\""
)]
pub trait IntoDuration {
    /// The duration; the text itself when it says none.
    ///
    /// # Errors
    ///
    /// Returns what is no duration.
    fn into_duration(self) -> Result<Duration, String>;
}

impl IntoDuration for Duration {
    fn into_duration(self) -> Result<Duration, String> {
        Ok(self)
    }
}

impl IntoDuration for &str {
    fn into_duration(self) -> Result<Duration, String> {
        let digits = self.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = self.split_at(digits);
        let milliseconds: u64 = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(self.to_owned()),
        };
        let total = number.parse::<u64>().ok().and_then(|number| number.checked_mul(milliseconds));
        total.map(Duration::from_millis).ok_or_else(|| self.to_owned())
    }
}

fn read(duration: impl IntoDuration) -> Result<Duration, Message> {
    duration.into_duration().map_err(|text| {
        Message::new("a text says no duration")
            .expected(
                "a whole number and a unit (`ms`, `s`, `m`, `h` or `d`), as in \"250ms\", \"30s\" or \"2d\"; or a \
                 `Duration`",
            )
            .instead(format!("{text:?}"))
    })
}

impl<B: TestBackend> TestSignals<B> {
    /// Moves the clock, and runs what becomes due on the way, each at its moment: retries, delays, snoozes, and what a crashed
    /// worker held, once its lease is over. What is due already is run first.
    ///
    /// ```standalone_crate
    /// # use std::time::Duration;
    /// # use signals_runtime::testing::TestSignals;
    /// # use signals_runtime::{Signal as _, receiver, signal};
    /// # #[signal] struct InvoiceDue {}
    /// # #[receiver(signal = InvoiceDue)] async fn remind(_: InvoiceDue) {}
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> signals_runtime::Result<()> {
    /// # let signals = TestSignals::new().await;
    /// let mut tx = signals.begin().await?;
    /// InvoiceDue {}.send(&mut tx).after(Duration::from_secs(3600)).await?;
    /// tx.commit().await?;
    ///
    /// assert_eq!(signals.advance("59m").await.done, 0);
    /// assert_eq!(signals.advance("1m").await.done, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// As [`drain`](Self::drain); and when `by` says no duration.
    #[track_caller]
    pub fn advance<D: IntoDuration + Send>(&self, by: D) -> Step<'_, Report> {
        let by = read(by);
        let call = Call::of("advance");
        self.step(call, async move {
            let end = self.now().saturating_add(by?);
            let mut worker = self.turns.take(call)?;
            let mut tally = Tally::default();
            self.run_due(&mut worker, &mut tally).await?;
            while let Some(next) = self.next_event(&worker).await?.filter(|next| *next <= end) {
                self.clock.set(next);
                self.run_due(&mut worker, &mut tally).await?;
            }
            self.clock.set(end.max(self.now()));
            self.close(tally)
        })
    }

    /// Moves the clock until nothing waits or runs any more, but no further than `within`: every delivery is done, dead or
    /// cancelled then.
    ///
    /// # Panics
    ///
    /// As [`drain`](Self::drain); and when something waits or runs after `within`.
    #[track_caller]
    pub fn settled<D: IntoDuration + Send>(&self, within: D) -> Step<'_, Report> {
        let within = read(within);
        let call = Call::of("settled");
        self.step(call, async move {
            let within = within?;
            let end = self.now().saturating_add(within);
            let mut worker = self.turns.take(call)?;
            let mut tally = Tally::default();
            loop {
                self.run_due(&mut worker, &mut tally).await?;
                match self.next_event(&worker).await? {
                    Some(next) if next <= end => self.clock.set(next),
                    Some(_) | None => break,
                }
            }
            let report = self.close(tally)?;
            self.check_settled(within).await?;
            Ok(report)
        })
    }

    /// When the next delivery becomes due, or a lease is over. What is due by now was run, or waits for something else than
    /// time: a receiver that is paused, for instance.
    async fn next_event(&self, worker: &ByHand) -> Result<Option<Timestamp>, Message> {
        let due = self.signals.store().promote(0).await?.next_due;
        let running = self.deliveries(Filter { states: vec![State::Running], ..Filter::default() }).await?;
        let known = running.into_iter().filter(|delivery| worker.knows(delivery.lane));
        let moments = due.into_iter().chain(known.filter_map(|delivery| delivery.lease_until));
        Ok(moments.filter(|moment| *moment > self.now()).min())
    }

    async fn check_settled(&self, within: Duration) -> Result<(), Message> {
        let states = vec![State::Ready, State::Running];
        let left = self.deliveries(Filter { states, ..Filter::default() }).await?;
        if left.is_empty() {
            return Ok(());
        }
        let standing = self.standing().await?;
        let told = left.iter().map(|left| format!("{} of delivery {}: {}", left.receiver, left.id, standing.of(left)));
        let left = count(left.len(), "delivery is", "deliveries are");
        Err(Message::new(format!("{left} not settled within {}", words::duration(within)))
            .expected("every delivery to be done, dead or cancelled")
            .instead(shorten(told.collect()).join("\n")))
    }
}
