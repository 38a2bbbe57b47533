//! The attributes of the `signals` library: [`macro@signal`] and [`macro@receiver`].
//!
//! Use them through `signals-runtime` or `signals-core`, which re-export them. Generated code names one path,
//! `::signals_runtime::__private`; nothing else needs to be in your `Cargo.toml`.
//!
//! Architecture invariant: this crate imports none of ours. What it generates is as little as possible; the rest is
//! generic code in `signals-core`.

mod attr;
mod ctxt;
mod duration;
mod name;
mod paths;
mod receiver;
mod signal;

#[cfg(test)]
mod snapshots;

use proc_macro::TokenStream;

/// Declares a struct or an enum as a signal: a fact with a stable name, which is sent inside a transaction.
///
/// ```
/// # extern crate signals_core as signals_runtime;
/// use signals_runtime::{Signal, signal};
///
/// #[signal]
/// pub struct PaymentCompleted {
///     pub payment_id: i64,
///     pub succeeded: bool,
/// }
///
/// #[signal(name = "payments.refunded", version = 2, aliases = ["payments.RefundPaid"])]
/// #[derive(Debug, Clone)]
/// pub struct Refunded {
///     pub payment_id: i64,
/// }
///
/// # fn main() {
/// assert_eq!(PaymentCompleted::DEF.version, 1);
/// assert_eq!(Refunded::DEF.name, "payments.refunded");
/// # }
/// ```
///
/// # Options
///
/// | name | default | meaning |
/// |---|---|---|
/// | `name = "…"` | the path of the type, with dots: `"payments.PaymentCompleted"` | The stable name that the database stores: 1 to 200 bytes of ASCII letters, digits, `_` and `-`, in parts joined by dots. |
/// | `aliases = ["…"]` | none | Names that it had before. Signals stored under them are this signal. |
/// | `version = 2` | `1` | The version of the payload. A worker runs what its own build declares; other versions wait, parked. |
/// | `allow_unheard` | off | No warning when it is sent and nobody receives it. |
/// | `crate = path` | `::signals_runtime` | Where the library is, when it goes by another name. |
///
/// The default name changes when the type moves. Give a name, or keep the old one as an alias, before you move a type
/// whose signals may be waiting in a database.
///
/// # Derives
///
/// `Serialize` and `Deserialize` are derived unless a `#[derive]` *below* this attribute does so. One above it cannot be
/// seen, so `#[signal]` goes first. `#[serde(…)]` attributes work as usual, without serde in your `Cargo.toml`; add it to
/// derive for the types of fields.
///
/// # Renamed dependencies
///
/// A crate that has `signals-runtime` under another name says so once, in its `lib.rs`:
///
/// ```
/// extern crate signals_core as signals_runtime;
/// # fn main() {}
/// ```
///
/// or at every attribute: `#[signal(crate = acme::signals)]`.
///
/// # Limits
///
/// Generic types and unions cannot be signals.
#[proc_macro_attribute]
pub fn signal(options: TokenStream, item: TokenStream) -> TokenStream {
    signal::signal(options.into(), item.into()).into()
}

/// Declares a function as a receiver of a signal: a worker calls it for every signal of that type, at least once.
///
/// ```
/// # extern crate signals_core as signals_runtime;
/// use std::io;
///
/// use signals_runtime::{Delivery, Receiver, receiver, signal};
///
/// #[signal]
/// pub struct PaymentCompleted {
///     pub payment_id: i64,
/// }
///
/// #[receiver(signal = PaymentCompleted)]
/// async fn complete_order(payment: &PaymentCompleted) -> Result<(), io::Error> {
///     println!("order of payment {} is complete", payment.payment_id);
///     Ok(())
/// }
///
/// #[receiver(
///     signal = PaymentCompleted,
///     name = "receipts.mail",
///     max_attempts = 12,
///     backoff(initial = "1s", factor = 2.0, max = "1h"),
///     timeout = "30s",
///     concurrency = 8,
/// )]
/// fn mail_receipt(payment: PaymentCompleted, delivery: Delivery) {
///     println!("receipt for {}, attempt {}", payment.payment_id, delivery.attempt);
/// }
///
/// # fn main() {
/// assert_eq!(mail_receipt::DEF.name, "receipts.mail");
/// # }
/// ```
///
/// # The function
///
/// - The first parameter is the signal, by value or by `&`.
/// - Further parameters are *extractors*: `State<T>`, `Delivery`, a transaction as `&mut Tx<…>`, or your own type that
///   implements `FromContext`. They are taken by value, by `&` or by `&mut`.
/// - An `async fn` runs on the runtime; a plain `fn` runs on the worker's blocking threads.
/// - It returns `()` or `Result<(), E>` with any error `E`. An error means: try again later. `Discard`, `RetryAfter` and
///   `Snooze` are errors that mean something else.
///
/// The function itself is left as it is: tests call it like any other.
///
/// # Options
///
/// | name | default | meaning |
/// |---|---|---|
/// | `signal = Type` | required | What it receives. |
/// | `name = "…"` | the path of the function, with dots: `"orders.receivers.complete_order"` | The stable name that the database stores: 1 to 200 bytes of ASCII letters, digits, `_` and `-`, in parts joined by dots. |
/// | `aliases = ["…"]` | none | Names that it had before. Deliveries stored under them are this receiver's. |
/// | `max_attempts = 12` | `20` | How often a delivery is tried, the first time included, before it is a dead letter. |
/// | `backoff(initial = "1s", factor = 2.0, max = "12h")` | as written here | The longest wait after the first failure, what it is multiplied by after each further one, and what it never exceeds. The actual wait is drawn between zero and it. What is left out stays at its default. |
/// | `timeout = "30s"` | the worker's: 5 min, or 5 s for a transactional receiver on SQLite | How long one attempt may take. |
/// | `concurrency = 8` | as many as the worker has slots for it | How many attempts run at once in one worker process. |
/// | `crate = path` | `::signals_runtime` | Where the library is, when it goes by another name. |
///
/// Durations are a whole number and a unit: `"250ms"`, `"30s"`, `"5m"`, `"1h"`, `"2d"`.
///
/// The default name changes when the function moves or is renamed, and deliveries that wait under the old one are then
/// nobody's. Give a name, or keep the old one in `aliases`.
///
/// # The hidden type
///
/// Beside the function there is a hidden type of the same name and visibility that implements `Receiver`, so that
/// `Registry::builder().receiver::<complete_order>()` can name it. Its one price: a module that is named like a receiver
/// in it cannot be flattened with `mod complete_order; pub use complete_order::complete_order;`, because the module and
/// the type then have the same name.
///
/// # Limits
///
/// Methods, generic functions, and `unsafe`, `const` or `extern` functions cannot be receivers. One function receives one
/// signal.
#[proc_macro_attribute]
pub fn receiver(options: TokenStream, item: TokenStream) -> TokenStream {
    receiver::receiver(options.into(), item.into()).into()
}
