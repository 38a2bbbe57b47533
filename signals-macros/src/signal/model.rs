//! A signal that can be generated: options and signature in one.

use super::options::Options;
use super::signature::Signature;

/// Everything that the expansion says.
pub(crate) struct Model {
    pub(crate) options: Options,
    pub(crate) signature: Signature,
}

impl Model {
    /// `None` when the item cannot be a signal. A signal whose options are wrong still is one: using it elsewhere is no
    /// second mistake.
    pub(crate) fn new(options: Options, signature: Option<Signature>) -> Option<Self> {
        signature.map(|signature| Self { options, signature })
    }
}
