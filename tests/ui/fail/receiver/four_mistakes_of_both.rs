use signals_runtime::{receiver, signal};

#[signal]
struct PaymentCompleted {
    id: i64,
}

struct Mailer;

#[receiver(signal = PaymentCompleted, max_attempts = 0, name = "no spaces")]
async fn fulfil_order(_payment: &PaymentCompleted, _mailer: Mailer) -> u32 {
    1
}

fn main() {}

extern crate signals_core as signals_runtime;
