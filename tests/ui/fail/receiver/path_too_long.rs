use signals_runtime::{receiver, signal};

#[signal]
struct PaymentCompleted {
    id: i64,
}

#[receiver(signal = PaymentCompleted)]
async fn a_name_that_goes_on_and_on_and_on_a_name_that_goes_on_and_on_and_on_a_name_that_goes_on_and_on_and_on_a_name_that_goes_on_and_on_and_on_a_name_that_goes_on_and_on_and_on_a_name_that_goes_on_and_on_and_on_(_payment: PaymentCompleted) {}

fn main() {}

extern crate signals_core as signals_runtime;
