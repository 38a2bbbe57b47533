//! What became of deliveries.

use std::collections::BTreeMap;

use signals_core::delivery::{SignalId, State};
use signals_core::store::{DeliverySummary, Filter, StoredSignal};
use signals_core::{Receiver, Signal};

use super::message::Message;
use super::sends::{is_a, read};
use super::standing::Standing;
use super::turn::Call;
use super::words::{count, payload, shorten};
use super::{Step, TestBackend, TestSignals};

/// A delivery of the receiver that an assertion is about, and whether its payload matches.
struct Looked<'s> {
    delivery: DeliverySummary,
    signal: &'s StoredSignal,
    matches: bool,
}

impl<B: TestBackend> TestSignals<B> {
    /// `R` got every signal that `matches` accepts, at least one, and returned `Ok`: the deliveries are done.
    ///
    /// # Panics
    ///
    /// Panics when there is none, or one of them is not done: with those that came near.
    #[track_caller]
    pub fn assert_delivered<'t, R: Receiver>(
        &'t self,
        matches: impl Fn(&R::Signal) -> bool + Send + 't,
    ) -> Step<'t, ()> {
        self.step(Call::of("assert_delivered"), async move {
            let is_done = |delivery: &DeliverySummary| delivery.state == State::Done;
            self.check_deliveries::<R>("done", matches, is_done).await
        })
    }

    /// The deliveries to `R` of every signal that `matches` accepts, at least one, are dead letters.
    ///
    /// # Panics
    ///
    /// Panics when there is none, or one of them is not dead: with those that came near.
    #[track_caller]
    pub fn assert_dead<'t, R: Receiver>(&'t self, matches: impl Fn(&R::Signal) -> bool + Send + 't) -> Step<'t, ()> {
        self.step(Call::of("assert_dead"), async move {
            let is_dead = |delivery: &DeliverySummary| delivery.state == State::Dead;
            self.check_deliveries::<R>("dead", matches, is_dead).await
        })
    }

    /// The deliveries to `R` of every signal that `matches` accepts, at least one, have had `attempts` attempts in their
    /// life. An attempt that its worker gave back, or did not survive, is the same one when it is repeated.
    ///
    /// # Panics
    ///
    /// Panics when there is none, or one of them had another number: with those that came near.
    #[track_caller]
    pub fn assert_attempts<'t, R: Receiver>(
        &'t self,
        attempts: u32,
        matches: impl Fn(&R::Signal) -> bool + Send + 't,
    ) -> Step<'t, ()> {
        self.step(Call::of("assert_attempts"), async move {
            let expected = format!("at attempt {attempts}");
            let had = |delivery: &DeliverySummary| delivery.counters.attempt == attempts;
            self.check_deliveries::<R>(&expected, matches, had).await
        })
    }

    async fn check_deliveries<R: Receiver>(
        &self,
        expected: &str,
        matches: impl Fn(&R::Signal) -> bool + Send,
        holds: impl Fn(&DeliverySummary) -> bool + Send,
    ) -> Result<(), Message> {
        self.number_of::<R>()?;
        let signals = self.all_signals().await?;
        let looked = self.look::<R>(&signals, matches).await?;
        let matching: Vec<_> = looked.iter().filter(|looked| looked.matches).collect();
        let wrong: Vec<_> = matching.iter().copied().filter(|looked| !holds(&looked.delivery)).collect();
        if !matching.is_empty() && wrong.is_empty() {
            return Ok(());
        }
        let name = R::DEF.name;
        let standing = self.standing().await?;
        let told = |looked: &[&Looked<'_>]| shorten(looked.iter().map(|looked| looked.told(&standing)).collect());
        let (instead, nearest) = if looked.is_empty() {
            (format!("`{name}` got nothing"), vec![unheard::<R>(&signals)])
        } else if matching.is_empty() {
            let got = count(looked.len(), "signal", "signals");
            (format!("`{name}` got {got}, and the closure accepts none"), told(&looked.iter().collect::<Vec<_>>()))
        } else {
            let (all, are) = (matching.len(), if matching.len() == 1 { "is" } else { "are" });
            (format!("{} of {all} matching deliveries {are} {expected}", all - wrong.len()), told(&wrong))
        };
        Err(Message::new(format!("the deliveries of `{name}` are not as the test expects"))
            .expected(format!("one that the closure accepts, and all such {expected}"))
            .instead(instead)
            .nearest(nearest))
    }

    async fn look<'s, R: Receiver>(
        &self,
        signals: &'s [StoredSignal],
        matches: impl Fn(&R::Signal) -> bool + Send,
    ) -> Result<Vec<Looked<'s>>, Message> {
        let by_id: BTreeMap<SignalId, &StoredSignal> = signals.iter().map(|signal| (signal.id, signal)).collect();
        let filter = Filter { receiver: Some(R::DEF.name.to_owned()), ..Filter::default() };
        let mut looked = Vec::new();
        for delivery in self.deliveries(filter).await? {
            if let Some(signal) = by_id.get(&delivery.id.signal).filter(|signal| is_a(R::Signal::DEF, signal)) {
                let matches = matches(&read(signal)?);
                looked.push(Looked { delivery, signal, matches });
            }
        }
        Ok(looked)
    }
}

impl Looked<'_> {
    fn told(&self, standing: &Standing<'_>) -> String {
        let Self { delivery, signal, .. } = self;
        let (state, attempts) = (standing.of(delivery), delivery.counters.attempt);
        format!("delivery {} of {}: {state}, at attempt {attempts}", delivery.id, payload(&signal.payload))
    }
}

/// Why a receiver got nothing.
fn unheard<R: Receiver>(signals: &[StoredSignal]) -> String {
    let name = R::Signal::DEF.name;
    match signals.iter().filter(|signal| is_a(R::Signal::DEF, signal)).count() {
        0 => format!("no `{name}` was sent and committed"),
        sent => format!("{} of `{name}`, sent to others", count(sent, "signal", "signals")),
    }
}
