use std::time::Duration;

use signals_runtime::{Receiver, Signal, receiver, signal};

#[signal(name = "payments.completed", version = 2, aliases = ["payments.PaymentCompleted"], allow_unheard)]
pub enum PaymentCompleted {
    Paid { id: i64 },
    Refused,
}

#[receiver(
    signal = PaymentCompleted,
    name = "orders.fulfil",
    aliases = ["orders.receivers.fulfil_order", "orders.complete"],
    max_attempts = 12,
    backoff(initial = "250ms", factor = 3, max = "1h"),
    timeout = "30s",
    concurrency = 8,
    crate = ::signals_runtime,
)]
pub async fn fulfil_order(_payment: PaymentCompleted) -> Result<(), std::io::Error> {
    Ok(())
}

#[receiver(signal = PaymentCompleted, backoff(max = "2d"))]
pub async fn wait_long(_payment: &PaymentCompleted) {}

fn main() {
    let signal = PaymentCompleted::DEF;
    assert_eq!((signal.name, signal.version, signal.allow_unheard), ("payments.completed", 2, true));
    assert_eq!(signal.aliases, ["payments.PaymentCompleted"]);

    let def = fulfil_order::DEF;
    assert_eq!(def.name, "orders.fulfil");
    assert_eq!(def.aliases, ["orders.receivers.fulfil_order", "orders.complete"]);
    assert_eq!(def.options.retry.max_attempts, 12);
    assert_eq!(def.options.retry.backoff.initial, Duration::from_millis(250));
    assert_eq!(def.options.retry.backoff.factor, 3.0);
    assert_eq!(def.options.retry.backoff.max, Duration::from_secs(3600));
    assert_eq!(def.options.timeout, Some(Duration::from_secs(30)));
    assert_eq!(def.options.concurrency, Some(8));

    let backoff = wait_long::DEF.options.retry.backoff;
    assert_eq!((backoff.initial, backoff.max), (Duration::from_secs(1), Duration::from_secs(2 * 86_400)));
    let _ = (PaymentCompleted::Paid { id: 1 }, PaymentCompleted::Refused);
}

extern crate signals_core as signals_runtime;
