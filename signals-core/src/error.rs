//! The errors of sending, storing and registering: variants by what the caller can do about them.

use std::fmt;

use crate::delivery::{DeliveryId, State};
use crate::payload::PayloadError;
use crate::registry::Problems;

/// Any error.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a signal was not sent, a delivery not changed, a registry not stored.
///
/// | what to do | errors |
/// |---|---|
/// | begin again with a new transaction ([`is_retryable`](Self::is_retryable)) | `Contention`, `Unavailable` |
/// | send again under the same idempotency key | `CommitUnknown` |
/// | send something else | `Payload`, `KeyReused`, `KeyInvalid`, `DelayTooLong` |
/// | repair the program | `Registry`, `NameTaken`, `NotInTransaction`, `SendFailed`, `Lent`, `TransactionEnded`, `ActorInvalid` |
/// | repair the set-up | `NotRegistered`, `NotMigrated`, `SchemaTooNew`, `Misconfigured`, `NotWritable`, `Database` |
/// | look again: somebody was faster | `Stale`, `NotFound`, `WrongState`, `Merged`, `UnknownReceiver` |
///
/// Messages name the signal, the receiver or the delivery and the next step. They say nothing of payloads, nor do the sources
/// that a backend keeps, but for what a trigger on its tables raises with them.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The payload cannot be stored as it is. Nothing was stored; the value must change.
    Payload {
        /// The signal.
        signal: &'static str,
        /// What is wrong with it.
        source: PayloadError,
    },
    /// Receivers that are linked into this binary are not registered in this database (I14). Nothing was stored.
    NotRegistered {
        /// The signal.
        signal: String,
        /// The receivers that are missing.
        receivers: Vec<String>,
    },
    /// The connection given to `send` is in no transaction that this library can see. Nothing was stored.
    NotInTransaction,
    /// An earlier send in this transaction failed or was dropped, so it was rolled back instead of committed (S4).
    SendFailed,
    /// `commit` or `rollback` of a transaction that the worker lent to a receiver: the worker ends it.
    Lent,
    /// A receiver ended the transaction that it was lent with a statement of its own (W21). Nothing was acknowledged.
    TransactionEnded,
    /// The idempotency key was used before, for another payload or another signal. Nothing was stored.
    KeyReused {
        /// The key.
        key: String,
    },
    /// An idempotency key is empty or longer than 200 bytes. Nothing was stored.
    KeyInvalid,
    /// Whoever decides has no name, or one of more than 200 bytes or with a NUL in it. Nothing was changed.
    ActorInvalid,
    /// The delay reaches further than ten years. Nothing was stored.
    DelayTooLong,
    /// The declarations of this binary contradict each other or what was linked.
    Registry(Problems),
    /// A stored receiver of this name receives another signal (I15). Give the new receiver another name.
    NameTaken {
        /// The receiver.
        receiver: String,
        /// What it receives in the database.
        stored: String,
        /// What it receives in this binary.
        declared: String,
    },
    /// The tables are missing or older than this binary: run `migrate()`.
    NotMigrated {
        /// What the backend found.
        found: String,
    },
    /// A migration that this binary does not know was applied, and is marked as not additive.
    SchemaTooNew {
        /// Its number.
        migration: i64,
    },
    /// The database is not set up as the guarantees need it; the text says what to change.
    Misconfigured(String),
    /// Another transaction is in the way; the same transaction, begun again, may succeed.
    Contention(BoxError),
    /// The database cannot be reached, or no connection to it is free.
    Unavailable(BoxError),
    /// The connection was lost during a commit: it may or may not have happened.
    CommitUnknown(BoxError),
    /// The database takes no writes: read-only, or its disk is full.
    NotWritable(BoxError),
    /// The database refused for a reason that repeating will not change.
    Database(BoxError),
    /// The delivery's token is another one by now: it was stolen, cancelled or settled (I6).
    Stale {
        /// The delivery.
        delivery: DeliveryId,
    },
    /// There is no such delivery, nor was there one that is still remembered.
    NotFound {
        /// The delivery.
        delivery: DeliveryId,
    },
    /// This database knows no receiver of this name or alias.
    UnknownReceiver {
        /// The name.
        receiver: String,
        /// Names that it may have been meant to be.
        near: Vec<String>,
    },
    /// The delivery is in a state from which this is not possible (W20).
    WrongState {
        /// The delivery.
        delivery: DeliveryId,
        /// The state it is in.
        state: State,
        /// What was asked.
        verb: &'static str,
    },
    /// The delivery stayed behind when its receiver became another one (I15), which has a delivery of the same signal, or
    /// had one: that one counts, and this one is not run again.
    Merged {
        /// The delivery that stayed behind.
        delivery: DeliveryId,
    },
}

impl Error {
    /// Whether the same thing, begun again with a new transaction, may succeed without anybody changing anything.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Contention(_) | Self::Unavailable(_))
    }

    /// Whether the connection to the database is at fault, so that it must be opened again.
    #[must_use]
    pub const fn is_connection(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::CommitUnknown(_))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Payload { signal, .. } => write!(f, "the payload of signal `{signal}` cannot be sent"),
            Self::NotRegistered { signal, receivers } => write!(
                f,
                "receivers of this binary (`{}`, of signal `{signal}`) are not registered in this database: call \
                 `signals.register()` (or `setup()`) before the first send and before a worker runs",
                receivers.join("`, `")
            ),
            Self::NotInTransaction => f.write_str(
                "the connection is not in a transaction that was begun through sqlx: begin one with `signals.begin()`, \
                 or hand one over with `signals.adopt(tx)`",
            ),
            Self::SendFailed => {
                f.write_str("the transaction was rolled back: a send in it failed or was dropped before it finished")
            }
            Self::Lent => f.write_str(
                "this transaction belongs to the worker, which commits it together with the acknowledgement: return \
                 `Ok(())` to commit, an error to roll back",
            ),
            Self::TransactionEnded => f.write_str(
                "the receiver ended the transaction it was lent (COMMIT, ROLLBACK or END in its SQL), or moved it out of \
                 its function: leave it where it is; the worker commits when the receiver returns `Ok`",
            ),
            Self::KeyReused { key } => {
                write!(f, "idempotency key `{key}` was used before for another signal or payload")
            }
            Self::KeyInvalid => f.write_str("an idempotency key has 1 to 200 bytes and no NUL"),
            Self::ActorInvalid => f.write_str("an actor has a name of 1 to 200 bytes without NUL: say who decides"),
            Self::DelayTooLong => f.write_str("a delivery cannot be delayed by more than ten years"),
            Self::Registry(problems) => problems.fmt(f),
            Self::NameTaken { receiver, stored, declared } => write!(
                f,
                "receiver `{receiver}` receives signal `{stored}` in this database but `{declared}` in this binary: \
                 give the receiver another name, or, if the signal was renamed, list `{stored}` in its `aliases`"
            ),
            Self::NotMigrated { found } => {
                write!(f, "the tables of signals are not up to date ({found}): run `signals.migrate()` first")
            }
            Self::SchemaTooNew { migration } => write!(
                f,
                "migration {migration} of this database is newer than this binary and not additive: deploy a newer build"
            ),
            Self::Misconfigured(what) => f.write_str(what),
            Self::Contention(_) => f.write_str("another transaction is in the way; try again"),
            Self::Unavailable(_) => f.write_str("the database cannot be reached"),
            Self::CommitUnknown(_) => {
                f.write_str("the connection was lost during the commit, which may or may not have happened")
            }
            Self::NotWritable(_) => f.write_str("the database takes no writes"),
            Self::Database(_) => f.write_str("the database refused"),
            Self::Stale { delivery } => {
                write!(f, "delivery {delivery} is held under another token: it was stolen, cancelled or settled")
            }
            Self::UnknownReceiver { receiver, near } if near.is_empty() => {
                write!(f, "this database knows no receiver `{receiver}`")
            }
            Self::UnknownReceiver { receiver, near } => write!(
                f,
                "this database knows no receiver `{receiver}`; the nearest are `{}`",
                near.join("`, `")
            ),
            Self::NotFound { delivery } => write!(f, "there is no delivery {delivery}"),
            Self::WrongState { delivery, state, verb } => {
                write!(f, "cannot {verb} delivery {delivery}: it is {state}")
            }
            Self::Merged { delivery } => write!(
                f,
                "delivery {delivery} stayed behind when its receiver was merged into another: look at the signal's delivery \
                 to the receiver that took over"
            ),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Payload { source, .. } => Some(source),
            Self::Contention(source)
            | Self::Unavailable(source)
            | Self::CommitUnknown(source)
            | Self::NotWritable(source)
            | Self::Database(source) => Some(source.as_ref()),
            Self::NotRegistered { .. }
            | Self::NotInTransaction
            | Self::SendFailed
            | Self::Lent
            | Self::TransactionEnded
            | Self::KeyReused { .. }
            | Self::KeyInvalid
            | Self::ActorInvalid
            | Self::DelayTooLong
            | Self::Registry(_)
            | Self::NameTaken { .. }
            | Self::NotMigrated { .. }
            | Self::SchemaTooNew { .. }
            | Self::Misconfigured(_)
            | Self::Stale { .. }
            | Self::NotFound { .. }
            | Self::UnknownReceiver { .. }
            | Self::WrongState { .. }
            | Self::Merged { .. } => None,
        }
    }
}
