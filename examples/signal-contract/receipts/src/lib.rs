//! Receipts: depends on the contract of payments, not on payments. It names no database either, since its receiver is a
//! plain one.

use payments_contract::PaymentCompleted;
use signals_runtime::receiver;

/// Mails the receipt of a payment.
#[receiver(signal = PaymentCompleted, name = "receipts.mail")]
async fn mail_receipt(payment: &PaymentCompleted) {
    println!("receipts: {}.{:02} received", payment.amount_cents / 100, payment.amount_cents % 100);
}
