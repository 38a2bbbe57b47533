//! The databases, one folder each, with the same file names in every folder. A backend never names a sibling; what those
//! that speak SQL decide alike is in `common`.

#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod common;
pub mod memory;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "sqlite")]
pub mod sqlite;
