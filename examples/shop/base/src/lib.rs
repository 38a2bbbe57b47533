//! What every part of the shop shares: the database it runs on, and a line on the screen.
//!
//! The database is chosen here and nowhere else: the rest of the shop says [`Db`], [`DbTx`] and [`Shop`]. Each database is a
//! file with the same items; SQLite is taken when the features of both are on.

mod say;

#[cfg_attr(feature = "sqlite", path = "sqlite.rs")]
#[cfg_attr(all(feature = "postgres", not(feature = "sqlite")), path = "postgres.rs")]
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod database;

#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use database::{Db, Place, Scratch, existing, now, open, scripts};
pub use say::line;

#[cfg(not(any(feature = "sqlite", feature = "postgres")))]
compile_error!("the shop needs a database: build it with its feature `sqlite`, which is on by default, or `postgres`");

/// A transaction of the shop's database: what business code writes in, and what signals are sent through.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub type DbTx = signals_runtime::Tx<Db>;

/// The handle of the shop: begins transactions, builds workers, shows deliveries.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub type Shop = signals_runtime::Signals<Db>;
