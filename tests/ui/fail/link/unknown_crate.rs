signals_core::link!(orders, signals_core);

fn main() {}
