//! One application in two builds: what both send, and how a process of either works or sends.
//!
//! Each signal stands for one change between the builds. The receivers are in the programs, `bin/old.rs` and `bin/new.rs`, and
//! `bin/sender.rs` has none: what a process knows is what was linked into it, as in an application that is deployed.

// The same record as that of the rig over SQLite, whose package links receivers.
#[path = "../../rig/src/log.rs"]
mod log;
mod process;

pub use log::{Line, Log};
pub use process::{Build, main, over_postgres, over_sqlite};
use signals_runtime::{Delivery, signal};

/// The new build adds a receiver of it.
#[signal(name = "skew.added", allow_unheard)]
#[derive(Debug)]
pub struct Added {
    /// Which.
    pub number: i64,
}

/// The new build renames its receiver, and keeps the old name as an alias.
#[signal(name = "skew.renamed", allow_unheard)]
#[derive(Debug)]
pub struct Renamed {
    /// Which.
    pub number: i64,
}

/// The new build renames its receiver, and forgets the old name.
#[signal(name = "skew.forgotten", allow_unheard)]
#[derive(Debug)]
pub struct Forgotten {
    /// Which.
    pub number: i64,
}

/// The new build removes one of its receivers.
#[signal(name = "skew.removed", allow_unheard)]
#[derive(Debug)]
pub struct Removed {
    /// Which.
    pub number: i64,
}

/// What a receiver does with signal `number`: a line of the log, under the name that it has in this build.
///
/// # Errors
///
/// Returns the file system's error.
pub fn perform(log: &Log, delivery: &Delivery, number: i64) -> std::io::Result<()> {
    log.write(delivery.receiver, number, delivery.attempt)
}
