//! Workers that die where the test says.

use signals_runtime::testing::{Point, TestSignals};

use crate::shop::{Mailer, OrderCompleted, complete_order, mail_receipt, paid, refuse};
use crate::words;

const POINTS: [Point; 3] = [Point::AfterClaim, Point::AfterEffects, Point::BeforeAck];

#[tokio::test]
async fn w1_w2_a_plain_receiver_runs_again_when_the_lease_is_over() {
    for point in POINTS {
        let mailer = Mailer::default();
        let signals = TestSignals::builder().receiver::<mail_receipt>().state(mailer.clone()).build().await;
        signals.send(paid(7)).await;
        signals.crash_at::<mail_receipt>(point);
        assert_eq!(signals.drain().await.done, 0);
        let mails = usize::from(point != Point::AfterClaim);
        assert_eq!(mailer.mails().len(), mails, "{point:?}");
        assert_eq!(signals.advance("19s").await.done, 0, "the lease is the dead worker's");
        assert_eq!(signals.advance("1s").await.done, 1, "{point:?}");
        assert_eq!(mailer.mails().len(), mails + 1, "{point:?}");
        signals.assert_attempts::<mail_receipt>(1, |_| true).await;
    }
}

#[tokio::test]
async fn w3_i5_what_a_transactional_receiver_wrote_is_lost_with_its_worker() {
    for point in POINTS {
        let signals = TestSignals::builder().receiver::<complete_order>().build().await;
        signals.send(paid(7)).await;
        signals.crash_at::<complete_order>(point);
        signals.drain().await;
        assert_eq!(signals.backend().committed("order 7"), None, "{point:?}");
        signals.assert_not_sent::<OrderCompleted>(|_| true).await;
        assert_eq!(signals.settled("1m").await.done, 1, "{point:?}");
        signals.assert_sent_times::<OrderCompleted>(1, |_| true).await;
    }
}

#[tokio::test]
async fn a_cascade_shows_where_its_worker_died() {
    let mailer = Mailer::default();
    let signals = TestSignals::builder()
        .receiver::<mail_receipt>()
        .receiver::<complete_order>()
        .state(mailer.clone())
        .build()
        .await;
    signals.send(paid(7)).await;
    signals.crash_at::<mail_receipt>(Point::AfterEffects);
    signals.crash_at::<mail_receipt>(Point::AfterClaim);
    signals.advance("20s").await;
    insta::assert_snapshot!(signals.cascade().await);
    signals.advance("20s").await;
    insta::assert_snapshot!(signals.cascade().await);
}

#[tokio::test]
async fn w8_a_delivery_that_kills_five_workers_is_dead() {
    let signals = TestSignals::builder().receiver::<complete_order>().build().await;
    signals.send(paid(7)).await;
    signals.crash_at::<complete_order>(Point::AfterClaim);
    signals.drain().await;
    for _ in 1..5 {
        signals.crash_at::<complete_order>(Point::AfterClaim);
        assert_eq!(signals.advance("20s").await.dead, 0);
    }
    signals.expect_failure::<complete_order>().saying("its lease was lost 5 times");
    assert_eq!(signals.advance("20s").await.dead, 1);
    signals.assert_dead::<complete_order>(|_| true).await;
}

#[tokio::test]
async fn e14_a_death_of_lost_leases_fails_the_test() {
    let signals = TestSignals::builder().receiver::<complete_order>().build().await;
    signals.send(paid(7)).await;
    for _ in 0..5 {
        signals.crash_at::<complete_order>(Point::AfterClaim);
    }
    insta::assert_snapshot!(words::of(signals.settled("1h")).await);
}

#[tokio::test]
async fn a_crash_that_never_comes_fails_the_test() {
    let signals = TestSignals::builder().receiver::<complete_order>().build().await;
    signals.crash_at::<complete_order>(Point::BeforeAck);
    insta::assert_snapshot!(words::of(signals.drain()).await);
}

#[tokio::test]
async fn e14_a_receiver_that_failed_before_its_worker_died_fails_the_test() {
    let signals = TestSignals::builder().receiver::<refuse>().build().await;
    signals.send(paid(7)).await;
    signals.crash_at::<refuse>(Point::AfterEffects);
    insta::assert_snapshot!(words::of(signals.drain()).await);
}
