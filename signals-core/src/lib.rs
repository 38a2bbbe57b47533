//! The words and the rules of reliable signals.
//!
//! This crate knows what a [signal](Signal), a [receiver](Receiver) and a [delivery](mod@delivery) are, which
//! [transitions](delivery::TRANSITIONS) are legal, and what a [backend](Backend) must do. It knows no database and no
//! async runtime: those are in `signals-runtime`, which applications depend on and which re-exports all of this.
//!
//! Depend on `signals-core` alone to publish a crate of signals (a *contract*), or to implement a backend. The
//! attributes name `::signals_runtime`; a crate that has only this one writes, once:
//!
//! ```
//! extern crate signals_core as signals_runtime;
//!
//! use signals_runtime::signal;
//!
//! #[signal(name = "payments.completed")]
//! pub struct PaymentCompleted {
//!     pub payment_id: i64,
//! }
//! # fn main() {}
//! ```
//!
//! Numbers such as I14 or T9 are those of the promises in `docs/guarantees.md` of the repository, which names for each the
//! tests that show it.
//!
//! Architecture invariant: nothing here reads a clock, opens a connection or spawns a task, but for
//! [`SystemClock`](clock::SystemClock), which is the one place that asks the operating system for the time.

pub mod audience;
pub mod clock;
pub mod delivery;
pub mod headers;
pub mod name;
pub mod outcome;
pub mod payload;
pub mod retry;
pub mod token;

mod backend;
mod error;
mod extract;
mod receiver;
mod registry;
mod send;
mod signal;
pub mod store;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use backend::{Backend, BoxFuture, InTransaction};
pub use error::{BoxError, Error, Result};
pub use extract::{Context, Delivery, ExtractError, Extractor, FromContext, Needs, StateNeed, States, TxNeed};
pub use headers::Headers;
pub use outcome::{Discard, RetryAfter, Snooze};
pub use receiver::{AsyncBody, Body, Receiver, ReceiverDef, ReceiverOptions, RunError};
pub use registry::{Problem, Problems, Registry, RegistryBuilder};
pub use send::{
    Due, MAX_DELAY, MAX_KEY, Outgoing, Receipt, SendBatch, SendContext, Sending, SendingAll, Sent, send_all,
};
pub use signal::{Location, Signal, SignalDef};

#[doc(inline)]
pub use signals_macros::{receiver, signal};
