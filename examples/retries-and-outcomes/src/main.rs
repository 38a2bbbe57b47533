//! What a receiver may answer, and what follows: one errand for each answer, one after the other.
//!
//! `cargo run -p retries-and-outcomes` prints what `expected.txt` says.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use signals_runtime::delivery::State::Dead;
use signals_runtime::store::{DeliveryDetail, Filter};
use signals_runtime::{BoxError, Delivery, Discard, RetryAfter, Signal as _, Signals, Snooze};
use signals_runtime::{SqliteBackend, State, receiver, signal};

#[signal]
#[derive(Clone, Copy, Debug)]
enum Errand {
    Flaky,
    Busy,
    Closed,
    Buggy,
    Stuck,
    Hopeless,
    Moved,
}

/// Flags that the world outside sets.
#[derive(Clone, Default)]
struct World {
    open: Arc<AtomicBool>,
    address_known: Arc<AtomicBool>,
}

/// Without options an attempt may take 5 min, and up to 20 attempts are made within about a day.
#[receiver(signal = Errand, max_attempts = 3, timeout = "1s", backoff(initial = "10ms", max = "50ms"))]
async fn run(errand: Errand, State(world): State<World>, delivery: Delivery) -> Result<(), BoxError> {
    println!("  attempt {} of {}", delivery.attempt, delivery.max_attempts);
    let again = delivery.attempt > 1;
    match errand {
        // Any error means: try again later, by the backoff.
        Errand::Flaky if !again => Err("connection refused".into()),
        Errand::Hopeless => Err("this never works".into()),
        // The other side says when. The attempt counts.
        Errand::Busy if !again => Err(RetryAfter(Duration::from_millis(20)).because("429 too many requests").into()),
        // This was no attempt: it is given back.
        Errand::Closed if !world.open.swap(true, Ordering::SeqCst) => Err(Snooze(Duration::from_millis(20)).into()),
        // A panic is a failed attempt, and so is one that takes too long.
        Errand::Buggy if !again => panic!("index out of bounds"),
        Errand::Stuck if !again => std::future::pending().await,
        // No other attempt would help: a dead letter at once.
        Errand::Moved if !world.address_known.load(Ordering::SeqCst) => Err(Discard::because("no such address").into()),
        _ => Ok(()),
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let signals = Signals::new(SqliteBackend::open(folder.path().join("app.db")).await?);
    signals.setup().await?;
    std::panic::set_hook(Box::new(|_| {})); // the panic is reported below, with the other failures
    let world = World::default();
    let worker = signals.worker().state(world.clone()).build()?;

    // A service calls `run()`, which ends at SIGTERM. This worker runs until all errands are through.
    let mut through = Ok(());
    worker.run_until(async { through = errands(&signals, &world).await }).await?;
    through
}

async fn errands(signals: &Signals<SqliteBackend>, world: &World) -> anyhow::Result<()> {
    use Errand::{Buggy, Busy, Closed, Flaky, Hopeless, Moved, Stuck};
    for errand in [Flaky, Busy, Closed, Buggy, Stuck, Hopeless, Moved] {
        println!("{errand:?}");
        let mut tx = signals.begin().await?;
        errand.send(&mut tx).await?;
        tx.commit().await?;
        report(settled(signals).await?);
    }

    println!("The newest dead letter is retried by hand, now that the address is known");
    world.address_known.store(true, Ordering::SeqCst);
    let dead = signals.inspect().list(&Filter { states: vec![Dead], limit: 1, ..Filter::default() }).await?;
    signals.operate("ada").retry(dead.deliveries[0].id).await?;
    report(settled(signals).await?);
    Ok(())
}

/// Waits until nothing is left to be run; answers the newest delivery.
async fn settled(signals: &Signals<SqliteBackend>) -> anyhow::Result<DeliveryDetail> {
    while signals.inspect().counts().await?.lanes.iter().any(|lane| lane.has_pending()) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let newest = signals.inspect().list(&Filter { limit: 1, ..Filter::default() }).await?.deliveries.remove(0);
    Ok(signals.inspect().get(newest.id).await?.expect("nothing is forgotten so soon"))
}

fn report(delivery: DeliveryDetail) {
    let reason = delivery.summary.death.map(|reason| format!(" ({reason})")).unwrap_or_default();
    println!("  {}{reason} in life {}", delivery.summary.state, delivery.summary.life);
    for attempt in delivery.attempts {
        println!("    life {}, attempt {}: {}: {}", attempt.life, attempt.attempt, attempt.outcome, attempt.error);
    }
}

#[cfg(test)]
mod tests {
    use signals_runtime::testing::{Ended, TestSignals};

    use super::*;

    /// In memory, on a clock that stands still: what takes a day in production takes no time here.
    async fn world() -> TestSignals {
        TestSignals::builder().state(World::default()).build().await
    }

    #[tokio::test]
    async fn what_never_works_is_dead_after_three_attempts() {
        let signals = world().await;
        signals.send(Errand::Hopeless).await;
        signals.expect_failure::<run>().saying("this never works");
        signals.settled("1d").await;
        signals.assert_attempts::<run>(3, |_| true).await;
        signals.assert_dead::<run>(|errand| matches!(errand, Errand::Hopeless)).await;
    }

    #[tokio::test]
    async fn a_moved_address_is_a_dead_letter_at_once() {
        let signals = world().await;
        signals.expect_failure::<run>();
        let ran = signals.run::<run>(Errand::Moved).await;
        assert_eq!((ran.attempt, ran.error()), (1, Some("no such address")));
        signals.assert_dead::<run>(|_| true).await;
    }

    #[tokio::test]
    async fn a_closed_shop_is_no_attempt() {
        let signals = world().await;
        let ran = signals.run::<run>(Errand::Closed).await;
        assert_eq!(ran.ended, Ended::Snoozed(Duration::from_millis(20)));
        signals.advance("20ms").await;
        signals.assert_attempts::<run>(1, |_| true).await;
        signals.assert_delivered::<run>(|_| true).await;
    }

    #[tokio::test]
    async fn a_panic_is_tried_again() {
        let signals = world().await;
        signals.send(Errand::Buggy).await;
        signals.expect_failure::<run>().saying("index out of bounds");
        signals.settled("1m").await;
        signals.assert_delivered::<run>(|_| true).await;
    }
}
