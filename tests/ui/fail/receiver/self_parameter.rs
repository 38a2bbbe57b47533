use signals_runtime::{receiver, signal};

#[signal]
struct PaymentCompleted {
    id: i64,
}

struct Orders;

impl Orders {
    #[receiver(signal = PaymentCompleted)]
    async fn fulfil(&self, _payment: PaymentCompleted) {}
}

fn main() {}

extern crate signals_core as signals_runtime;
