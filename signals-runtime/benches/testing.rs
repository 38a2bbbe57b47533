//! What a test with the testing kit costs, by the clock and in processor time: medians of rounds that begin anew. Run by
//! `cargo xtask bench testing`, which holds the goals.
//!
//! A payment completes an order in a transaction, and says so; the order is archived. That is two deliveries, and 500
//! payments make a cascade of 1,000.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use signals_runtime::testing::TestSignals;
use signals_runtime::{BoxError, MemoryTx, Signal as _, receiver, signal};

const ROUNDS: usize = 31;
const PAYMENTS: i64 = 500;

/// Sent.
#[signal(name = "bench.payment")]
struct PaymentCompleted {
    payment_id: i64,
}

/// Caused.
#[signal(name = "bench.order")]
struct OrderCompleted {
    order_id: i64,
}

#[receiver(signal = PaymentCompleted, name = "bench.complete_order")]
async fn complete_order(payment: &PaymentCompleted, tx: &mut MemoryTx) -> Result<(), BoxError> {
    let order_id = payment.payment_id;
    tx.put(format!("order {order_id}"), "completed");
    OrderCompleted { order_id }.send(tx).await?;
    Ok(())
}

#[receiver(signal = OrderCompleted, name = "bench.archive")]
async fn archive(order: &OrderCompleted) {
    std::hint::black_box(order.order_id);
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let (mut kits, mut drains) = (Costs::default(), Costs::default());
    for _ in 0..ROUNDS {
        let signals = kits.measure(TestSignals::new()).await;
        for payment_id in 0..PAYMENTS {
            signals.send(PaymentCompleted { payment_id }).await;
        }
        let report = drains.measure(signals.drain()).await;
        assert_eq!(report.done, 2 * PAYMENTS.unsigned_abs(), "all of the cascade is done");
    }
    kits.print("a kit in memory");
    drains.print("a cascade of 1,000");
}

/// What the rounds took.
#[derive(Default)]
struct Costs {
    wall: Vec<Duration>,
    processor: Vec<Duration>,
}

impl Costs {
    async fn measure<T>(&mut self, step: impl Future<Output = T>) -> T {
        let (began, used) = (Instant::now(), processor());
        let answer = step.await;
        self.processor.push(processor() - used);
        self.wall.push(began.elapsed());
        answer
    }

    fn print(self, name: &str) {
        println!("{name}, by the clock: {:.3} ms", median(self.wall).as_secs_f64() * 1e3);
        println!("{name}, processor: {:.3} ms", median(self.processor).as_secs_f64() * 1e3);
    }
}

fn median(mut values: Vec<Duration>) -> Duration {
    values.sort_unstable();
    values[values.len() / 2]
}

/// The processor time of this process.
fn processor() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.try_into().expect("positive"), time.tv_nsec.try_into().expect("below a second"))
}
