//! Looking and acting: what operators see of an application's deliveries, and what they do about them.
//!
//! Nothing here runs in a worker. A look is one bounded snapshot; what is done to many deliveries is done in batches of one
//! transaction each, which hold up no writer for long, and every one of them is counted in the log of actions.

mod again;
mod bulk;
mod inspect;
mod names;
mod operate;
mod pace;
mod prune;
mod retire;

pub use bulk::{Bulk, Tally};
pub use inspect::{Inspect, Parked, WaitsFor};
pub use operate::Operate;
pub use prune::Prune;
pub use retire::{Pending, Retire, Retired};
