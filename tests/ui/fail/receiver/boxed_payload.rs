use signals_runtime::{receiver, signal};

#[signal]
struct PaymentCompleted {
    id: i64,
}

#[receiver(signal = PaymentCompleted)]
async fn fulfil_order(_payment: Box<PaymentCompleted>) {}

fn main() {}

extern crate signals_core as signals_runtime;
