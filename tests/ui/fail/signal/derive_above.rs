use signals_runtime::signal;

#[derive(serde::Serialize)]
#[signal]
struct PaymentCompleted {
    id: i64,
}

fn main() {}

extern crate signals_core as signals_runtime;
