use signals_runtime::signal;

struct Money(i64);

#[signal]
struct PaymentCompleted {
    amount: Money,
}

fn main() {}

extern crate signals_core as signals_runtime;
