#![deny(warnings, unreachable_pub)]

mod payments {
    use signals_runtime::{receiver, signal};

    #[signal]
    pub(crate) struct PaymentCompleted {
        pub(super) id: i64,
    }

    #[receiver(signal = PaymentCompleted)]
    #[deprecated = "a receiver may be on its way out"]
    pub(super) async fn old(payment: &PaymentCompleted) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Err(payment.id.to_string().into())
    }

    #[receiver(signal = self::PaymentCompleted)]
    #[must_use = "and may be used elsewhere"]
    pub(crate) fn checked(_payment: PaymentCompleted) -> anyhow::Result<()> {
        Ok(())
    }
}

fn main() {
    use signals_runtime::{Receiver, Registry, receiver, signal};

    #[signal(name = "local")]
    struct Local {}

    #[receiver(signal = Local)]
    async fn of_a_local(_local: Local) {}

    assert_eq!(of_a_local::DEF.signal.name, "local");
    let registry = Registry::linked().expect("it has no contradictions");
    assert_eq!(registry.receivers().len(), 3);
    assert_eq!(registry.signals().len(), 2);
    let by_hand = Registry::builder().receiver::<payments::old>().receiver::<payments::checked>().build();
    assert_eq!(by_hand.expect("it has no contradictions").receivers().len(), 2);
    assert!(payments::checked(payments::PaymentCompleted { id: 1 }).is_ok());
    let _ = Local {};
}

extern crate signals_core as signals_runtime;
