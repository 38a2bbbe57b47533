use signals_runtime::signal;

#[signal]
struct PaymentCompleted {
    #[serde(skip)]
    note: std::rc::Rc<u8>,
}

fn main() {}

extern crate signals_core as signals_runtime;
