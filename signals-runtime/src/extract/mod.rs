//! The extractors that need the runtime, one per file. Those that need only the attempt are in `signals-core`.

mod cancelled;
mod state;

pub(crate) use cancelled::Canceller;
pub use cancelled::{CancelReason, Cancelled};
pub use state::State;
