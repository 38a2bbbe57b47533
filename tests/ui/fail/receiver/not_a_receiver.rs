use signals_runtime::Registry;

struct FulfilOrder;

fn main() {
    let _ = Registry::builder().receiver::<FulfilOrder>().build();
}

extern crate signals_core as signals_runtime;
