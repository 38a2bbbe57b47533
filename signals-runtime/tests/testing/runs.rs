//! One receiver with its extractors.

use signals_runtime::delivery::{Counters, State};
use signals_runtime::operating::Pending;
use signals_runtime::store::{Fate, Filter};
use signals_runtime::testing::{Ended, TestSignals};

use crate::shop::{Mailer, OrderCompleted, complete_order, mail_receipt, paid, refuse, shop, thank};
use crate::words;

#[tokio::test]
async fn a_receiver_runs_with_its_states_and_nobody_else_does() {
    let mailer = Mailer::default();
    let signals = shop(&mailer).build().await;
    let ran = signals.run::<mail_receipt>(paid(7)).await;
    assert!(ran.is_done() && ran.attempt == 1 && ran.error().is_none(), "{ran:?}");
    assert_eq!(mailer.mails(), ["receipt of payment 7 under 1.2.0"]);
    assert_eq!(signals.drain().await.done, 0, "the other receiver of the signal has got nothing");
    assert_eq!(signals.backend().committed("order 7"), None);
    insta::assert_snapshot!(signals.cascade().await);
}

#[tokio::test]
async fn i5_a_transactional_receiver_commits_what_it_wrote_and_sent() {
    let signals = shop(&Mailer::default()).build().await;
    signals.run::<complete_order>(paid(7)).await;
    assert_eq!(signals.backend().committed("order 7").as_deref(), Some("completed"));
    signals.assert_sent::<OrderCompleted>(|sent| sent.order_id == 7).await;
    assert_eq!(signals.drain().await.done, 1, "what it sent is delivered");
}

#[tokio::test]
async fn a_blocking_receiver_runs_on_a_thread_of_its_own() {
    let mailer = Mailer::default();
    let signals = shop(&mailer).build().await;
    signals.run::<thank>(OrderCompleted { order_id: 7 }).await;
    assert_eq!(mailer.mails(), ["thanks for order 7"]);
}

#[tokio::test]
async fn what_waits_already_waits_on() {
    let mailer = Mailer::default();
    let signals = shop(&mailer).build().await;
    signals.send(paid(1)).await;
    signals.run::<mail_receipt>(paid(7)).await;
    assert_eq!(mailer.mails(), ["receipt of payment 7 under 2.2.0"]);
    assert_eq!(signals.drain().await.done, 3);
    signals.assert_attempts::<mail_receipt>(1, |sent| sent.payment_id == 1).await;
}

/// A run costs what waits no attempt, no refund and no lease: it was never claimed.
#[tokio::test]
async fn any_number_of_runs_leaves_alone_what_waits() {
    let mailer = Mailer::default();
    let signals = TestSignals::builder().receiver::<mail_receipt>().state(mailer.clone()).build().await;
    signals.send(paid(1)).await;
    for payment_id in 2..152 {
        signals.run::<mail_receipt>(paid(payment_id)).await;
    }
    let waits = signals.inspect().list(&Filter { states: vec![State::Ready], ..Filter::default() }).await;
    let waits = waits.expect("memory lists").deliveries;
    assert_eq!(waits.iter().map(|waits| waits.counters).collect::<Vec<_>>(), [Counters::default()]);
    assert_eq!(signals.drain().await.done, 1);
    signals.assert_attempts::<mail_receipt>(1, |sent| sent.payment_id == 1).await;
}

#[tokio::test]
async fn a_receiver_that_is_paused_or_retired_is_told_to_be() {
    let signals = shop(&Mailer::default()).build().await;
    let operator = signals.operate("ada");
    operator.pause("receipts.mail_receipt").await.expect("it can be paused");
    insta::assert_snapshot!(words::of(signals.run::<mail_receipt>(paid(7))).await);
    operator.retire("orders.complete_order", Pending::Keep).await.expect("it can be retired");
    insta::assert_snapshot!(words::of(signals.run::<complete_order>(paid(7))).await);
}

#[tokio::test]
async fn e14_a_run_fails_when_its_receiver_fails() {
    let signals = shop(&Mailer::down()).build().await;
    insta::assert_snapshot!(words::of(signals.run::<mail_receipt>(paid(7))).await);
}

#[tokio::test]
async fn a_failure_that_is_expected_is_answered() {
    let signals = TestSignals::builder().receiver::<refuse>().build().await;
    signals.expect_failure::<refuse>();
    let ran = signals.run::<refuse>(paid(7)).await;
    assert_eq!(ran.error(), Some("payment 7 is nobody's"));
    assert!(matches!(ran.ended, Ended::Failed { fate: Fate::Dead(_), .. }), "{ran:?}");
}

#[tokio::test]
async fn a_receiver_that_this_test_does_not_have_is_named_with_those_it_has() {
    let signals = shop(&Mailer::default()).build().await;
    insta::assert_snapshot!(words::of(signals.run::<refuse>(paid(7))).await);
}

/// E9, E14.
#[cfg(feature = "sqlite")]
#[tokio::test]
async fn e9_a_transaction_of_another_backend_is_named_with_both() {
    use signals_runtime::{SqliteTx, receiver};

    #[receiver(signal = crate::shop::PaymentCompleted, name = "orders.on_sqlite")]
    async fn on_sqlite(_: crate::shop::PaymentCompleted, _tx: &mut SqliteTx) {}

    let signals = TestSignals::builder().receiver::<on_sqlite>().build().await;
    insta::assert_snapshot!(words::of(signals.run::<on_sqlite>(paid(7))).await);
    signals.send(paid(8)).await;
    let message = words::of(signals.drain()).await;
    assert!(message.contains("takes a transaction of the sqlite backend"), "{message}");
}
