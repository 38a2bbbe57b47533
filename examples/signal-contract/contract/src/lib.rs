//! What payments tell others: the signals alone, for whoever receives them.
//!
//! This crate depends on `signals-core`, which needs no database and no async runtime. The attributes name
//! `::signals_runtime`; the next line says once that `signals-core` stands in for it.

extern crate signals_core as signals_runtime;

use signals_runtime::signal;

/// A payment has been completed.
///
/// A contract outlives the module that it came from. So the name is written down, and does not change when the type
/// moves; and the version is raised when old payloads no longer decode.
#[signal(name = "payments.completed", version = 1)]
#[derive(Clone, Debug)]
pub struct PaymentCompleted {
    /// Which payment.
    pub payment_id: i64,
    /// How much it is, in cents.
    pub amount_cents: i64,
}
