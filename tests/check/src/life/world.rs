//! What there is: the database twice, the workers, and what happened.

use signals_core::delivery::{Counters, State};
use signals_core::token::Token;

/// How many workers there are.
pub const WORKERS: usize = 2;

/// One state of everything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    /// The database as every connection sees it.
    pub seen: Image,
    /// The database as a crash leaves it. What commits durably takes everything before it along, as a log does.
    pub safe: Image,
    /// The lease of the running delivery is over, by the database's clock.
    pub overdue: bool,
    /// The workers; a killed one is as new.
    pub workers: [Worker; WORKERS],
    /// What happened, which nobody in the system remembers.
    pub past: Past,
}

/// The tables.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Image {
    /// The delivery, from its send on until it is pruned.
    pub row: Option<Row>,
    /// The send committed.
    pub sent: bool,
    /// What was settled was forgotten (T12).
    pub pruned: bool,
    /// How many incarnations were drawn: the next is the first that no row of `worker` has, the worst that chance can do.
    pub incarnations: u32,
}

/// The delivery.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Row {
    /// Its state.
    pub state: State,
    /// Its life.
    pub life: usize,
    /// Its counters.
    pub counters: Counters,
    /// The token that holds it, while it is running.
    pub token: Option<Token>,
    /// Which claim that was. No backend has this column: it is what the token stands for.
    pub claim: u8,
    /// What a backend without incarnations would count: the claims of this row.
    pub claims: u32,
    /// The committed effects of a transactional receiver in this life.
    pub effects: u8,
    /// The transitions into `done`, `dead` or `cancelled` in this life.
    pub settlings: u8,
}

/// A worker process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Worker {
    /// The upper half of its tokens, once it has enlisted.
    pub incarnation: Option<u32>,
    /// How many tokens it has drawn.
    pub drawn: u32,
    /// What it believes to hold.
    pub hold: Option<Hold>,
}

/// What a worker knows of its claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Hold {
    /// The token that it drew.
    pub token: Token,
    /// The delivery's life.
    pub life: usize,
    /// The number of the attempt.
    pub attempt: u32,
    /// Which claim this is.
    pub claim: u8,
    /// How far it is.
    pub phase: Phase,
}

/// How far an attempt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The claim was answered.
    Claimed,
    /// The receiver was called.
    Started,
    /// The receiver returned `Ok`.
    Returned,
}

/// What happened, counted by somebody whom no crash reaches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Past {
    /// The claims, stolen ones included.
    pub claims: u8,
    /// Workers that were killed.
    pub kills: u8,
    /// Crashes of the database.
    pub crashes: u8,
    /// The tokens that were started.
    pub started: Vec<Token>,
    /// Starts, life by life.
    pub starts: [u32; 2],
    /// Whether a receiver returned `Ok`, life by life.
    pub returned: [bool; 2],
    /// Somebody changed the delivery under a claim that was no longer its own, or was refused under one that was (I6).
    pub fence_failed: bool,
    /// Just now somebody was told that its claim is another's by now.
    pub told_stale: bool,
    /// A token was started that was started before (I7).
    pub started_twice: bool,
}
