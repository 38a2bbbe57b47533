use signals_runtime::Signal as _;

struct Plain;

fn main() {
    let _ = Plain.send(&mut ());
}

extern crate signals_core as signals_runtime;
