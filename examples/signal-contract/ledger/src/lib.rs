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
