use signals_runtime::{receiver, signal};

#[signal]
struct PaymentCompleted {
    id: i64,
}

#[receiver(signal = PaymentCompleted)]
async fn fulfil_order(_payment: PaymentCompleted) -> Result<u32, std::fmt::Error> {
    Ok(1)
}

fn main() {}

extern crate signals_core as signals_runtime;
