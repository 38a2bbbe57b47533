//! Receivers that run twice for one delivery.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use signals_runtime::testing::{Ended, Point, TestSignals};
use signals_runtime::{BoxError, Delivery, MemoryTx, Snooze, State, receiver};

use crate::shop::{Mailer, OrderCompleted, PaymentCompleted, complete_order, mail_receipt, paid, refuse};
use crate::words;

/// What was mailed, by key: a mail under a key that is known is not sent again.
#[derive(Clone, Default)]
struct Outbox(Arc<Mutex<BTreeSet<String>>>);

#[receiver(signal = PaymentCompleted, name = "receipts.mail_once")]
async fn mail_once(_: PaymentCompleted, State(outbox): State<Outbox>, delivery: Delivery) {
    outbox.0.lock().expect("nobody panics").insert(delivery.idempotency_key());
}

/// Writes in its transaction, and counts its calls outside of it.
#[receiver(signal = PaymentCompleted, name = "orders.both")]
async fn both(payment: &PaymentCompleted, tx: &mut MemoryTx, State(calls): State<Arc<Mutex<u32>>>) {
    let calls = {
        let mut calls = calls.lock().expect("nobody panics");
        *calls += 1;
        *calls
    };
    tx.put(format!("order {}", payment.payment_id), format!("completed by call {calls}"));
}

#[tokio::test]
async fn i11_a_receiver_that_heeds_its_key_is_idempotent() {
    let outbox = Outbox::default();
    let signals = TestSignals::builder().receiver::<mail_once>().state(outbox.clone()).build().await;
    signals.run_twice::<mail_once>(paid(7), || async { outbox.0.lock().expect("nobody panics").clone() }).await;
    assert_eq!(outbox.0.lock().expect("nobody panics").iter().collect::<Vec<_>>(), ["1.1.0"]);
    signals.assert_delivered::<mail_once>(|_| true).await;
    signals.assert_attempts::<mail_once>(1, |_| true).await;
}

#[tokio::test]
async fn a_receiver_that_does_not_is_found_out() {
    let mailer = Mailer::default();
    let signals = TestSignals::builder().receiver::<mail_receipt>().state(mailer.clone()).build().await;
    let step = signals.run_twice::<mail_receipt>(paid(7), || async { mailer.mails() });
    insta::assert_snapshot!(words::of(step).await);
}

#[tokio::test]
async fn i5_a_transactional_receiver_has_its_effects_once() {
    let calls = Arc::new(Mutex::new(0_u32));
    let signals = TestSignals::builder().receiver::<both>().state(calls.clone()).build().await;
    signals.run_twice::<both>(paid(7), || async { signals.backend().committed("order 7") }).await;
    assert_eq!(*calls.lock().expect("nobody panics"), 2, "it was called twice");
    assert_eq!(signals.backend().committed("order 7").as_deref(), Some("completed by call 1"));
    insta::assert_snapshot!(signals.cascade().await);

    // What it does outside of its transaction happens twice all the same.
    let step = signals.run_twice::<both>(paid(8), || async { *calls.lock().expect("nobody panics") });
    let message = words::of(step).await;
    assert!(message.contains("`orders.both` is not idempotent"), "{message}");
}

#[tokio::test]
async fn what_waits_outlives_repetitions_and_stale_tokens() {
    let mailer = Mailer::default();
    let builder = TestSignals::builder().receiver::<mail_receipt>().receiver::<complete_order>();
    let signals = builder.state(mailer.clone()).build().await;
    signals.send(paid(1)).await;
    signals.send(paid(2)).await;
    for payment_id in 3..9 {
        let order = format!("order {payment_id}");
        signals.run_twice::<mail_receipt>(paid(payment_id), || async {}).await;
        signals.run_twice::<complete_order>(paid(payment_id), || async { signals.backend().committed(&order) }).await;
        signals.run_with_stale_token::<mail_receipt>(paid(payment_id)).await;
    }
    let report = signals.drain().await;
    assert_eq!((report.done, report.dead), (4 + 6, 0), "two signals to two receivers, and six that were refused");
    signals.assert_attempts::<mail_receipt>(1, |sent| sent.payment_id < 3).await;
    signals.assert_delivered::<complete_order>(|sent| sent.payment_id < 3).await;
}

#[tokio::test]
async fn a_receiver_that_does_not_finish_cannot_be_compared() {
    #[receiver(signal = PaymentCompleted, name = "audit.later")]
    async fn later(_: PaymentCompleted) -> Result<(), BoxError> {
        Err(Snooze(Duration::from_secs(60)).into())
    }
    let signals = TestSignals::builder().receiver::<later>().build().await;
    insta::assert_snapshot!(words::of(signals.run_twice::<later>(paid(7), || async {})).await);
}

/// A worker that died was not refused.
#[tokio::test]
async fn an_attempt_without_its_lease_must_end() {
    let signals = TestSignals::builder().receiver::<complete_order>().build().await;
    signals.crash_at::<complete_order>(Point::BeforeAck);
    insta::assert_snapshot!(words::of(signals.run_with_stale_token::<complete_order>(paid(7))).await);
}

/// Whoever waited for the other would wait for ever.
#[tokio::test]
async fn a_step_inside_of_another_is_told_with_both() {
    let signals = TestSignals::builder().receiver::<complete_order>().build().await;
    let step = signals.run_twice::<complete_order>(paid(7), || async { signals.drain().await.done });
    insta::assert_snapshot!(words::of(step).await);
}

#[tokio::test]
async fn e14_a_receiver_that_fails_is_no_idempotent_one() {
    let signals = TestSignals::builder().receiver::<refuse>().build().await;
    let message = words::of(signals.run_twice::<refuse>(paid(7), || async {})).await;
    assert!(message.contains("payment 7 is nobody's") && message.contains("did not expect"), "{message}");
}

#[tokio::test]
async fn i6_what_a_worker_without_its_lease_acknowledges_is_refused() {
    let mailer = Mailer::default();
    let signals = TestSignals::builder()
        .receiver::<mail_receipt>()
        .receiver::<complete_order>()
        .state(mailer.clone())
        .build()
        .await;
    let ran = signals.run_with_stale_token::<mail_receipt>(paid(7)).await;
    assert_eq!((ran.ended, mailer.mails().len()), (Ended::Refused(None), 1), "it has mailed, and nobody believes it");
    assert_eq!(signals.drain().await.done, 1, "its delivery runs again");
    assert_eq!(mailer.mails().len(), 2);

    let ran = signals.run_with_stale_token::<complete_order>(paid(8)).await;
    assert_eq!(ran.ended, Ended::Refused(None));
    assert_eq!(signals.backend().committed("order 8"), None, "its transaction is rolled back");
    signals.assert_not_sent::<OrderCompleted>(|_| true).await;
    assert_eq!(signals.drain().await.done, 1);
    assert_eq!(signals.backend().committed("order 8").as_deref(), Some("completed"));
    insta::assert_snapshot!(signals.cascade().await);
}

#[tokio::test]
async fn e14_a_receiver_that_fails_without_its_lease_fails_the_test() {
    let signals = TestSignals::builder().receiver::<refuse>().build().await;
    insta::assert_snapshot!(words::of(signals.run_with_stale_token::<refuse>(paid(7))).await);
}
