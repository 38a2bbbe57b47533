//! The kit: apart from every other, over the database it is told, and awaited.

use std::sync::Arc;
use std::time::Duration;

use signals_core::{Receiver, ReceiverDef};
use signals_runtime::clock::{Clock as _, ManualClock, Timestamp};
use signals_runtime::testing::{Point, TestSignals};
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
    let backend = MemoryBackend::with_clock(Arc::new(clock.clone()));
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

/// By hand, so that it contradicts nothing that is linked into the other tests.
struct SameName;

impl Receiver for SameName {
    type Signal = PaymentCompleted;
    const DEF: &'static ReceiverDef = &ReceiverDef { name: complete_order::DEF.name, ..*refuse::DEF };
}

#[tokio::test]
async fn e2_declarations_that_contradict_each_other_fail_the_test() {
    let builder = TestSignals::builder().receiver::<complete_order>().receiver::<SameName>();
    insta::assert_snapshot!(words::of(builder.build()).await);
}

/// The test would move a clock that its database does not follow, and nothing would ever be due.
#[tokio::test]
async fn a_backend_with_another_clock_than_the_tests_is_told() {
    let clock = ManualClock::new(Timestamp::from_micros(1));
    let backend = MemoryBackend::with_clock(Arc::new(ManualClock::new(Timestamp::from_micros(2))));
    insta::assert_snapshot!(words::of(TestSignals::builder().over(backend, clock.clone()).build()).await);

    // Two clocks that happen to agree.
    let backend = MemoryBackend::with_clock(Arc::new(ManualClock::new(Timestamp::from_micros(1))));
    let message = words::of(TestSignals::builder().over(backend, clock).build()).await;
    assert!(message.contains("follows another clock"), "{message}");
}

#[tokio::test]
async fn an_expectation_that_no_step_comes_after_fails_the_test() {
    let signals = shop(&Mailer::default()).build().await;
    signals.expect_failure::<mail_receipt>().saying("is down");
    signals.crash_at::<complete_order>(Point::AfterClaim);
    insta::assert_snapshot!(words::of(async { drop(signals) }).await);
}

#[tokio::test]
async fn an_expectation_of_a_receiver_that_the_test_does_not_have_is_told() {
    let signals = TestSignals::builder().receiver::<complete_order>().build().await;
    signals.send(paid(7)).await;
    signals.expect_failure::<mail_receipt>();
    insta::assert_snapshot!(words::of(signals.drain()).await);
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
