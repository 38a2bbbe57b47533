use signals_runtime::receiver;

struct Plain;

#[receiver(signal = Plain)]
async fn fulfil_order(_payment: Plain) {}

fn main() {}

extern crate signals_core as signals_runtime;
