//! The conformance suite: what every backend must do, as tests that run against any of them.
//!
//! A backend passes when every case passes. Each case has an empty database of its own whose clock it moves by hand; it
//! arranges through the public traits, acts, and asserts on what the store shows. Its name begins with the promise that
//! it proves: T, I, L, S, W, D and E as in `docs/guarantees.md`.
//!
//! A backend is put to the suite by implementing [`Harness`] and writing one line:
//!
//! ```
//! # use signals_conformance::model::Model as MyHarness;
//! signals_conformance::conformance!(MyHarness);
//! # fn main() {}
//! ```
//!
//! Architecture invariant: no case names a concrete database, but for the [`model`] that random histories are compared
//! with. What a database cannot do is asked of its [`Capabilities`](signals_core::store::Capabilities), not guessed.

pub mod fixtures;
pub mod harness;
pub mod stage;

pub mod claim;
pub mod finish;
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

pub mod model;
pub mod sender;
pub mod transactional;
pub mod worker;

mod list;

pub use harness::{App, Db, Harness, Puppet, TestTx, run};
pub use list::CASES;
