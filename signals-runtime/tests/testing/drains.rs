//! Drains: the whole cascade, and every failure heard (E14).

use std::time::Duration;

use signals_runtime::testing::TestSignals;

use crate::shop::{
    Mailer, OrderCompleted, PaymentCompleted, complete_order, echo, mail_receipt, paid, refuse, shop, thank, wait,
};
use crate::words;

#[tokio::test]
async fn a_drain_follows_the_cascade_to_its_end() {
    let mailer = Mailer::default();
    let signals = shop(&mailer).build().await;
    signals.send(paid(7)).await;
    let report = signals.drain().await;
    assert_eq!((report.done, report.failed()), (3, 0));
    assert_eq!(mailer.mails(), ["receipt of payment 7 under 1.2.0", "thanks for order 7"]);
    assert_eq!(signals.backend().committed("order 7").as_deref(), Some("completed"));
    insta::assert_snapshot!(signals.cascade().await);
}

#[tokio::test]
async fn a_drain_of_nothing_does_nothing() {
    let signals = shop(&Mailer::default()).build().await;
    assert_eq!(signals.drain().await.done, 0);
    assert_eq!(signals.cascade().await, "nothing was sent");
}

#[tokio::test]
async fn e14_a_drain_fails_when_a_receiver_fails() {
    let signals = shop(&Mailer::down()).build().await;
    signals.send(paid(7)).await;
    insta::assert_snapshot!(words::of(signals.drain()).await);
}

#[tokio::test]
async fn a_failure_that_the_test_expects_is_no_failure_of_the_test() {
    let signals = shop(&Mailer::down()).build().await;
    signals.send(paid(7)).await;
    signals.expect_failure::<mail_receipt>().saying("is down");
    signals.expect_failure::<thank>();
    let report = signals.drain().await;
    assert_eq!((report.done, report.retried), (1, 2));
    // It held for that step alone.
    let message = words::of(signals.advance("1m")).await;
    assert!(message.contains("6 attempts failed that the test did not expect"), "{message}");
}

#[tokio::test]
async fn a_failure_with_other_words_than_expected_is_told_beside_them() {
    let signals = TestSignals::builder().receiver::<refuse>().build().await;
    signals.send(paid(7)).await;
    signals.expect_failure::<refuse>().saying("payment 8");
    insta::assert_snapshot!(words::of(signals.drain()).await);
}

#[tokio::test]
async fn a_failure_that_is_expected_and_does_not_come_fails_the_test() {
    let signals = shop(&Mailer::default()).build().await;
    signals.send(paid(7)).await;
    signals.expect_failure::<mail_receipt>().saying("is down");
    insta::assert_snapshot!(words::of(signals.drain()).await);
}

#[tokio::test]
async fn two_expected_failures_of_one_receiver_are_two() {
    let signals = TestSignals::builder().receiver::<refuse>().build().await;
    signals.send(paid(7)).await;
    signals.send(paid(8)).await;
    signals.expect_failure::<refuse>().saying("payment 7");
    signals.expect_failure::<refuse>().saying("payment 8");
    assert_eq!(signals.drain().await.dead, 2);
    signals.send(paid(9)).await;
    signals.expect_failure::<refuse>();
    signals.expect_failure::<refuse>();
    let message = words::of(signals.drain()).await;
    assert!(message.contains("did not happen in this step"), "{message}");
}

#[tokio::test]
async fn w9_a_time_out_is_as_short_as_the_test_says() {
    let builder = TestSignals::builder().receiver::<wait>().receiver::<sleep>();
    let signals = builder.longest_timeout(Duration::from_millis(5)).build().await;
    signals.send(paid(7)).await;
    signals.expect_failure::<wait>().saying("within its time-out of 5ms");
    signals.expect_failure::<sleep>().saying("within its time-out of 5ms");
    assert_eq!(signals.drain().await.dead, 2);
}

/// Plain, and slower than its time-out in the test above: on a thread of its own.
#[signals_runtime::receiver(signal = PaymentCompleted, name = "audit.sleep", max_attempts = 1)]
fn sleep(_: &PaymentCompleted) {
    std::thread::sleep(Duration::from_millis(50)); // tidy: not a wait: what the receiver does
}

#[tokio::test(start_paused = true)]
async fn a_paused_clock_of_tokios_is_told_to_a_receiver_that_has_a_thread() {
    let signals = TestSignals::builder().receiver::<sleep>().build().await;
    signals.send(paid(7)).await;
    insta::assert_snapshot!(words::of(signals.drain()).await);
}

/// W9: as in production, only sooner: tokio's paused clock lets a time-out of an async receiver in memory pass at once.
#[tokio::test(start_paused = true)]
async fn w9_a_time_out_under_a_paused_clock_takes_no_time() {
    let signals = TestSignals::builder().receiver::<wait>().build().await;
    signals.send(paid(7)).await;
    signals.expect_failure::<wait>().saying("within its time-out of 30s");
    assert_eq!(signals.drain().await.dead, 1);
}

#[tokio::test]
async fn an_attempt_that_outlasts_the_patience_fails_the_test() {
    let signals = TestSignals::builder().receiver::<wait>().patience(Duration::from_millis(20)).build().await;
    signals.send(paid(7)).await;
    insta::assert_snapshot!(words::of(signals.drain()).await);
}

/// E13: nobody stops a receiver that sends its own signal in production; a test sees it.
#[tokio::test]
async fn e13_a_cascade_without_an_end_is_told_as_one() {
    let signals = TestSignals::builder().receiver::<echo>().most_attempts(200).build().await;
    signals.send(paid(7)).await;
    let message = words::of(signals.drain()).await;
    insta::assert_snapshot!(message.lines().take(9).collect::<Vec<_>>().join("\n"));
    assert!(message.ends_with("└─ … and what came of it") && message.lines().count() < 120, "{message}");
}

#[tokio::test]
async fn as_many_attempts_as_one_step_may_make_are_not_too_many() {
    let signals = TestSignals::builder().receiver::<complete_order>().most_attempts(2).build().await;
    signals.send(paid(7)).await;
    signals.send(paid(8)).await;
    assert_eq!(signals.drain().await.done, 2);
}

#[tokio::test]
async fn an_error_of_many_lines_does_not_look_like_a_part_of_the_tree() {
    #[signals_runtime::receiver(signal = PaymentCompleted, name = "audit.forge", max_attempts = 1)]
    async fn forge(_: PaymentCompleted) -> Result<(), String> {
        let lines = (1..=20).map(|line| format!("   └─ line {line}: ok"));
        Err(format!("it failed\n{}", lines.collect::<Vec<_>>().join("\n")))
    }
    let signals = TestSignals::builder().receiver::<forge>().build().await;
    signals.send(paid(7)).await;
    signals.expect_failure::<forge>();
    signals.drain().await;
    insta::assert_snapshot!(signals.cascade().await);
}

#[tokio::test]
async fn many_failures_are_told_in_few_lines() {
    let signals = TestSignals::builder().receiver::<refuse>().build().await;
    for payment_id in 0..300 {
        signals.send(paid(payment_id)).await;
    }
    let message = words::of(signals.drain()).await;
    insta::assert_snapshot!(message.split("\n\ncascade").next().unwrap_or_default());
    assert!(message.lines().count() < 120, "{message}");
}

/// One mistake, one message: whoever only sends needs no state.
#[tokio::test]
async fn a_missing_state_is_told_when_its_receiver_is_to_run() {
    let signals = TestSignals::builder().receiver::<mail_receipt>().receiver::<thank>().build().await;
    signals.send(paid(7)).await;
    signals.assert_sent::<PaymentCompleted>(|_| true).await;
    insta::assert_snapshot!(words::of(signals.drain()).await);
    signals.assert_attempts::<mail_receipt>(0, |_| true).await;
}

#[tokio::test]
async fn a_panic_is_a_failure() {
    #[signals_runtime::receiver(signal = OrderCompleted, name = "audit.panic", max_attempts = 1)]
    async fn panics(order: OrderCompleted) {
        panic!("order {} is lost", order.order_id);
    }
    let signals = TestSignals::builder().receiver::<complete_order>().receiver::<panics>().build().await;
    signals.send(paid(7)).await;
    insta::assert_snapshot!(words::of(signals.drain()).await);
}
