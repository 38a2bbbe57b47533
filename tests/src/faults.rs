//! Fault at k: one fixed story, told once for every statement in it, with that statement's connection cut.
//!
//! ```text
//!                senders ────────────► worker ◄──── operator
//! statement  senders#1 #2 #3 …     claim#1  ack#1  retry#1  claim#2 …
//!                      ▲
//!                      └─ the fault: it is never said, or it is done and its answer lost
//! ```
//!
//! Short tales stand beside it, each of somebody who is alone: builds that register, the last of which merges two receivers; an
//! operator who decides about what waits, one by one or about more than a batch of them; and whoever migrates. Each of their deeds,
//! or each of its batches, is all or nothing at every moment.
//!
//! Who is in them goes on as applications do: what is retryable is begun again, what is unknown
//! is looked up or repeated under its key, all other errors are taken at their word, and the worker is left alone. At the end
//! business rows and deliveries must agree (I1), every effect of a transactional receiver be there once (I5), every plain receiver
//! have run (I2), and no connection be inside a transaction (S6).
//!
//! How statements are counted and cut is the [`Ground`]'s: a proxy on the wire for a server, the calls into the driver for a
//! database that has no wire. The statements of senders and of the tales have the same numbers in every run, and each
//! is cut. The worker's have not, for its parts run at once: of each statement that has a name of its own, the first two are cut,
//! and the first of what is heard later. `SIGNALS_FAULTS=every` cuts all of those that the story without a fault has: that is
//! what `cargo xtask faults --every` asks for.
//!
//! `SIGNALS_FAULT='claim#2,before'` tells the story once more with that fault alone.

mod bulk;
mod by_hand;
mod fault;
mod ground;
mod look;
mod meter;
mod migrations;
mod names;
mod plan;
mod receivers;
mod report;
mod senders;
mod story;
mod sweep;
mod tale;
mod verdict;
mod work;

pub use fault::{Cut, Fault, Scene};
pub use ground::{Ground, Soil};
pub use meter::Meter;
pub use story::Story;
pub use sweep::sweep;
