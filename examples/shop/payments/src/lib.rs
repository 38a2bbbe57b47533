//! Payments: what is due, and what the payment processor says became of it.
//!
//! This crate knows nothing of orders, receipts or analytics. It says what happened with [`PaymentCompleted`]; who
//! reacts is theirs to know. `tests/isolation.rs` keeps it so.

use base::{DbTx, Shop};
use signals_runtime::{Error, Receipt, Signal as _, signal};

/// The most that one payment may be, in cents.
pub const LIMIT_CENTS: i64 = 1_000_000;

/// The table of this module.
pub const TABLE: &str = "CREATE TABLE IF NOT EXISTS payment \
    (id BIGINT PRIMARY KEY, amount_cents BIGINT NOT NULL, status VARCHAR(16) NOT NULL)";

/// The processor has decided about a payment.
#[signal]
#[derive(Clone, Debug)]
pub struct PaymentCompleted {
    /// Which payment.
    pub payment_id: i64,
    /// How much it is, in cents.
    pub amount_cents: i64,
    /// Whether the money came.
    pub succeeded: bool,
}

/// What the payment processor tells its webhook.
#[derive(Clone, Debug)]
pub struct Notice {
    /// The processor's own id: the same when it repeats itself.
    pub id: String,
    /// Which payment.
    pub payment_id: i64,
    /// Whether the money came.
    pub succeeded: bool,
}

/// Why a payment was not opened or not recorded.
#[derive(Debug, thiserror::Error)]
pub enum PaymentError {
    /// The shop has no such payment.
    #[error("there is no payment {0}")]
    Unknown(i64),
    /// No payment is that large, or that small.
    #[error("a payment is between 0.01 and {limit}.00, not {cents} cents", limit = LIMIT_CENTS / 100)]
    AmountRefused {
        /// How much it would have been.
        cents: i64,
    },
    /// The signal could not be sent, or the transaction not committed.
    #[error(transparent)]
    Signals(#[from] Error),
    /// The database refused.
    #[error("the payment could not be stored")]
    Database(#[from] sqlx::Error),
}

/// Notes in the caller's transaction that a payment is due.
///
/// # Errors
///
/// Returns an error when the amount is refused or the payment exists already; the caller should not commit then.
pub async fn open(tx: &mut DbTx, payment_id: i64, amount_cents: i64) -> Result<(), PaymentError> {
    if !(1..=LIMIT_CENTS).contains(&amount_cents) {
        return Err(PaymentError::AmountRefused { cents: amount_cents });
    }
    sqlx::query("INSERT INTO payment (id, amount_cents, status) VALUES ($1, $2, 'due')")
        .bind(payment_id)
        .bind(amount_cents)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Records what the processor says, and sends [`PaymentCompleted`], in one transaction: both or neither.
///
/// The processor repeats a notice until it is told that it was heard. Its id is the idempotency key, so that the signal
/// is stored once however often the notice comes.
///
/// # Errors
///
/// Returns an error when there is no such payment or the database refuses; nothing is stored then.
pub async fn record(shop: &Shop, notice: &Notice) -> Result<Receipt, PaymentError> {
    let mut tx = shop.begin().await?;
    let updated = sqlx::query("UPDATE payment SET status = $1 WHERE id = $2")
        .bind(if notice.succeeded { "paid" } else { "failed" })
        .bind(notice.payment_id)
        .execute(&mut *tx)
        .await?;
    if updated.rows_affected() == 0 {
        return Err(PaymentError::Unknown(notice.payment_id)); // dropping `tx` rolls it back
    }
    let amount_cents = sqlx::query_scalar("SELECT amount_cents FROM payment WHERE id = $1")
        .bind(notice.payment_id)
        .fetch_one(&mut *tx)
        .await?;

    let completed = PaymentCompleted { payment_id: notice.payment_id, amount_cents, succeeded: notice.succeeded };
    let receipt = completed.send(&mut tx).idempotency_key(format!("payments/{}", notice.id)).await?;
    tx.commit().await?;
    Ok(receipt)
}
