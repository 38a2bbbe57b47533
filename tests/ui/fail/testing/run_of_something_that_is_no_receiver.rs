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

struct Mailer;

async fn test(signals: TestSignals) {
    signals.run::<Mailer>(PaymentCompleted { payment_id: 7 }).await;
}

fn main() {
    let _ = (test, complete_order(PaymentCompleted { payment_id: 7 }), OrderShipped { order_id: 7 });
}
