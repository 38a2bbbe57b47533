//! What receipts do when others have something to say.

use anyhow::Context as _;
use base::say;
use payments::PaymentCompleted;
use signals_runtime::{Delivery, State, receiver};

use crate::Mailer;

/// Mails the receipt of a payment that succeeded.
///
/// A plain receiver: a mail cannot be rolled back, and a worker may die after it was sent and before that was noted. So
/// it is attempted at least once; the delivery's idempotency key, the same in every attempt, lets the mail server tell
/// a repetition.
///
/// The backoff is short for the story. Without the option it begins at 1 s and doubles up to 12 h.
///
/// # Errors
///
/// Returns an error when the mail server refuses; it is tried again.
#[receiver(signal = PaymentCompleted, max_attempts = 8, backoff(initial = "200ms", factor = 2.0, max = "1s"), timeout = "20s")]
pub async fn mail_receipt(
    payment: &PaymentCompleted,
    State(mailer): State<Mailer>,
    delivery: Delivery,
) -> anyhow::Result<()> {
    if !payment.succeeded {
        return Ok(());
    }
    let (id, cents) = (payment.payment_id, payment.amount_cents);
    let text = format!("Payment {id}: received {}.{:02}. Thank you.\n", cents / 100, cents % 100);
    mailer
        .send(&delivery.idempotency_key(), &text)
        .inspect_err(|error| say!("receipts: attempt {} for payment {id} failed: {error}", delivery.attempt))
        .with_context(|| format!("the receipt of payment {id} was not mailed"))?;
    say!("receipts: receipt of payment {id} mailed at attempt {}", delivery.attempt);
    Ok(())
}
