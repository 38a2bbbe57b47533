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
    let payment_id = std::rc::Rc::new(7);
    signals.assert_sent::<PaymentCompleted>(|sent| sent.payment_id == *payment_id).await;
}

fn main() {
    let _ = test;
}
