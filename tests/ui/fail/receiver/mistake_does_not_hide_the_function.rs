use signals_runtime::{Registry, receiver, signal};

#[signal]
struct PaymentCompleted {
    id: i64,
}

#[receiver(signal = PaymentCompleted, timeout = "soon")]
async fn fulfil_order(_payment: &PaymentCompleted) {}

fn main() {
    drop(fulfil_order(&PaymentCompleted { id: 1 }));
    let _ = Registry::builder().receiver::<fulfil_order>().build();
}

extern crate signals_core as signals_runtime;
