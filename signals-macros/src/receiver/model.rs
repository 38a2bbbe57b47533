//! A receiver that can be generated: options and signature in one.

use syn::Type;

use super::options::Options;
use super::signature::{Call, Signature};

/// Everything that the expansion says.
pub(crate) struct Model {
    pub(crate) options: Options,
    pub(crate) signature: Signature,
    /// `None` when the function cannot be called, which was reported: it then gets its hidden type alone, so that naming
    /// it elsewhere is no second mistake.
    pub(crate) body: Option<Body>,
}

/// What the function is called for and with.
pub(crate) struct Body {
    pub(crate) signal: Type,
    pub(crate) call: Call,
}

impl Model {
    /// `None` when there is no function.
    pub(crate) fn new(mut options: Options, signature: Option<Signature>) -> Option<Self> {
        let mut signature = signature?;
        let body = match (options.signal.take(), signature.call.take()) {
            (Some(signal), Some(call)) => Some(Body { signal, call }),
            _ => None,
        };
        Some(Self { options, signature, body })
    }
}
