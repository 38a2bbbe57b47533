use signals_runtime::testing::TestSignals;
use signals_runtime::{receiver, signal};

#[signal]
struct PaymentCompleted {
    payment_id: i64,
}

#[signal]
struct OrderShipped {
    order_id: i64,
}

#[receiver(signal = PaymentCompleted)]
async fn complete_order(_: PaymentCompleted) {}

fn main() {
    let clock = signals_runtime::clock::ManualClock::default();
    let _ = TestSignals::builder().over("app.db", clock);
}
