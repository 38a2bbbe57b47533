//! Orders: placed by customers, completed when their payment is.
//!
//! An order and its payment share one number.

pub mod receivers;

use base::Shop;
use payments::PaymentError;
use signals_runtime::{Error, Receipt, Signal as _, signal};

/// The table of this module. `completions` counts how often `receivers::complete_order` took effect.
pub const TABLE: &str = "CREATE TABLE IF NOT EXISTS customer_order \
    (id BIGINT PRIMARY KEY, amount_cents BIGINT NOT NULL, status VARCHAR(16) NOT NULL, completions BIGINT NOT NULL)";

/// A customer has placed an order.
#[signal]
#[derive(Clone, Debug)]
pub struct OrderPlaced {
    /// Which order.
    pub order_id: i64,
    /// How much it costs, in cents.
    pub amount_cents: i64,
}

/// Why an order was not placed or not completed.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// The number was given to another order before.
    #[error("there is an order {0} already")]
    Exists(i64),
    /// There is no such order.
    #[error("there is no order {0}")]
    Unknown(i64),
    /// Its payment was not opened.
    #[error(transparent)]
    Payment(#[from] PaymentError),
    /// The signal could not be sent, or the transaction not committed.
    #[error(transparent)]
    Signals(#[from] Error),
    /// The database refused.
    #[error("the order could not be stored")]
    Database(#[from] sqlx::Error),
}

/// Stores an order, announces it, and opens its payment, in one transaction.
///
/// # Errors
///
/// Returns an error when the order exists or its payment is refused. The transaction rolls back then, and the signal
/// that was sent in it goes with it.
pub async fn place(shop: &Shop, order_id: i64, amount_cents: i64) -> Result<Receipt, OrderError> {
    let mut tx = shop.begin().await?;
    sqlx::query("INSERT INTO customer_order (id, amount_cents, status, completions) VALUES ($1, $2, 'placed', 0)")
        .bind(order_id)
        .bind(amount_cents)
        .execute(&mut *tx)
        .await
        .map_err(|error| match error.as_database_error() {
            Some(refusal) if refusal.is_unique_violation() => OrderError::Exists(order_id),
            _ => OrderError::Database(error),
        })?;
    let receipt = OrderPlaced { order_id, amount_cents }.send(&mut tx).await?;
    payments::open(&mut tx, order_id, amount_cents).await?;
    tx.commit().await?;
    Ok(receipt)
}
