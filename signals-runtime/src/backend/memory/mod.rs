//! The reference model: every promise without a database.
