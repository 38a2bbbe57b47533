use signals_runtime::{receiver, signal};

#[signal]
struct PaymentCompleted {
    id: i64,
}

#[receiver(signal = PaymentCompleted)]
async fn fulfil_order(_payment: PaymentCompleted) -> Result<(), impl std::error::Error> {
    Err(std::fmt::Error)
}

fn main() {}

extern crate signals_core as signals_runtime;
