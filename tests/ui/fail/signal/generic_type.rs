use signals_runtime::signal;

#[signal]
struct PaymentCompleted<T> {
    id: T,
}

fn main() {}

extern crate signals_core as signals_runtime;
