use signals_runtime::signal;

#[signal]
union PaymentCompleted {
    id: i64,
    number: u64,
}

fn main() {}

extern crate signals_core as signals_runtime;
