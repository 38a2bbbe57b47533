//! What the attributes' expansions use. Not public: it changes without notice.

pub use linkme;
pub use serde;
pub use std::boxed::Box;
pub use std::option::Option::{self, None, Some};
pub use std::result::Result::{self, Err, Ok};

pub use crate::name::{dotted, dotted_len, from_path, of_retired};
pub use crate::registry::{LINKED, Linked, RECEIVERS, RETIRED, Retired, SIGNALS};
pub use crate::retry::Backoff;
pub use crate::{
    Body, BoxError, BoxFuture, Context, Extractor, FromContext, Location, Needs, Receiver, ReceiverDef,
    ReceiverOptions, RunError, Signal, SignalDef,
};
pub use std::time::Duration;

/// A receiver's first parameter, for the receiver's signal `S`: `S` itself, by value or behind a reference.
#[diagnostic::on_unimplemented(
    message = "receiver parameter `{Self}` does not match the receiver's signal `{S}`",
    label = "expected `{S}` or `&{S}`, because of `signal = {S}`"
)]
pub trait PayloadOf<S> {
    /// The decoded signal as the parameter.
    fn cast(signal: S) -> Self;
}

// Not `S: Signal`: that obligation is mentioned once, in `type Signal = …`, and complained about once.
#[diagnostic::do_not_recommend]
impl<S> PayloadOf<S> for S {
    fn cast(signal: S) -> Self {
        signal
    }
}

/// What a receiver returns.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned by a receiver",
    label = "expected `()` or `Result<(), E>`",
    note = "`E` is any error: `E: Into<Box<dyn Error + Send + Sync>>`"
)]
pub trait ReceiverOutput {
    /// The same for every receiver.
    fn into_result(self) -> Result<(), RunError>;
}

impl ReceiverOutput for () {
    fn into_result(self) -> Result<(), RunError> {
        Ok(())
    }
}

impl<E: Into<BoxError>> ReceiverOutput for Result<(), E> {
    fn into_result(self) -> Result<(), RunError> {
        self.map_err(|error| RunError::Failed(error.into()))
    }
}

/// Decodes a payload straight from the row, as the signal of the receiver `R`.
///
/// The size was limited when the row was claimed.
pub fn decode<R: Receiver>(bytes: &[u8]) -> Result<R::Signal, RunError> {
    crate::payload::decode(bytes, usize::MAX).map_err(RunError::Undecodable)
}

/// Extracts a parameter.
pub fn extract<T>(extractor: Extractor<T>, context: &Context) -> Result<T, RunError> {
    extractor.extract(context).map_err(RunError::Extract)
}
