use signals_runtime::{receiver, signal};

#[signal]
struct PaymentCompleted {
    id: i64,
}

#[receiver(signal = PaymentCompleted, backoff(initial = "1s", jitter = 1.0, initial = "2s"))]
async fn fulfil_order(_payment: &PaymentCompleted) {}

fn main() {}

extern crate signals_core as signals_runtime;
