#![deny(warnings)]

use signals_runtime::{Receiver, receiver, signal};

#[signal]
#[cfg(all())]
pub struct PaymentCompleted {
    pub id: i64,
}

#[signal]
#[cfg(any())]
pub struct PaymentCompleted {
    pub unknown: Unknown,
}

#[receiver(signal = PaymentCompleted)]
#[cfg(any())]
pub async fn fulfil_order(_payment: &Unknown) {}

#[cfg(any())]
#[receiver(signal = PaymentCompleted)]
pub async fn fulfil_order(_payment: &Unknown) {}

#[receiver(signal = PaymentCompleted)]
#[cfg(all())]
pub async fn fulfil_order(_payment: &PaymentCompleted) {}

fn main() {
    assert!(fulfil_order::DEF.name.ends_with(".fulfil_order"));
}

extern crate signals_core as signals_runtime;
