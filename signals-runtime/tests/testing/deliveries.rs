//! What became of deliveries.

use signals_runtime::testing::TestSignals;

use crate::shop::{Mailer, complete_order, mail_receipt, paid, refuse, shop};
use crate::words;

#[tokio::test]
async fn deliveries_are_told_apart_by_their_payload() {
    let signals = TestSignals::builder().receiver::<refuse>().receiver::<complete_order>().build().await;
    signals.send(paid(7)).await;
    signals.expect_failure::<refuse>();
    signals.drain().await;
    signals.send(paid(8)).await;
    signals.assert_delivered::<complete_order>(|sent| sent.payment_id == 7).await;
    signals.assert_dead::<refuse>(|sent| sent.payment_id == 7).await;
    signals.assert_attempts::<refuse>(1, |sent| sent.payment_id == 7).await;
    signals.assert_attempts::<refuse>(0, |sent| sent.payment_id == 8).await;
}

#[tokio::test]
async fn a_delivery_that_is_not_done_is_told_with_its_state() {
    let signals = shop(&Mailer::down()).build().await;
    signals.send(paid(7)).await;
    signals.expect_failure::<mail_receipt>();
    signals.expect_failure::<crate::shop::thank>();
    signals.drain().await;
    insta::assert_snapshot!(words::of(signals.assert_delivered::<mail_receipt>(|_| true)).await);
}

#[tokio::test]
async fn a_delivery_of_nothing_that_matches_is_told_with_what_was_delivered() {
    let signals = TestSignals::builder().receiver::<complete_order>().build().await;
    signals.send(paid(8)).await;
    signals.drain().await;
    insta::assert_snapshot!(words::of(signals.assert_delivered::<complete_order>(|sent| sent.payment_id == 7)).await);
}

#[tokio::test]
async fn a_delivery_that_is_alive_is_told_to_be() {
    let signals = TestSignals::builder().receiver::<complete_order>().build().await;
    signals.send(paid(7)).await;
    signals.drain().await;
    insta::assert_snapshot!(words::of(signals.assert_dead::<complete_order>(|_| true)).await);
}

#[tokio::test]
async fn a_wrong_number_of_attempts_is_told() {
    let signals = TestSignals::builder().receiver::<complete_order>().build().await;
    signals.send(paid(7)).await;
    signals.drain().await;
    insta::assert_snapshot!(words::of(signals.assert_attempts::<complete_order>(2, |_| true)).await);
}

#[tokio::test]
async fn a_receiver_that_got_nothing_is_told_why() {
    let signals = TestSignals::builder().receiver::<complete_order>().build().await;
    insta::assert_snapshot!(words::of(signals.assert_delivered::<complete_order>(|_| true)).await);
    let unknown = words::of(signals.assert_dead::<refuse>(|_| true)).await;
    assert!(unknown.contains("`audit.refuse` is none of the receivers of this test"), "{unknown}");
}
