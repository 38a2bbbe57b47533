use signals_runtime::{Backend, InTransaction, Signal as _};

struct Plain;

async fn pay<B: Backend>(tx: &mut impl InTransaction<B>) {
    let _ = Plain.send(tx).await;
}

fn main() {}

extern crate signals_core as signals_runtime;
