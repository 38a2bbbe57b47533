//! What was sent.

use signals_core::{Location, SignalDef};
use signals_runtime::Signal;
use signals_runtime::testing::TestSignals;

use crate::shop::{
    LoanPaymentCompleted, Mailer, OrderCompleted, PaymentCompleted, complete_order, mail_receipt, paid, shop,
};
use crate::words;

/// The next version, as another build declares it: by hand, so that it is not linked into this one.
#[derive(serde::Serialize, serde::Deserialize)]
struct NextPaymentCompleted {}

impl Signal for NextPaymentCompleted {
    const DEF: &'static SignalDef =
        &SignalDef::new(PaymentCompleted::DEF.name, Location { module: module_path!(), file: file!(), line: line!() })
            .version(2);
}

async fn without_receivers() -> TestSignals {
    TestSignals::builder().registry(Default::default()).build().await
}

#[tokio::test]
async fn what_nobody_receives_was_sent_all_the_same() {
    let signals = without_receivers().await;
    signals.send(paid(7)).await;
    signals.send(paid(8)).await;
    signals.assert_sent::<PaymentCompleted>(|sent| sent.payment_id == 7).await;
    signals.assert_sent_times::<PaymentCompleted>(2, |_| true).await;
    signals.assert_sent_times::<PaymentCompleted>(1, |sent| sent.payment_id == 8).await;
    signals.assert_not_sent::<PaymentCompleted>(|sent| sent.payment_id == 9).await;
    signals.assert_not_sent::<OrderCompleted>(|_| true).await;
    let ids: Vec<i64> = signals.sent::<PaymentCompleted>().await.iter().map(|sent| sent.payment_id).collect();
    assert_eq!(ids, [7, 8]);
}

#[tokio::test]
async fn i1_a_transaction_that_rolled_back_has_sent_nothing() {
    let signals = without_receivers().await;
    let mut tx = signals.begin().await.expect("memory begins");
    paid(7).send(&mut tx).await.expect("it can be sent");
    signals.assert_not_sent::<PaymentCompleted>(|_| true).await;
    tx.rollback().await.expect("memory rolls back");
    signals.assert_not_sent::<PaymentCompleted>(|_| true).await;

    let mut tx = signals.begin().await.expect("memory begins");
    let mut savepoint = tx.savepoint().await.expect("memory has savepoints");
    paid(8).send(&mut *savepoint).await.expect("it can be sent");
    savepoint.rollback().await.expect("memory rolls back");
    paid(9).send(&mut tx).await.expect("it can be sent");
    tx.commit().await.expect("memory commits");
    signals.assert_sent_times::<PaymentCompleted>(1, |_| true).await;
    signals.assert_sent::<PaymentCompleted>(|sent| sent.payment_id == 9).await;
}

#[tokio::test]
async fn a_transaction_that_commits_after_a_younger_one_is_seen() {
    let signals = shop(&Mailer::default()).build().await;
    let mut slow = signals.begin().await.expect("memory begins");
    paid(7).send(&mut slow).await.expect("it can be sent");
    signals.send(paid(8)).await;
    signals.drain().await;
    slow.commit().await.expect("memory commits");
    signals.assert_sent_times::<PaymentCompleted>(2, |_| true).await;
    signals.drain().await;
    signals.assert_delivered::<complete_order>(|sent| sent.payment_id == 7).await;
}

#[tokio::test]
async fn what_is_handed_to_one_receiver_was_not_sent() {
    let signals = shop(&Mailer::default()).build().await;
    signals.run::<mail_receipt>(paid(7)).await;
    signals.assert_not_sent::<PaymentCompleted>(|_| true).await;
    signals.run::<complete_order>(paid(7)).await;
    signals.assert_sent::<OrderCompleted>(|sent| sent.order_id == 7).await;
}

#[tokio::test]
async fn a_send_that_is_missing_is_told_with_those_that_did_not_match() {
    let signals = shop(&Mailer::default()).build().await;
    signals.send(paid(8)).await;
    signals.send(paid(9)).await;
    insta::assert_snapshot!(words::of(signals.assert_sent::<PaymentCompleted>(|sent| sent.payment_id == 7)).await);
}

#[tokio::test]
async fn a_signal_that_was_not_sent_at_all_is_told_with_what_is_called_alike() {
    let signals = shop(&Mailer::default()).build().await;
    signals.send(paid(8)).await;
    signals.drain().await;
    insta::assert_snapshot!(words::of(signals.assert_sent::<LoanPaymentCompleted>(|_| true)).await);
}

#[tokio::test]
async fn a_wrong_number_of_sends_is_told_with_those_that_match() {
    let signals = without_receivers().await;
    for payment_id in 1..=12 {
        signals.send(paid(payment_id)).await;
    }
    insta::assert_snapshot!(
        words::of(signals.assert_sent_times::<PaymentCompleted>(2, |sent| sent.payment_id < 4)).await
    );
    let all = words::of(signals.assert_sent_times::<PaymentCompleted>(2, |_| true)).await;
    assert!(all.contains("… and 2 more"), "{all}");
}

#[tokio::test]
async fn a_send_that_should_not_have_been_is_told() {
    let signals = without_receivers().await;
    signals.send(paid(7)).await;
    insta::assert_snapshot!(words::of(signals.assert_not_sent::<PaymentCompleted>(|_| true)).await);
}

/// E5: a build cannot read another version of a payload, and says so instead of looking away.
#[tokio::test]
async fn e5_a_send_of_another_version_is_named() {
    let signals = without_receivers().await;
    signals.send(NextPaymentCompleted {}).await;
    insta::assert_snapshot!(words::of(signals.assert_sent::<PaymentCompleted>(|_| true)).await);
}

/// The same version with another shape: a mistake of the sender's, which a build would retry for ever or drop.
#[tokio::test]
async fn a_send_that_does_not_decode_is_told_with_its_payload() {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct OtherShape {
        payment: String,
    }
    impl Signal for OtherShape {
        const DEF: &'static SignalDef = PaymentCompleted::DEF;
    }
    let signals = without_receivers().await;
    signals.send(OtherShape { payment: "seven".to_owned() }).await;
    insta::assert_snapshot!(words::of(signals.sent::<PaymentCompleted>()).await);
}
