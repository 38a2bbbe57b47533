//! The databases, one folder each, with the same file names in every folder. A backend never names a sibling.

pub mod memory;
#[cfg(feature = "sqlite")]
pub mod sqlite;
