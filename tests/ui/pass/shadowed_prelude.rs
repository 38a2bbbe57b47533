//! The names that generated code uses are not the user's.
#![allow(dead_code, non_camel_case_types)]

use signals_runtime::{receiver, signal};

struct Result;
struct Option;
struct Box;
struct String;
struct Ok;
struct Err;
struct Some;
struct None;
struct Send;
struct Context;
trait Into {}
mod core {}
mod std {}

fn bytes() {}
fn context() {}
fn payload() {}
fn needs() {}

#[signal]
struct PaymentCompleted {
    id: i64,
}

#[receiver(signal = PaymentCompleted, max_attempts = 3, backoff(factor = 1.5))]
async fn fulfil_order(
    _payment: PaymentCompleted,
    _delivery: signals_runtime::Delivery,
) -> ::std::result::Result<(), ::std::fmt::Error> {
    ::std::result::Result::Ok(())
}

fn main() {}

extern crate signals_core as signals_runtime;
