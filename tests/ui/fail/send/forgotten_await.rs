#![deny(unused_must_use)]
#![allow(dead_code)]

use signals_runtime::{Backend, InTransaction, Signal as _, signal};

#[signal]
struct PaymentCompleted {
    id: i64,
}

async fn pay<B: Backend>(tx: &mut impl InTransaction<B>) {
    PaymentCompleted { id: 1 }.send(tx);
}

fn main() {}

extern crate signals_core as signals_runtime;
