//! What every part of the shop shares: the database it runs on, and a line on the screen.
//!
//! The database is chosen here and nowhere else: the rest of the shop says [`Db`], [`DbTx`] and [`Shop`].

mod say;
#[cfg(feature = "sqlite")]
mod sqlite;

pub use say::line;
#[cfg(feature = "sqlite")]
pub use sqlite::{Db, existing, open};

#[cfg(not(feature = "sqlite"))]
compile_error!("the shop needs a database: build it with its feature `sqlite`, which is on by default");

/// A transaction of the shop's database: what business code writes in, and what signals are sent through.
#[cfg(feature = "sqlite")]
pub type DbTx = signals_runtime::Tx<Db>;

/// The handle of the shop: begins transactions, builds workers, shows deliveries.
#[cfg(feature = "sqlite")]
pub type Shop = signals_runtime::Signals<Db>;
