//! Fault at k: one fixed story, told once for every statement in it, with that statement's connection cut.
//!
//! ```text
//!            senders ─────────► worker ◄───────── operator ──────► prune
//! statement  1 2 3 4 5 6 …      … … … …           … …              … n
//!                    ▲
//!                    └─ fault k: the k-th statement is never said, or it is done and its answer lost
//! ```
//!
//! Who is in the [story](Story) goes on as applications do: what is retryable is begun again, what is unknown is looked up or
//! repeated under its key, and the worker is left alone. At the end business rows and deliveries must agree (I1), every effect
//! of a transactional receiver be there once (I5), every plain receiver have run (I2), and no connection be inside a
//! transaction (S6).
//!
//! How statements are counted and cut is the [`Ground`]'s: a proxy on the wire for a server, the calls into the driver for a
//! database that has no wire. The senders' statements have the same numbers in every run. The worker's do not, for its
//! parts run at once: so every failure names the statement that was cut.
//!
//! `SIGNALS_FAULT=17,before` tells the story once more with that fault alone; `SIGNALS_FAULT=0,before` without any.

mod fault;
mod ground;
mod receivers;
mod story;
mod sweep;
mod verdict;

pub use fault::{Cut, Fault, Meter};
pub use ground::Ground;
pub use story::Story;
pub use sweep::sweep;
