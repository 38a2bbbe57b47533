//! The rules of `signals-core`, walked through every state that they can lead to, by the model checker Stateright.
//!
//! Two models. [`life`] is one delivery with two workers, operators, and a database that forgets in a crash what it had
//! not flushed: I2 to I8. [`fanout`] is one transaction that sends, beside programs that register and retire receivers: I1
//! and I14. Neither has rules of its own where the library has them: what may follow what, and under which guard, is
//! [`signals_core::delivery::TRANSITIONS`]; what is counted, [`signals_core::delivery::Counters`]; when attempts are used
//! up, [`signals_core::retry::RetryPolicy`].
//!
//! Each model can be broken on purpose, by a line of the table that is changed or by a [`life::Flaw`] or [`fanout::Flaw`].
//! The tests show that the checker then finds a counterexample, and print it; without that, a model that proves
//! everything would look like one that proves the right thing.
//!
//! Not here: time (leases end whenever they like, which is more than any clock does), payloads, and everything between a
//! rule and its SQL. Backends are held to the same rules by the conformance suite.

mod report;

pub mod fanout;
pub mod life;

pub use report::{Walked, walk, walk_until_broken};
