//! What operators see.

use std::fmt;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::delivery::{Counters, DeliveryId, Lane, ReceiverId, State};
use crate::store::{AttemptOutcome, DeathReason, StoredSignal};
use crate::token::Incarnation;

/// Counts of one database, lane by lane, ordered by receiver name and version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// The lanes that hold anything, and those of every receiver that holds nothing.
    pub lanes: Vec<LaneCounts>,
}

/// How many; exact up to a bound, "more than" beyond.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Count(pub u64);

impl Count {
    /// The bound up to which a count is exact.
    pub const BOUND: u64 = 10_000;

    /// Whether this says "more than the bound".
    #[must_use]
    pub const fn is_exceeded(self) -> bool {
        self.0 > Self::BOUND
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_exceeded() { f.pad("10,000+") } else { f.pad(&self.0.to_string()) }
    }
}

/// Counts of one lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneCounts {
    /// The lane. Of a receiver that holds nothing it is that of version 1, whatever it reads: which versions a receiver
    /// knows is in its binary, and of living workers in [`WorkerRecord::lanes`].
    pub lane: Lane,
    /// The receiver's name.
    pub receiver: String,
    /// The signal's name.
    pub signal: String,
    /// Ready and due.
    pub ready: Count,
    /// Ready later: delayed, retrying or snoozed.
    pub scheduled: Count,
    /// Running.
    pub running: Count,
    /// Done, while history keeps it.
    pub done: Count,
    /// Dead letters.
    pub dead: Count,
    /// Cancelled.
    pub cancelled: Count,
    /// When the oldest of those that are ready was sent.
    pub oldest: Option<Timestamp>,
    /// Since when the one that is due longest has been due: since it was sent, or, when it was delayed or came back, since
    /// its delay was over. `now - due_since` is how far behind the lane is.
    ///
    /// Looked for among the first of the lane: one that came back stands behind what was there.
    pub due_since: Option<Timestamp>,
}

impl LaneCounts {
    /// Whether anything waits or runs.
    #[must_use]
    pub const fn has_pending(&self) -> bool {
        self.ready.0 > 0 || self.scheduled.0 > 0 || self.running.0 > 0
    }
}

/// A receiver as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverInfo {
    /// Its id.
    pub id: ReceiverId,
    /// The name it was last registered under.
    pub name: String,
    /// All its other names.
    pub aliases: Vec<String>,
    /// The signal it receives.
    pub signal: String,
    /// Whether claims are stopped.
    pub paused: bool,
    /// Whether sends pass it by.
    pub retired: bool,
}

/// A worker as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerRecord {
    /// Who.
    pub incarnation: Incarnation,
    /// The machine.
    pub host: String,
    /// The process.
    pub pid: u32,
    /// Which build.
    pub build: String,
    /// The lanes that it claims from.
    pub lanes: Vec<Lane>,
    /// When it enlisted.
    pub started: Timestamp,
    /// When it was last seen.
    pub seen: Timestamp,
}

/// A delivery in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliverySummary {
    /// Its id.
    pub id: DeliveryId,
    /// Its lane.
    pub lane: Lane,
    /// The receiver's name.
    pub receiver: String,
    /// The name the signal was sent under.
    pub signal: String,
    /// Its state.
    pub state: State,
    /// Its life.
    pub life: u32,
    /// Its counters in this life.
    pub counters: Counters,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// When it is due, if it waits for that.
    pub due_at: Option<Timestamp>,
    /// Who runs it, if it is running.
    pub worker: Option<Incarnation>,
    /// Until when, if it is running.
    pub lease_until: Option<Timestamp>,
    /// When it was settled.
    pub settled_at: Option<Timestamp>,
    /// Why it is dead.
    pub death: Option<DeathReason>,
    /// Who cancelled, discarded or last retried it by hand; "merged" for one that a merge of names cancelled.
    pub actor: Option<String>,
}

/// One delivery, with everything.
#[derive(Clone, Debug)]
pub struct DeliveryDetail {
    /// What a list shows.
    pub summary: DeliverySummary,
    /// The signal with its payload; `None` when it was forgotten and the delivery kept no copy.
    pub signal: Option<StoredSignal>,
    /// Its failed attempts and lost leases, oldest first, of every life.
    pub attempts: Vec<AttemptRecord>,
}

/// A failed attempt, or a lost lease.
#[derive(Clone, PartialEq, Eq)]
pub struct AttemptRecord {
    /// The life.
    pub life: u32,
    /// The number of the attempt in its life.
    pub attempt: u32,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// The error with its causes.
    pub error: String,
    /// Who ran it.
    pub worker: Incarnation,
    /// When it ended.
    pub ended_at: Timestamp,
    /// How long it ran; `None` when nobody knows.
    pub ran: Option<Duration>,
}

impl fmt::Debug for AttemptRecord {
    /// Never shows the error's text, which may quote anything.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AttemptRecord")
            .field("life", &self.life)
            .field("attempt", &self.attempt)
            .field("outcome", &self.outcome)
            .field("error_bytes", &self.error.len())
            .field("worker", &self.worker)
            .field("ended_at", &self.ended_at)
            .field("ran", &self.ran)
            .finish()
    }
}
