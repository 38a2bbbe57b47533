use signals_runtime::signal;

#[signal(allow_unheard = true)]
struct PaymentCompleted {
    id: i64,
}

fn main() {}

extern crate signals_core as signals_runtime;
