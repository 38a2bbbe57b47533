use signals_runtime::{receiver, signal};

#[signal]
struct PaymentCompleted {
    id: i64,
}

struct Oops;

#[receiver(signal = PaymentCompleted)]
async fn fulfil_order(_payment: PaymentCompleted) -> Result<(), Oops> {
    Err(Oops)
}

fn main() {}

extern crate signals_core as signals_runtime;
