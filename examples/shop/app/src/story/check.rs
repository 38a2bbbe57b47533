//! Waiting for what should happen, and claiming what did: no claim is printed that was not looked up.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use base::say;
use signals_runtime::delivery::{SignalId, State};
use signals_runtime::store::{DeliveryDetail, Filter};

use super::Story;

/// How long the story waits for something that takes a moment.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// Looks again and again until there is something to see; an error after `within`.
pub(crate) async fn until<T>(
    what: &str,
    within: Duration,
    mut look: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let started = Instant::now();
    loop {
        if let Some(seen) = look().await? {
            return Ok(seen);
        }
        ensure!(started.elapsed() < within, "waited {within:?} for {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Prints `claim` when `seen` is what is `expected`; an error otherwise.
pub(crate) fn claim<T: PartialEq + fmt::Debug>(claim: &str, seen: &T, expected: &T) -> Result<()> {
    if seen != expected {
        bail!("this does not hold: {claim} (expected {expected:?}, found {seen:?})");
    }
    say!("  ✓ {claim}");
    Ok(())
}

/// Every delivery there is, and its state, as in `2.4 done`.
pub(crate) type Snapshot = Vec<String>;

impl Story {
    /// Waits until the delivery of `signal` to `receiver` is in `state`, and returns it.
    pub(crate) async fn wait(&self, signal: SignalId, receiver: &str, state: State) -> Result<DeliveryDetail> {
        let what = format!("signal {signal} to be {state} for {receiver}");
        until(&what, SOON, async || {
            let found = self.find(signal, receiver).await?;
            Ok(found.filter(|delivery| delivery.summary.state == state))
        })
        .await
    }

    /// The delivery of `signal` to `receiver`.
    async fn find(&self, signal: SignalId, receiver: &str) -> Result<Option<DeliveryDetail>> {
        let filter = Filter { receiver: Some(receiver.to_owned()), limit: 1_000, ..Filter::default() };
        let page = self.shop.inspect().list(&filter).await?;
        let Some(summary) = page.deliveries.into_iter().find(|delivery| delivery.id.signal == signal) else {
            return Ok(None);
        };
        Ok(self.shop.inspect().get(summary.id).await?)
    }

    /// All deliveries, to be compared with those of another moment.
    pub(crate) async fn snapshot(&self) -> Result<Snapshot> {
        let page = self.shop.inspect().list(&Filter { limit: 1_000, ..Filter::default() }).await?;
        Ok(page.deliveries.into_iter().map(|delivery| format!("{} {}", delivery.id, delivery.state)).collect())
    }
}

/// The id of the signal that an answer of the server names.
pub(crate) fn signal(answer: &serde_json::Value) -> Result<SignalId> {
    answer["signal"].as_i64().map(SignalId).context("the answer names no signal")
}
