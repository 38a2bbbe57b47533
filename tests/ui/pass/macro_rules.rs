#![forbid(unsafe_code)]
#![deny(warnings)]

use signals_runtime::{Delivery, Receiver, Signal, receiver, signal};

macro_rules! a_signal {
    ($vis:vis $name:ident { $($field:ident: $ty:ty),* }, $stable:literal) => {
        #[signal(name = $stable)]
        $vis struct $name { $($field: $ty),* }
    };
}

macro_rules! a_receiver {
    ($vis:vis $name:ident($payload:ident: $signal:ty, $delivery:ty) $body:block, $timeout:expr, $attempts:literal) => {
        #[receiver(signal = $signal, timeout = $timeout, max_attempts = $attempts, backoff(factor = $attempts))]
        $vis async fn $name($payload: &$signal, _delivery: $delivery) -> Result<(), std::fmt::Error> $body
    };
}

a_signal!(pub PaymentCompleted { id: i64, note: Option<String> }, "payments.completed");
a_receiver!(pub fulfil_order(payment: PaymentCompleted, Delivery) { let _ = payment.id; Ok(()) }, "30s", 3);

mod receivers {
    use super::{Delivery, PaymentCompleted, receiver};

    macro_rules! in_a_module {
        ($($name:ident => $ty:ty),*) => {$(
            #[receiver(signal = PaymentCompleted)]
            pub async fn $name(payload: $ty, context: &mut Delivery) {
                let bytes = payload.id;
                let _ = (bytes, context.attempt);
            }
        )*};
    }

    in_a_module!(by_value => PaymentCompleted, by_ref => &PaymentCompleted);
}

fn main() {
    assert_eq!(PaymentCompleted::DEF.name, "payments.completed");
    assert_eq!(fulfil_order::DEF.options.retry.max_attempts, 3);
    assert_eq!(fulfil_order::DEF.options.timeout, Some(std::time::Duration::from_secs(30)));
    assert!(receivers::by_value::DEF.name.ends_with(".receivers.by_value"));
    assert!(receivers::by_ref::DEF.name.ends_with(".receivers.by_ref"));
    let _ = PaymentCompleted { id: 1, note: None };
}

extern crate signals_core as signals_runtime;
