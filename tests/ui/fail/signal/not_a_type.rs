use signals_runtime::signal;

#[signal]
fn payment_completed() {}

fn main() {}

extern crate signals_core as signals_runtime;
