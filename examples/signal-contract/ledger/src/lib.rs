//! The ledger: depends on the contract of payments, not on payments. It names no database either, since its receiver is a
//! plain one.

use payments_contract::PaymentCompleted;
use signals_runtime::receiver;

/// Books a payment.
#[receiver(signal = PaymentCompleted, name = "ledger.book")]
async fn book(payment: &PaymentCompleted) {
    let (euros, cents) = (payment.amount_cents / 100, payment.amount_cents % 100);
    println!("ledger: {euros}.{cents:02} booked for payment {}", payment.payment_id);
}

/// A receiver that knows the contract alone is tested without its sender.
#[cfg(test)]
mod tests {
    use signals_runtime::testing::TestSignals;

    use super::*;

    #[tokio::test]
    async fn a_payment_is_booked() {
        let signals = TestSignals::new().await;
        assert!(signals.run::<book>(PaymentCompleted { payment_id: 7, amount_cents: 1999 }).await.is_done());
    }
}
