use signals_runtime::signal;

#[signal(version = 0)]
struct PaymentCompleted {
    id: i64,
}

fn main() {}

extern crate signals_core as signals_runtime;
