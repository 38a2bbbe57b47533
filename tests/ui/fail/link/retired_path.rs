signals_core::retired!(orders::fulfil_order);

fn main() {}
