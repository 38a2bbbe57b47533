//! The conformance suite: what every backend must do, as tests that run against any of them.
//!
//! A backend passes when every case passes. Each case has an empty database of its own whose clock it moves by hand; it
//! arranges through the public traits, acts, and asserts on what the store shows. Its name begins with the promise that
//! it proves: T, I, L, S, W, D and E as in `docs/guarantees.md`.
//!
//! # A backend of your own
//!
//! Depend on this package in `[dev-dependencies]`, say in one file of `tests/` how a database for one case is made, which
//! is [`Harness`], and hand it to [`conformance!`]. All of it, for a backend that is in memory:
//!
//! ```
//! use std::sync::Arc;
//!
//! use signals_conformance::Harness;
//! use signals_core::Result;
//! use signals_core::clock::ManualClock;
//! use signals_runtime::backend::memory::{MemoryBackend, MemoryConn};
//!
//! struct Mine {
//!     backend: MemoryBackend,
//!     // Whatever must live as long as the case: a directory, a schema that is dropped at the end.
//! }
//!
//! impl Harness for Mine {
//!     type Backend = MemoryBackend;
//!
//!     async fn open(clock: ManualClock) -> Self {
//!         Self { backend: MemoryBackend::with_clock(Arc::new(clock)) }
//!     }
//!
//!     fn backend(&self) -> &MemoryBackend {
//!         &self.backend
//!     }
//!
//!     async fn write(conn: &mut MemoryConn, key: &str, value: &str) -> Result<()> {
//!         conn.put(key, value); // INSERT … ON CONFLICT DO UPDATE, in the transaction that `conn` is in
//!         Ok(())
//!     }
//!
//!     async fn read(&self, key: &str) -> Option<String> {
//!         self.backend.committed(key) // SELECT value …, on a connection of its own
//!     }
//!
//!     async fn commit_and_begin(conn: &mut MemoryConn) -> Result<bool> {
//!         conn.commit_and_begin(); // what a receiver's own "COMMIT; BEGIN" would do
//!         Ok(true)
//!     }
//! }
//!
//! signals_conformance::conformance!(Mine);
//!
//! # fn main() {
//! // The same cases without the macro: here those about claims.
//! for case in signals_conformance::cases::<Mine>() {
//!     if case.name.starts_with("claim::t2_") {
//!         case.run();
//!     }
//! }
//! # }
//! ```
//!
//! Work through the modules from the top: a case of `worker` that fails while one of `claim` does says nothing yet. The
//! package's README says what each is about.
//!
//! Architecture invariant: no case names a concrete database, but for the [`model`] that random histories are compared
//! with. What a database cannot do is asked of its [`Capabilities`](signals_core::store::Capabilities), not guessed.

pub mod fixtures;
pub mod harness;
pub mod seed;
pub mod stage;

pub mod claim;
pub mod finish;
pub mod hostile;
pub mod inspect;
pub mod keys;
pub mod look;
pub mod operate;
pub mod payload;
pub mod registry;
pub mod retention;
pub mod send;
pub mod settle;
pub mod steal;
pub mod tx;

pub mod deploys;
pub mod endless;
pub mod faults;
pub mod model;
pub mod secrets;
pub mod sender;
pub mod storm;
pub mod transactional;
pub mod worker;

mod case;
mod list;
mod replay;

pub use case::Case;
pub use harness::{App, Db, Ears, Harness, Puppet, TestTx, run};
pub use list::{CASES, cases};
