//! What was sent: read from the database, so a transaction that rolled back has sent nothing.

use std::collections::BTreeMap;

use signals_core::payload::decode;
use signals_core::store::StoredSignal;
use signals_core::{Signal, SignalDef};

use super::message::Message;
use super::run::is_direct;
use super::turn::Call;
use super::words::{count, payload, shorten};
use super::{Step, TestBackend, TestSignals};

impl<B: TestBackend> TestSignals<B> {
    /// Some `S` that `matches` accepts was sent, and its transaction committed. What [`run`](Self::run) hands to a receiver
    /// is no send.
    ///
    /// # Panics
    ///
    /// Panics when none was: with those that were sent and did not match.
    ///
    /// # Examples
    ///
    /// ```standalone_crate
    /// # use signals_runtime::testing::TestSignals;
    /// # use signals_runtime::{Signal as _, signal};
    /// # #[signal] struct PaymentCompleted { payment_id: i64 }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> signals_runtime::Result<()> {
    /// # let signals = TestSignals::new().await;
    /// let mut tx = signals.begin().await?;
    /// PaymentCompleted { payment_id: 7 }.send(&mut tx).await?;
    /// signals.assert_not_sent::<PaymentCompleted>(|_| true).await; // not yet
    /// tx.commit().await?;
    /// signals.assert_sent::<PaymentCompleted>(|sent| sent.payment_id == 7).await;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn assert_sent<'t, S: Signal>(&'t self, matches: impl Fn(&S) -> bool + Send + 't) -> Step<'t, ()> {
        self.step(
            Call::of("assert_sent"),
            async move { self.check_sent("at least one", matches, |times| times > 0).await },
        )
    }

    /// Exactly `times` of the `S` that were sent, and committed, are accepted by `matches`.
    ///
    /// # Panics
    ///
    /// Panics when it is another number: with all that were sent.
    #[track_caller]
    pub fn assert_sent_times<'t, S: Signal>(
        &'t self,
        times: usize,
        matches: impl Fn(&S) -> bool + Send + 't,
    ) -> Step<'t, ()> {
        self.step(Call::of("assert_sent_times"), async move {
            self.check_sent(&format!("exactly {times}"), matches, |found| found == times).await
        })
    }

    /// No `S` that `matches` accepts was sent and committed: `|_| true` for none at all.
    ///
    /// # Panics
    ///
    /// Panics when one was: with those that match.
    #[track_caller]
    pub fn assert_not_sent<'t, S: Signal>(&'t self, matches: impl Fn(&S) -> bool + Send + 't) -> Step<'t, ()> {
        self.step(Call::of("assert_not_sent"), async move { self.check_sent("no", matches, |times| times == 0).await })
    }

    /// Every `S` that was sent and committed, in the order of their ids.
    ///
    /// # Panics
    ///
    /// Panics when one does not decode.
    #[track_caller]
    pub fn sent<S: Signal>(&self) -> Step<'_, Vec<S>> {
        self.step(Call::of("sent"), async {
            let all = self.sends().await?;
            all.iter().filter(|signal| is_a(S::DEF, signal)).map(read::<S>).collect()
        })
    }

    async fn check_sent<S: Signal>(
        &self,
        how_many: &str,
        matches: impl Fn(&S) -> bool + Send,
        holds: impl Fn(usize) -> bool + Send,
    ) -> Result<(), Message> {
        let name = S::DEF.name;
        let all = self.sends().await?;
        let (mut accepted, mut rejected) = (Vec::new(), Vec::new());
        for signal in all.iter().filter(|signal| is_a(S::DEF, signal)) {
            if matches(&read(signal)?) { &mut accepted } else { &mut rejected }.push(signal);
        }
        if holds(accepted.len()) {
            return Ok(());
        }
        let sent = match (accepted.len(), rejected.len()) {
            (0, 0) => format!("no `{name}` was sent"),
            (0, others) => format!("{} sent, and none matches", count(others, "was", "were")),
            (some, 0) => count(some, "matches", "match"),
            (some, others) => format!("{}, and {others} more sent", count(some, "matches", "match")),
        };
        let nearest = if accepted.is_empty() && rejected.is_empty() {
            others(S::DEF, &all)
        } else if accepted.is_empty() {
            candidates(&rejected)
        } else {
            candidates(&accepted)
        };
        Err(Message::new(format!("`{name}` was not sent as the test expects"))
            .expected(format!("{how_many} `{name}` that the closure accepts"))
            .instead(sent)
            .nearest(nearest))
    }

    /// What the application sent.
    async fn sends(&self) -> Result<Vec<StoredSignal>, Message> {
        let mut all = self.all_signals().await?;
        all.retain(|signal| !is_direct(signal));
        Ok(all)
    }
}

/// Whether `signal` was sent as `def`, under whichever of its names. One of another version is not: this build cannot read
/// it.
pub(super) fn is_a(def: &SignalDef, signal: &StoredSignal) -> bool {
    signal.version == def.version && def.names().any(|name| name == &*signal.name)
}

/// The payload of a signal that [`is_a`] `S`.
pub(super) fn read<S: Signal>(signal: &StoredSignal) -> Result<S, Message> {
    decode(&signal.payload, usize::MAX).map_err(|error| {
        Message::new(format!("signal {} does not decode to `{}`", signal.id, S::DEF.name))
            .expected(format!("a payload of version {}, as this build declares it", S::DEF.version))
            .instead(format!("{}\n{error}", payload(&signal.payload)))
    })
}

fn candidates(signals: &[&StoredSignal]) -> Vec<String> {
    shorten(signals.iter().map(|signal| format!("#{} {}", signal.id, payload(&signal.payload))).collect())
}

/// What was sent instead, by name, those first that are called alike.
fn others(def: &SignalDef, all: &[StoredSignal]) -> Vec<String> {
    let mut names = BTreeMap::<(&str, u32), usize>::new();
    for signal in all {
        *names.entry((&signal.name, signal.version)).or_default() += 1;
    }
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_lowercase();
    let mut names: Vec<_> = names.into_iter().collect();
    names.sort_by_key(|((name, _), _)| last(name) != last(def.name));
    let version = |name: &str, version| {
        if def.names().any(|own| own == name) {
            format!(" of version {version}, which this build does not read")
        } else {
            String::new()
        }
    };
    let told = names.iter().map(|((name, v), times)| format!("{times} × `{name}`{}", version(name, *v)));
    shorten(told.collect())
}
