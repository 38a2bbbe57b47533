//! Analytics: exports orders to a warehouse, counts sales, and scores payments for fraud.

pub mod receivers;
pub mod warehouse;

pub use warehouse::Warehouse;

/// The table of this module. It has no key on purpose: a sale that was counted twice would be there twice.
pub const TABLE: &str = "CREATE TABLE IF NOT EXISTS sale (payment_id BIGINT NOT NULL, amount_cents BIGINT NOT NULL)";

/// The risk of a payment, by the number of digits of its amount in cents.
#[derive(Clone, Debug)]
pub struct RiskTable(Vec<u32>);

impl RiskTable {
    /// A table for amounts of up to `digits` digits.
    #[must_use]
    pub fn up_to(digits: u32) -> Self {
        Self((0..=digits).map(|digits| digits * digits).collect())
    }

    /// The risk of a payment of `cents`.
    ///
    /// # Panics
    ///
    /// Panics when the table is too short for the amount: the mistake that the story waits for.
    #[must_use]
    pub fn score(&self, cents: u64) -> u32 {
        let digits = cents.checked_ilog10().map_or(1, |log| log as usize + 1);
        self.0[digits]
    }
}
