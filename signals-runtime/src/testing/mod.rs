//! Tests of receivers and of what is sent to them: as in production, only faster and in one's hand.
//!
//! A [`TestSignals`] is an application's handle over a database of its own, in memory unless said otherwise, with a worker
//! that does nothing by itself. A test sends, says `drain`, and looks. Whatever is decoded, extracted, timed out, caught,
//! retried or refused on the way goes through the worker's own code: a receiver that fails in a test would have failed in
//! production, and the test fails with it (E14).
//!
//! ```standalone_crate
//! use signals_runtime::testing::TestSignals;
//! use signals_runtime::{MemoryTx, Signal as _, receiver, signal};
//!
//! #[signal]
//! struct PaymentCompleted {
//!     payment_id: i64,
//! }
//!
//! #[receiver(signal = PaymentCompleted)]
//! async fn complete_order(payment: &PaymentCompleted, tx: &mut MemoryTx) {
//!     tx.put(format!("order {}", payment.payment_id), "completed");
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> signals_runtime::Result<()> {
//! let signals = TestSignals::new().await;
//!
//! // What the application does: it takes a `&Signals<_>`, and `&signals` is one.
//! let mut tx = signals.begin().await?;
//! PaymentCompleted { payment_id: 7 }.send(&mut tx).await?;
//! tx.commit().await?;
//!
//! signals.assert_sent::<PaymentCompleted>(|sent| sent.payment_id == 7).await;
//! signals.drain().await; // panics when a receiver fails
//! assert_eq!(signals.backend().committed("order 7").as_deref(), Some("completed"));
//! # Ok(())
//! # }
//! ```
//!
//! | to | call |
//! |---|---|
//! | begin | [`TestSignals::new`], or [`builder`](TestSignals::builder) for states, chosen receivers, another database |
//! | say what was sent | [`assert_sent`](TestSignals::assert_sent), [`assert_sent_times`](TestSignals::assert_sent_times), [`assert_not_sent`](TestSignals::assert_not_sent), [`sent`](TestSignals::sent) |
//! | run | [`run`](TestSignals::run) for one receiver, [`drain`](TestSignals::drain) for all that is due and what that causes |
//! | say what became of it | [`assert_delivered`](TestSignals::assert_delivered), [`assert_dead`](TestSignals::assert_dead), [`assert_attempts`](TestSignals::assert_attempts) |
//! | expect a failure | [`expect_failure`](TestSignals::expect_failure) |
//! | let time pass | [`advance`](TestSignals::advance), [`settled`](TestSignals::settled) |
//! | kill the worker | [`crash_at`](TestSignals::crash_at), [`run_twice`](TestSignals::run_twice), [`run_with_stale_token`](TestSignals::run_with_stale_token) |
//! | see it | [`cascade`](TestSignals::cascade): signal, receivers, attempts, what they sent |
//!
//! # Every verb panics
//!
//! What is not as the test says it is a panic, at once, with what was expected, what came instead, and the whole cascade.
//! Nothing answers a `Result` that could be dropped. Each verb is a [`Step`], which does its work when it is awaited and
//! panics when it never was.
//!
//! # What differs from production
//!
//! - Time stands still until the test moves it. A time-out alone counts in real time: let it be short with
//!   [`longest_timeout`](TestSignalsBuilder::longest_timeout).
//! - Receivers run one after the other, in an order that is the same every time. No order is promised in production.
//! - A retry comes as late as its backoff allows: there is no jitter.
//! - Messages show payloads, which logs of the library never do. Do not test with real ones.
//!
//! # How to enable it
//!
//! It is behind the feature `testing`, so that nothing of it is in what ships:
//!
//! ```toml
//! [dev-dependencies]
//! signals-runtime = { version = "0.1", features = ["testing"] }
//! ```

mod backend;
mod build;
mod kit;
mod step;

mod deliveries;
mod sends;

mod drain;
mod run;
mod time;

mod plan;
mod point;
mod twice;

mod journal;
mod needs;
mod standing;
mod tally;
mod turn;

mod message;
mod tree;
mod words;

pub use backend::TestBackend;
pub use build::TestSignalsBuilder;
pub use kit::TestSignals;
pub use plan::Expectation;
pub use point::Point;
pub use run::{Ended, Ran};
pub use step::Step;
pub use time::IntoDuration;
pub use twice::Snapshot;
