use signals_runtime::{receiver, signal};

#[signal]
struct PaymentCompleted {
    id: i64,
}

#[receiver(signal = PaymentCompleted, timeout = "soon", retries = 3)]
const fn fulfil_order(_payment: &mut PaymentCompleted) {}

fn main() {}

extern crate signals_core as signals_runtime;
