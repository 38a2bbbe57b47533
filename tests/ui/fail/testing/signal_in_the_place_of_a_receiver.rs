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
    signals.expect_failure::<PaymentCompleted>();
    signals.assert_delivered::<PaymentCompleted>(|_| true).await;
}

fn main() {
    let _ = test;
}
