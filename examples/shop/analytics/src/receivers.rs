//! What analytics does when others have something to say.

use std::io;

use base::{DbTx, say};
use orders::OrderPlaced;
use payments::PaymentCompleted;
use signals_runtime::{Delivery, State, receiver};

use crate::{RiskTable, Warehouse};

/// Exports an order to the warehouse.
///
/// It says when it begins, so that one can see a worker die in the middle of it and another begin again.
///
/// # Errors
///
/// Returns an error when the warehouse refuses; it is tried again.
#[receiver(signal = OrderPlaced)]
pub async fn export_order(
    order: &OrderPlaced,
    State(warehouse): State<Warehouse>,
    delivery: Delivery,
) -> io::Result<()> {
    let OrderPlaced { order_id, amount_cents } = order;
    say!("analytics: export of order {order_id} begins (delivery {})", delivery.id);
    let text = format!("{{\"order_id\":{order_id},\"amount_cents\":{amount_cents}}}\n");
    warehouse.upload(&format!("order-{order_id}.json"), &text).await?;
    say!("analytics: order {order_id} exported");
    Ok(())
}

/// Counts the sale of a payment that succeeded.
///
/// Transactional, so that each is counted exactly once: the row and the acknowledgement are committed together.
///
/// # Errors
///
/// Returns an error when the database refuses; it is tried again.
#[receiver(signal = PaymentCompleted, timeout = "900ms")]
pub async fn count_sale(payment: &PaymentCompleted, tx: &mut DbTx) -> sqlx::Result<()> {
    if !payment.succeeded {
        return Ok(());
    }
    sqlx::query("INSERT INTO sale (payment_id, amount_cents) VALUES ($1, $2)")
        .bind(payment.payment_id)
        .bind(payment.amount_cents)
        .execute(&mut **tx)
        .await?;
    say!("analytics: sale of payment {} counted", payment.payment_id);
    Ok(())
}

/// Scores a payment for fraud. A plain `fn`: it computes, so it runs on a thread of its own.
///
/// The backoff is short for the story. Without the option it begins at 1 s and doubles up to 12 h.
#[receiver(signal = PaymentCompleted, max_attempts = 3, backoff(initial = "100ms", factor = 2.0, max = "1s"))]
pub fn score_fraud(payment: &PaymentCompleted, State(risks): State<RiskTable>, delivery: Delivery) {
    let id = payment.payment_id;
    say!("analytics: scoring payment {id}, attempt {} of {}", delivery.attempt, delivery.max_attempts);
    let score = risks.score(payment.amount_cents.unsigned_abs());
    say!("analytics: payment {id} has a fraud score of {score}");
}
