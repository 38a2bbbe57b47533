signals_core::retired!("orders.fulfil order");

fn main() {}
