use signals_runtime::{receiver, signal};

#[signal]
struct PaymentCompleted {
    id: i64,
}

#[receiver(signal = PaymentCompleted)]
fn fulfil_order(_payment: PaymentCompleted) -> impl Future<Output = ()> {
    std::future::ready(())
}

fn main() {}

extern crate signals_core as signals_runtime;
