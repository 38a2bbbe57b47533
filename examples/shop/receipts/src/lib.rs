//! Receipts: one mail for every payment that succeeded.

pub mod mailer;
pub mod receivers;

pub use mailer::Mailer;
