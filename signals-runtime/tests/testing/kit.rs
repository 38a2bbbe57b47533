//! The kit: apart from every other, over the database it is told, and awaited.

use std::time::Duration;

use signals_runtime::clock::{Clock as _, ManualClock, Timestamp};
use signals_runtime::testing::TestSignals;
use signals_runtime::{MemoryBackend, Signals};

use crate::shop::{Mailer, PaymentCompleted, complete_order, mail_receipt, paid, refuse, shop};
use crate::words;

#[tokio::test]
async fn two_kits_share_nothing() {
    let (one, other) = (shop(&Mailer::default()).build().await, shop(&Mailer::default()).build().await);
    one.send(paid(7)).await;
    one.advance("1h").await;
    other.assert_not_sent::<PaymentCompleted>(|_| true).await;
    assert_eq!(one.now().since(other.now()), Duration::from_secs(3600));
}

/// The receivers of this test program, `audit.wait` among them.
#[tokio::test]
async fn a_kit_without_a_registry_has_the_receivers_that_are_linked() {
    let signals = TestSignals::new().await;
    let receipt = signals.send(paid(7)).await;
    let registry = signals.registry().expect("the declarations agree");
    assert_eq!(receipt.deliveries, registry.receivers_of("payments.PaymentCompleted").count());
    assert!(receipt.deliveries >= 5, "{receipt:?}");
}

#[tokio::test]
async fn a_kit_is_the_handle_of_the_application() {
    async fn application(signals: &Signals<MemoryBackend>) -> signals_runtime::Result<()> {
        use signals_runtime::Signal as _;
        let mut tx = signals.begin().await?;
        paid(7).send(&mut tx).await?;
        tx.commit().await
    }
    let signals = shop(&Mailer::default()).build().await;
    application(&signals).await.expect("it works");
    application(&signals.signals().clone()).await.expect("it works");
    signals.assert_sent_times::<PaymentCompleted>(2, |_| true).await;
}

#[tokio::test]
async fn a_kit_runs_over_a_database_that_the_test_has_made() {
    let clock = ManualClock::new(Timestamp::from_micros(1));
    let backend = MemoryBackend::with_clock(std::sync::Arc::new(clock.clone()));
    let signals =
        TestSignals::builder().receiver::<complete_order>().over(backend.clone(), clock.clone()).build().await;
    signals.send(paid(7)).await;
    signals.advance("1s").await;
    assert_eq!(clock.now(), Timestamp::from_micros(1_000_001));
    assert_eq!(backend.committed("order 7").as_deref(), Some("completed"));
}

#[tokio::test]
async fn receivers_are_added_to_a_registry() {
    let registry = signals_runtime::Registry::builder().receiver::<complete_order>().build().expect("it agrees");
    let signals = TestSignals::builder().registry(registry).receiver::<refuse>().build().await;
    assert_eq!(signals.send(paid(7)).await.deliveries, 2);
}

#[tokio::test]
async fn contradicting_declarations_fail_the_test() {
    #[signals_runtime::receiver(signal = PaymentCompleted, name = "orders.one")]
    async fn one(_: PaymentCompleted) {}
    #[signals_runtime::receiver(signal = PaymentCompleted, name = "orders.two", aliases = ["orders.three"])]
    async fn two(_: PaymentCompleted) {}
    #[signals_runtime::receiver(signal = PaymentCompleted, name = "orders.four", aliases = ["orders.five"])]
    async fn four(_: PaymentCompleted) {}
    let builder = TestSignals::builder().receiver::<one>().receiver::<two>().receiver::<four>();
    drop(builder.build().await);
}

#[tokio::test]
async fn a_step_that_nobody_awaits_fails_the_test() {
    let signals = shop(&Mailer::default()).build().await;
    insta::assert_snapshot!(words::of(async { drop(signals.assert_sent::<PaymentCompleted>(|_| true)) }).await);
    insta::assert_snapshot!(words::of(async { drop(signals.run::<mail_receipt>(paid(7))) }).await);
}

#[tokio::test]
async fn a_message_names_the_line_of_the_test() {
    let signals = shop(&Mailer::default()).build().await;
    let line = line!() + 1;
    let step = signals.assert_sent::<PaymentCompleted>(|_| true);
    let panic = futures_util::FutureExt::catch_unwind(std::panic::AssertUnwindSafe(step)).await.expect_err("it fails");
    let message = panic.downcast_ref::<String>().expect("a text");
    assert!(message.contains(&format!("tests/testing/kit.rs:{line}:")), "{message}");
}

/// Beside others, on one runtime: a kit waits for itself alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kits_run_beside_each_other() {
    let mut tests = tokio::task::JoinSet::new();
    for payment_id in 0..20 {
        tests.spawn(async move {
            let signals = TestSignals::builder().receiver::<complete_order>().build().await;
            signals.send(paid(payment_id)).await;
            assert_eq!(signals.drain().await.done, 1);
            signals.assert_sent_times::<PaymentCompleted>(1, |sent| sent.payment_id == payment_id).await;
        });
    }
    tests.join_all().await;
}
