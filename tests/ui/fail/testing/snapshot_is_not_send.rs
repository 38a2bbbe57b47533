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

async fn test(signals: TestSignals) {
    let orders = std::rc::Rc::new(7);
    let read = || async { *orders };
    signals.run_twice::<complete_order>(PaymentCompleted { payment_id: 7 }, read).await;
}

fn main() {
    let _ = test;
}
