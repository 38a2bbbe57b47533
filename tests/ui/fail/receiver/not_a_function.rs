use signals_runtime::{receiver, signal};

#[signal]
struct PaymentCompleted {
    id: i64,
}

#[receiver(signal = PaymentCompleted)]
struct FulfilOrder;

fn main() {}

extern crate signals_core as signals_runtime;
