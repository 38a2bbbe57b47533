//! What a test costs, in processor time, so that the machine's other work is none of ours.
//!
//! Without optimizations: a cost that grows with the square of something is seen here. The goals themselves, a kit within a
//! millisecond and a cascade of 1,000 deliveries within 50, are held by `cargo xtask bench testing`, optimized.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use signals_runtime::testing::TestSignals;

use crate::shop::{complete_order, paid};

/// The processor time of this thread, which runs all of a test in memory.
fn processor() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.try_into().expect("positive"), time.tv_nsec.try_into().expect("below a second"))
}

/// The best of several: the first pays for what is set up once in a process.
async fn best<F: Future<Output = Duration>>(times: u32, mut once: impl FnMut() -> F) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..times {
        best = best.min(once().await);
    }
    best
}

#[tokio::test]
async fn a_kit_in_memory_is_there_within_a_millisecond() {
    let took = best(10, async || {
        let began = processor();
        let signals = TestSignals::new().await;
        let took = processor() - began;
        drop(signals);
        took
    });
    let took = took.await;
    println!("a kit in memory: {took:?}");
    assert!(took < Duration::from_millis(1), "{took:?}");
}

#[tokio::test]
async fn a_cascade_of_a_thousand_deliveries_drains_at_a_steady_pace() {
    let took = best(10, async || {
        // Each payment completes an order in a transaction, and sends; each order is archived: two deliveries.
        let signals = TestSignals::builder().receiver::<complete_order>().receiver::<archive>().build().await;
        for payment_id in 0..500 {
            signals.send(paid(payment_id)).await;
        }
        let began = processor();
        let report = signals.drain().await;
        let took = processor() - began;
        assert_eq!(report.done, 1_000);
        took
    });
    let took = took.await;
    println!("a cascade of 1,000 deliveries: {took:?}");
    // Without optimizations, beside other tests on a busy machine, it may be three times as much.
    let most = Duration::from_millis(if cfg!(debug_assertions) { 150 } else { 50 });
    assert!(took < most, "{took:?}");
}

#[signals_runtime::receiver(signal = crate::shop::OrderCompleted, name = "archive.archive")]
async fn archive(_: crate::shop::OrderCompleted) {}
