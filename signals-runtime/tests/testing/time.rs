//! The clock, which nobody moves but the test.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use signals_runtime::clock::ManualClock;
use signals_runtime::testing::{Point, TestSignals};
use signals_runtime::{MemoryBackend, Signal as _};

use crate::shop::{Mailer, complete_order, mail_receipt, paid, refuse};
use crate::words;

async fn mails(mailer: &Mailer) -> TestSignals {
    TestSignals::builder().receiver::<mail_receipt>().state(mailer.clone()).build().await
}

#[tokio::test]
async fn i9_retries_run_when_their_backoff_is_over_and_not_before() {
    let mailer = Mailer::down();
    let signals = mails(&mailer).await;
    let began = signals.now();
    signals.send(paid(7)).await;
    signals.expect_failure::<mail_receipt>();
    signals.drain().await;
    assert_eq!(signals.advance("59999ms").await.retried, 0);
    signals.expect_failure::<mail_receipt>();
    assert_eq!(signals.advance("1ms").await.retried, 1);
    mailer.is_down.store(false, Ordering::SeqCst);
    assert_eq!(signals.advance(Duration::from_secs(3600)).await.done, 1);
    assert_eq!(
        signals.now().since(began),
        Duration::from_secs(3660),
        "the clock shows the end, whatever ran on the way"
    );
    signals.assert_attempts::<mail_receipt>(3, |_| true).await;
}

#[tokio::test]
async fn what_becomes_due_on_the_way_runs_at_its_moment() {
    let signals = mails(&Mailer::down()).await;
    signals.send(paid(7)).await;
    signals.expect_failure::<mail_receipt>();
    let report = signals.advance("1h").await;
    assert_eq!((report.retried, report.dead), (2, 1), "after a minute, and after two more");
    insta::assert_snapshot!(signals.cascade().await);
}

#[tokio::test]
async fn a_delayed_signal_waits_for_its_time() {
    let signals = TestSignals::builder().receiver::<complete_order>().build().await;
    let mut tx = signals.begin().await.expect("memory begins");
    paid(7).send(&mut tx).after(Duration::from_secs(3600)).await.expect("it can be sent");
    tx.commit().await.expect("memory commits");
    assert_eq!(signals.drain().await.done, 0);
    let message = words::of(signals.settled("59m")).await;
    insta::assert_snapshot!(message);
    assert_eq!(signals.settled("2h").await.done, 1);
}

/// T2, decision 0014: a pause stops claims and the taking over of leases; a clock that moves does not wait for them.
#[tokio::test]
async fn what_waits_for_an_operator_does_not_stop_the_clock() {
    let signals = TestSignals::builder().receiver::<complete_order>().build().await;
    signals.send(paid(7)).await;
    signals.crash_at::<complete_order>(Point::AfterClaim);
    signals.drain().await;
    signals.send(paid(8)).await;
    signals.operate("ada").pause("orders.complete_order").await.expect("it can be paused");
    assert_eq!(signals.advance("1h").await.done, 0);
    let message = words::of(signals.settled("1h")).await;
    insta::assert_snapshot!(message);
    signals.operate("ada").resume("orders.complete_order").await.expect("it can be resumed");
    assert_eq!(signals.drain().await.done, 2);
}

#[tokio::test]
async fn what_no_receiver_of_the_test_takes_is_told_to_be_parked() {
    let clock = ManualClock::default();
    let backend = MemoryBackend::with_clock(Arc::new(clock.clone()));
    let before = TestSignals::builder().receiver::<complete_order>().over(backend.clone(), clock.clone()).build().await;
    before.send(paid(7)).await;
    let after = TestSignals::builder().receiver::<refuse>().over(backend, clock).build().await;
    insta::assert_snapshot!(words::of(after.settled("1h")).await);
}

#[tokio::test]
async fn an_advance_that_fails_says_so() {
    let signals = mails(&Mailer::down()).await;
    signals.send(paid(7)).await;
    insta::assert_snapshot!(words::of(signals.advance("1m")).await);
}

#[tokio::test]
async fn settled_stops_when_nothing_is_left() {
    let mailer = Mailer::down();
    let signals = mails(&mailer).await;
    let began = signals.now();
    signals.send(paid(7)).await;
    signals.expect_failure::<mail_receipt>();
    assert_eq!(signals.settled("1d").await.dead, 1);
    assert_eq!(signals.now().since(began), Duration::from_secs(180));
    signals.assert_dead::<mail_receipt>(|_| true).await;
}

#[tokio::test]
async fn e14_a_failure_on_the_way_fails_the_step() {
    let signals = mails(&Mailer::down()).await;
    signals.send(paid(7)).await;
    for message in [
        words::of(signals.advance("1h")).await,
        words::of(async {
            signals.send(paid(8)).await;
            signals.settled("1h").await
        })
        .await,
    ] {
        assert!(message.contains("3 attempts failed that the test did not expect"), "{message}");
    }
}

#[tokio::test]
async fn a_text_that_is_no_duration_is_told() {
    let signals = mails(&Mailer::default()).await;
    for text in ["", "5", "s", "5 s", "1.5s", "-1s", "5S", "1h30m", "99999999999999999999d"] {
        let message = words::of(signals.advance(text)).await;
        assert!(message.contains("a text says no duration\n  expected: a whole number"), "{message}");
        assert!(message.contains(&format!("instead: {text:?}")), "{message}");
    }
    insta::assert_snapshot!(words::of(signals.settled("soon")).await);
}
