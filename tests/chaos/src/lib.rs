//! Processes that send and processes that work, over one database, and a nemesis against all three at random moments.
//!
//! ```text
//!  senders ──► journal: intent, outcome ───┐
//!     │                                    ├──► facts ──► check ──► findings with their history, figures
//!     ▼                                    │
//!  one database ───────────────────────────┤
//!     ▲                                    │
//!  workers ──► effects: starts, ends ──────┤
//!     ▲        events: outcomes, refusals ─┘
//!  nemesis: kill -9, SIGSTOP … SIGCONT, SIGTERM ──► fates
//!           a server down, killed, full; wires cut or swallowing ──► outages
//! ```
//!
//! What the processes did is believed by the records outside of the database; what the framework made of it is read
//! through its own interface; `check.rs` compares the two and knows nothing of either's origin.
//!
//! A campaign is the same over every database. What differs is in two traits ([`database`]): how the application is over it,
//! and what a nemesis can do to it. On [`sqlite`] that is nothing: a file dies with the process that writes it.

mod app;
mod calm;
mod campaign;
mod check;
pub mod database;
mod facts;
mod figures;
mod files;
mod fleet;
mod history;
mod leases;
mod leaving;
// The same record as that of the rig over SQLite, whose package links receivers of its own.
#[path = "../../rig/src/log.rs"]
mod log;
mod member;
mod nemesis;
pub mod postgres;
mod recovery;
mod returning;
mod robbery;
mod sender;
mod silence;
pub mod sqlite;
mod starvation;
mod told;
mod worker;
mod worth;

use std::time::Duration;

pub use app::{Order, book};
pub use campaign::{Options, Until, run};
pub use log::{Line, Log};
pub use nemesis::{Ill, Mix};
pub use sender::{Point, send_and_stay, send_for_ever};
pub use worker::{work, work_and_send};

/// How long a lease lasts here: long enough that a busy machine renews in time, short enough to lose many.
pub const LEASE: Duration = Duration::from_secs(4);

/// How long a worker here may take to stop.
pub const GRACE: Duration = Duration::from_secs(3);
