//! Reliable signals between the modules of an application: deliveries are stored in the sender's own transaction, and
//! workers run them at least once, each on its own, with retries and visible failures.
//!
//! ```standalone_crate
//! use signals_runtime::{MemoryBackend, Registry, Signal as _, Signals, receiver, signal};
//!
//! #[signal]
//! pub struct PaymentCompleted {
//!     pub payment_id: i64,
//! }
//!
//! #[receiver(signal = PaymentCompleted)]
//! async fn mail_receipt(payment: &PaymentCompleted) -> Result<(), std::io::Error> {
//!     println!("mailing the receipt of payment {}", payment.payment_id);
//!     Ok(())
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! let signals = Signals::new(MemoryBackend::new());
//! signals.setup().await?;
//!
//! let mut tx = signals.begin().await?;
//! PaymentCompleted { payment_id: 7 }.send(&mut tx).await?;
//! tx.commit().await?;
//!
//! let report = signals.worker().build()?.drain().await?;
//! assert_eq!(report.done, 1);
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `postgres` | no | [`PgBackend`] and [`PgTx`]: deliveries in a Postgres database, through sqlx |
//! | `sqlite` | no | [`SqliteBackend`] and [`SqliteTx`]: deliveries in a SQLite file, through sqlx |
//! | `testing` | no | `testing`: tests of receivers and of what is sent, for `[dev-dependencies]` |
//!
//! [`MemoryBackend`] is always there. A library that only declares signals and receivers needs no feature.
//!
//! # Receivers in other crates
//!
//! Receivers are collected by the linker, which drops every crate that `Cargo.toml` names and the source does not. Name those
//! that are there for their receivers once, in `main.rs`: `signals_runtime::link!(orders, receipts);`. A worker is not built
//! when one of them contributes nothing. `[lints.rust] unused_crate_dependencies = "warn"` in the manifest of the binary finds
//! those that were forgotten. See [`link!`].
//!
//! # Where things are
//!
//! [`Signals`] is the handle of an application; [`Tx`] its transactions; [`Worker`] runs receivers. Operators look with
//! [`Signals::inspect`] and act with [`Signals::operate`]: see [`operating`].
//! [`State`], [`Delivery`], [`Cancelled`] and `&mut Tx<_>` are what receivers may take; [`Discard`],
//! [`RetryAfter`](struct@RetryAfter) and [`Snooze`](struct@Snooze) what they may answer. [`defaults`] lists every default.
//!
//! Numbers such as I14 or W17 are those of the promises in `docs/guarantees.md` of the repository, which names for each the
//! tests that show it.

pub mod backend;
pub mod defaults;
pub mod operating;
#[cfg(feature = "testing")]
pub mod testing;
pub mod worker;

mod broken;
mod extract;
mod lineage;
mod maintenance;
mod signals;
mod task;
mod telemetry;
mod tx;

#[doc(hidden)]
pub use signals_core::__private;

pub use backend::memory::MemoryBackend;
#[cfg(feature = "postgres")]
pub use backend::postgres::PgBackend;
#[cfg(feature = "sqlite")]
pub use backend::sqlite::SqliteBackend;
pub use extract::{CancelReason, Cancelled, State};
pub use signals::Signals;
pub use signals_core::{
    Backend, BoxError, BoxFuture, Context, Delivery, Discard, Error, ExtractError, FromContext, InTransaction, Needs,
    Problem, Problems, Receipt, Receiver, Registry, RegistryBuilder, Result, RetryAfter, Sending, SendingAll, Signal,
    Snooze, clock, delivery, headers, link, outcome, payload, receiver, retired, retry, send_all, signal, store, token,
};
pub use tx::{Savepoint, Tx};
pub use worker::{Worker, WorkerBuilder};

/// A transaction of the memory backend.
pub type MemoryTx = Tx<MemoryBackend>;

/// A transaction in a Postgres database.
#[cfg(feature = "postgres")]
pub type PgTx = Tx<PgBackend>;

/// A transaction in a SQLite file.
#[cfg(feature = "sqlite")]
pub type SqliteTx = Tx<SqliteBackend>;

/// The code in the README and in `docs/`, as tests.
#[cfg(all(doctest, feature = "sqlite", feature = "testing"))]
mod pages {
    #[doc = include_str!("../../README.md")]
    struct Readme;

    #[doc = include_str!("../../docs/idempotency.md")]
    struct Idempotency;

    #[doc = include_str!("../../docs/operations.md")]
    struct Operations;

    #[doc = include_str!("../../docs/testing.md")]
    struct Testing;
}

/// The code in the pages about Postgres, as tests.
#[cfg(all(doctest, feature = "postgres"))]
mod postgres_pages {
    #[doc = include_str!("../../docs/backends.md")]
    struct Backends;
}
