//! Processes that send and processes that work, over one file, and a nemesis that kills them at random moments.
//!
//! ```text
//!  senders ──► journal: intent, outcome ──┐
//!     │                                   ├──► facts ──► check ──► findings, figures
//!     ▼                                   │
//!  one SQLite file ───────────────────────┤
//!     ▲                                   │
//!  workers ──► effects: starts, ends ─────┘
//!     ▲
//!  nemesis: kill -9, SIGSTOP … SIGCONT, SIGTERM ──► fates
//! ```
//!
//! What the processes did is believed by the records outside of the database; what the framework made of it is read
//! through its own interface; `check` compares the two and knows nothing of either's origin.

mod app;
mod calm;
mod campaign;
mod check;
mod facts;
mod figures;
mod fleet;
mod leases;
mod leaving;
mod nemesis;
mod recovery;
mod robbery;
mod sender;
mod silence;

use std::time::Duration;

pub use app::{Order, book, open};
pub use campaign::{Options, run};
pub use sender::{Point, send_and_stay, send_for_ever};

/// How long a lease lasts here: long enough that a busy machine renews in time, short enough to lose many.
pub const LEASE: Duration = Duration::from_secs(4);

/// How long a worker here may take to stop.
pub const GRACE: Duration = Duration::from_secs(3);
