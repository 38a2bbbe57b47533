//! The rules of `signals-core`, walked through every state that they lead to within bounds, by the model checker Stateright.
//!
//! Two models. [`life`] is one delivery with two workers, operators, and a database that forgets in a crash what it had
//! not flushed: I2 to I8. [`fanout`] is one transaction that sends, beside programs that register and retire receivers: I1
//! and I14. Neither has rules of its own where the library has them: what may follow what, and under which guard, is
//! [`signals_core::delivery::TRANSITIONS`]; what is counted, [`signals_core::delivery::Counters`]; when attempts are used
//! up, [`signals_core::retry::RetryPolicy`]; whom a send addresses, [`signals_core::audience`].
//!
//! Every state is met that can be reached within these bounds, and none beyond:
//!
//! | walk | bounds |
//! |---|---|
//! | [`life`], plain and transactional | one delivery with two attempts; two workers that live; 3 claims and steals, 2 crashes of the database, 1 retry by hand |
//! | the same with a kill | 1 worker that is killed; 2 claims and steals, 2 crashes, 1 retry by hand |
//! | the same, worn | a delivery with one attempt, two leases and one refund left; 6 claims and steals, no crash, kill or retry by hand |
//! | worn and claimed durably | the same with 2 crashes |
//! | [`fanout`] | 3 receivers, of which the sender links one; one transaction with a savepoint, in which one send stands; 1 crash |
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
