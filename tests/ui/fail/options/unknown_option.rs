use signals_runtime::{receiver, signal};

#[signal]
struct PaymentCompleted {
    id: i64,
}

#[receiver(signal = PaymentCompleted, retries = 3)]
async fn fulfil_order(_payment: &PaymentCompleted) {}

fn main() {}

extern crate signals_core as signals_runtime;
