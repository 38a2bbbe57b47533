//! What orders do when others have something to say.

use base::{DbTx, say};
use payments::PaymentCompleted;
use signals_runtime::{BoxError, Discard, receiver};

use crate::OrderError;

/// Completes the order whose payment succeeded.
///
/// Transactional: what it writes through `tx` is committed together with the acknowledgement of the delivery, so the
/// order is completed exactly once, however often this is attempted and whoever dies meanwhile.
///
/// On SQLite a transactional receiver must finish within a third of the worker's lease. The default of 5 s does so for
/// the default lease; the time-out here also does for the short lease of the story.
///
/// # Errors
///
/// Discards a payment of no order that this shop has; any other error of the database is tried again.
#[receiver(signal = PaymentCompleted, timeout = "900ms")]
pub async fn complete_order(payment: &PaymentCompleted, tx: &mut DbTx) -> Result<(), BoxError> {
    if !payment.succeeded {
        return Ok(());
    }
    let updated =
        sqlx::query("UPDATE customer_order SET status = 'completed', completions = completions + 1 WHERE id = $1")
            .bind(payment.payment_id)
            .execute(&mut **tx)
            .await?;
    if updated.rows_affected() == 0 {
        // No other attempt would find it either: a dead letter at once, for somebody to look at.
        return Err(Discard::because(OrderError::Unknown(payment.payment_id)).into());
    }
    say!("orders: order {} completed", payment.payment_id);
    Ok(())
}
