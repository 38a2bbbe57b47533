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
    let _ = TestSignals::builder().state(std::rc::Rc::new(7));
}
