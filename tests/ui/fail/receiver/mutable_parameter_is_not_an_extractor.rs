use signals_runtime::{receiver, signal};

#[signal]
struct PaymentCompleted {
    id: i64,
}

struct Mailer;

#[receiver(signal = PaymentCompleted)]
async fn fulfil_order(_payment: PaymentCompleted, _mailer: &mut Mailer) {}

fn main() {}

extern crate signals_core as signals_runtime;
