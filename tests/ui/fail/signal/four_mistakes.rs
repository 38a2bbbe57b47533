use signals_runtime::signal;

#[signal(name = "", version = 0, alias = "payments.Paid", allow_unheard = true)]
struct PaymentCompleted {
    id: i64,
}

fn main() {}

extern crate signals_core as signals_runtime;
