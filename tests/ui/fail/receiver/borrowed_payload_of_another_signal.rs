use signals_runtime::{receiver, signal};

#[signal]
struct PaymentCompleted {
    id: i64,
}

#[signal]
struct OrderShipped {}

#[receiver(signal = PaymentCompleted)]
async fn fulfil_order(_shipped: &OrderShipped) {}

fn main() {}

extern crate signals_core as signals_runtime;
