signals_core::link!("orders");

fn main() {}
