#![deny(unused_must_use)]

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
    signals.drain();
    signals.assert_sent::<PaymentCompleted>(|_| true);
}

fn main() {
    let _ = test;
}
