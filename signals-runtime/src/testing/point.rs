//! Where a worker can be made to die.

use std::fmt;

/// Where a worker dies.
///
/// Nothing is acknowledged in any of them, and what the receiver wrote in its transaction is rolled back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// The delivery is claimed, and its receiver was not called.
    AfterClaim,
    /// The receiver has returned: what it did outside of its transaction has happened.
    AfterEffects,
    /// As `AfterEffects`, at the last moment: what came of it was decided and on its way into the database.
    ///
    /// For a receiver the two are one. They are told apart so that a test can say which one it means.
    BeforeAck,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AfterClaim => "after the claim",
            Self::AfterEffects => "after its effects",
            Self::BeforeAck => "before the acknowledgement",
        })
    }
}
