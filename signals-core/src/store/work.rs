//! What workers and registration say to a store, and what it answers.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::Headers;
use crate::clock::Timestamp;
use crate::delivery::{Counters, DeliveryId, Lane, ReceiverId, SignalId};
use crate::store::{ActionId, words};
use crate::token::Token;

/// What a backend can and cannot do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// What messages call it.
    pub name: &'static str,
    /// A transaction shuts out every other writer: transactional receivers run one at a time per process, and their
    /// time-out must be shorter than a third of the lease.
    pub single_writer: bool,
    /// What is stored survives the process.
    pub durable: bool,
    /// Connections that a worker takes from the application's pool at the same time, beside one for each running
    /// transactional receiver; `None`: it takes none.
    pub pool_connections: Option<u32>,
    /// The size of the application's pool, where there is one.
    pub pool_size: Option<u32>,
}

/// One migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migration {
    /// Its number, from 1 without gaps; the same number is the same change in every dialect.
    pub number: i64,
    /// What it is about.
    pub name: &'static str,
    /// Its statements.
    pub sql: &'static str,
    /// Whether the release before it works on the new schema (D7).
    pub additive: bool,
    /// What surrounds the statements when another tool applies them: makes the version table where it is missing, and
    /// notes the migration there.
    pub bookkeeping: Bookkeeping,
}

/// How a database begins, notes and ends a migration in SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bookkeeping {
    /// Begins the transaction, and makes the version table where it is missing.
    pub begin: &'static str,
    /// Notes the migration.
    pub note: &'static str,
    /// Ends the transaction.
    pub end: &'static str,
}

impl fmt::Display for Migration {
    /// The migration as a script that any tool may run, in place of `migrate()`: a header, and one transaction with its
    /// statements and the line by which this library knows that it was applied.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, name, sql, additive, bookkeeping } = self;
        let kind = if *additive {
            "additive: older builds go on working"
        } else {
            "not additive: older builds refuse to start"
        };
        writeln!(f, "-- Migration {number}: {name} ({kind}).")?;
        writeln!(f, "{}\n\n{}\n\n{}", bookkeeping.begin.trim_end(), sql.trim_end(), bookkeeping.note.trim_end())?;
        writeln!(f, "{}", bookkeeping.end.trim_end())
    }
}

/// What `register()` stores.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registration {
    /// The signals of this binary.
    pub signals: Vec<SignalEntry>,
    /// The receivers of this binary, sorted by name.
    pub receivers: Vec<ReceiverEntry>,
    /// Receivers that `retired!` declares gone.
    pub retired: Vec<&'static str>,
}

/// A signal in a [`Registration`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalEntry {
    /// Its name.
    pub name: &'static str,
    /// Names that it had before.
    pub aliases: &'static [&'static str],
}

/// A receiver in a [`Registration`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverEntry {
    /// Its name.
    pub name: &'static str,
    /// Names that it had before.
    pub aliases: &'static [&'static str],
    /// The name of the signal it receives.
    pub signal: &'static str,
}

/// What registration found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registered {
    /// The id of each receiver by its name in this binary, sorted by name. Retired ones are among them: what was pending
    /// when they were retired is still run.
    pub ids: Vec<(&'static str, ReceiverId)>,
    /// Receivers of this binary that an operator or another binary retired.
    pub retired: Vec<&'static str>,
    /// Receivers of this binary that are paused.
    pub paused: Vec<ReceiverId>,
    /// Aliases that were other receivers until now, whose deliveries were moved to the receiver that lists them. Of several names
    /// of one receiver the first that is listed.
    pub merged: Vec<String>,
}

/// A worker process, as others see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkerInfo {
    /// The machine.
    pub host: String,
    /// The process.
    pub pid: u32,
    /// Which build of the application.
    pub build: String,
    /// The lanes that it claims from.
    pub lanes: Vec<Lane>,
}

/// One claim statement.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Drawn for this statement alone.
    pub token: Token,
    /// How long the lease lasts.
    pub lease: Duration,
    /// The lanes that have free slots, in the order in which to look.
    pub lanes: Vec<ClaimLane>,
    /// The most deliveries in all.
    pub limit: usize,
    /// Whether expired leases may be stolen (T9): only after a full lease of uninterrupted connection.
    pub steal: bool,
    /// Whether one delivery that would run with two or more lost leases may be among them.
    pub suspect: bool,
}

/// A claim that a send makes in the statement which stores it, for a worker of the sender's process (T1 and T2 at once).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendClaim {
    /// Drawn for this statement alone.
    pub token: Token,
    /// How long the lease lasts, from the send on.
    pub lease: Duration,
    /// The lanes in which the worker has room for one delivery each.
    pub lanes: Vec<Lane>,
}

/// A lane to claim from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimLane {
    /// The lane.
    pub lane: Lane,
    /// The most deliveries of it.
    pub limit: usize,
}

/// What a claim took.
#[derive(Clone, Debug, Default)]
pub struct Claims {
    /// The deliveries, now running under the claim's token, in the order in which they are to be started.
    pub claimed: Vec<Claimed>,
    /// Expired leases that were found: stolen into `claimed`, or dead at the fifth.
    pub lost: Vec<LostLease>,
}

/// An expired lease that a claim found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LostLease {
    /// The delivery.
    pub delivery: DeliveryId,
    /// How many it has lost now.
    pub lost_leases: u32,
    /// Whether it became `dead(crashed)`.
    pub dead: bool,
}

/// A delivery that this worker runs.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// What to name when finishing it.
    pub held: Held,
    /// Its counters, this attempt included.
    pub counters: Counters,
    /// The signal. Deliveries of one batch may share it.
    pub signal: Arc<StoredSignal>,
}

/// A claimed delivery, as every later statement names it: all of it is the guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Held {
    /// The delivery.
    pub delivery: DeliveryId,
    /// Its lane.
    pub lane: Lane,
    /// Where it stands in its lane: with the lane the primary key of its row.
    pub position: i64,
    /// Its life.
    pub life: u32,
    /// The token of the claim.
    pub token: Token,
}

/// A signal as stored.
#[derive(Clone)]
pub struct StoredSignal {
    /// Its id.
    pub id: SignalId,
    /// The name under which it was sent.
    pub name: Arc<str>,
    /// The version of its payload.
    pub version: u32,
    /// JSON text, byte for byte as sent (D8).
    pub payload: Vec<u8>,
    /// What travelled beside it.
    pub headers: Headers,
    /// When it was sent.
    pub sent_at: Timestamp,
}

impl fmt::Debug for StoredSignal {
    /// Never shows the payload.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredSignal")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("version", &self.version)
            .field("bytes", &self.payload.len())
            .field("sent_at", &self.sent_at)
            .finish_non_exhaustive()
    }
}

/// What became of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewed {
    /// Extended.
    Kept,
    /// Another token, or no row: stolen, cancelled or settled.
    Lost,
    /// The row is locked by another statement: neither kept nor lost.
    Unknown,
}

/// Whether a finishing statement matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finished {
    /// It happened.
    Done,
    /// The token matched nothing: it did not happen (I6).
    Stale,
}

/// A delivery whose receiver returned `Ok`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acked {
    /// The delivery.
    pub held: Held,
    /// How long the receiver ran.
    pub ran: Duration,
    /// Whether the completion is kept in `settled` (history).
    pub keep: bool,
}

/// A delivery whose attempt failed.
#[derive(Clone, PartialEq, Eq)]
pub struct Failed {
    /// The delivery.
    pub held: Held,
    /// What happened.
    pub outcome: AttemptOutcome,
    /// The error as text, cleaned: see [`outcome::render`](crate::outcome::render).
    pub error: String,
    /// How long the attempt ran.
    pub ran: Duration,
    /// Where it goes from here.
    pub fate: Fate,
}

impl fmt::Debug for Failed {
    /// Never shows the error's text, which may quote anything.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failed")
            .field("held", &self.held)
            .field("outcome", &self.outcome)
            .field("error_bytes", &self.error.len())
            .field("ran", &self.ran)
            .field("fate", &self.fate)
            .finish()
    }
}

/// Where a failed delivery goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Another attempt after this long.
    Retry {
        /// By the database's clock, from the statement on.
        delay: Duration,
    },
    /// None.
    Dead(DeathReason),
}

words! {
    /// Why a delivery is dead.
    DeathReason {
        /// Its attempts are used up.
        Exhausted = "exhausted",
        /// Its receiver said never again.
        Discarded = "discarded",
        /// Its payload does not decode (W17).
        Undecodable = "undecodable",
        /// Its workers died five times (W8).
        Crashed = "crashed",
        /// Somebody discarded it.
        ByHand = "by hand",
    }
}

words! {
    /// How an attempt ended without `Ok`.
    AttemptOutcome {
        /// The receiver returned an error.
        Error = "error",
        /// It panicked (W7).
        Panic = "panic",
        /// It exceeded its time-out (W9).
        Timeout = "timeout",
        /// It asked for a delay of its own.
        RetryAfter = "retry after",
        /// It said never again.
        Discard = "discard",
        /// The payload did not decode.
        Undecodable = "undecodable",
        /// Its lease expired: the worker crashed, hung, or lost its database.
        LeaseLost = "lease lost",
    }
}

/// A delivery whose receiver asked to be called later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snoozed {
    /// The delivery.
    pub held: Held,
    /// After this long, by the database's clock.
    pub delay: Duration,
}

/// What a promotion moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Promoted {
    /// How many.
    pub moved: usize,
    /// When the next one is due, as far as this look could see; `None`: it saw nothing that waits. On Postgres what was
    /// committed long after it was due is seen by some looks only: see [`Store::promote`](super::Store::promote).
    pub next_due: Option<Timestamp>,
}

/// How long settled things are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Completions (history); zero keeps none.
    pub done: Duration,
    /// Cancelled deliveries.
    pub cancelled: Duration,
    /// Dead letters; `None`: for ever.
    pub dead: Option<Duration>,
    /// Idempotency keys.
    pub keys: Duration,
}

impl fmt::Display for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { done, cancelled, dead, keys } = self;
        write!(f, "done for {done:?}, cancelled for {cancelled:?}, ")?;
        match dead {
            Some(dead) => write!(f, "dead for {dead:?}")?,
            None => f.write_str("dead for ever")?,
        }
        write!(f, ", keys for {keys:?}")
    }
}

/// What a prune forgot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Settled deliveries with their attempts.
    pub deliveries: usize,
    /// Idempotency keys.
    pub keys: usize,
    /// The line of the log, when somebody pruned by hand and something was forgotten.
    pub action: Option<ActionId>,
}

/// How many signals were forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten(pub usize);
