use signals_runtime::signal;

#[signal(topic = "payments")]
struct PaymentCompleted {
    id: i64,
}

fn main() {}

extern crate signals_core as signals_runtime;
