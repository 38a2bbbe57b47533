//! The signal whose payload the new build changes, as it was before.

/// An order, by its number.
#[signals_runtime::signal(name = "skew.raised", allow_unheard)]
#[derive(Debug)]
pub(crate) struct Raised {
    /// Which.
    pub(crate) number: i64,
}
