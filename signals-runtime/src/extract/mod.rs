//! The extractors that need the runtime, one per file. Those that need only the attempt are in `signals-core`.

mod cancelled;
mod scope;
mod state;

pub use cancelled::{CancelReason, Cancelled};
pub(crate) use scope::AttemptScope;
pub use state::State;
