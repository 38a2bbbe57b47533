//! What a worker has done, and the error that `drain` makes of it.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use signals_core::Error;
use signals_core::delivery::DeliveryId;
use signals_core::store::{Failed, Fate, LostLease};

/// How many failures a report describes; the counts go on.
const DESCRIBED: usize = 100;

/// What a worker did from start to end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Deliveries whose receiver returned `Ok`.
    pub done: u64,
    /// Failed attempts that are followed by another.
    pub retried: u64,
    /// Deliveries that became dead letters.
    pub dead: u64,
    /// Attempts that were snoozed.
    pub snoozed: u64,
    /// Deliveries given back at shutdown.
    pub released: u64,
    /// Outcomes that were refused because the token was another one by then.
    pub stale: u64,
    /// The failed attempts, the first 100.
    pub failures: Vec<Failure>,
}

/// A failed attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// The delivery.
    pub delivery: DeliveryId,
    /// The receiver.
    pub receiver: &'static str,
    /// The number of the attempt.
    pub attempt: u32,
    /// The error with its causes.
    pub error: String,
    /// Whether the delivery is dead now.
    pub dead: bool,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { delivery, receiver, attempt, error, dead } = self;
        let fate = if *dead { "dead" } else { "to be retried" };
        write!(f, "{receiver} failed on delivery {delivery}, attempt {attempt} ({fate}): {error}")
    }
}

impl Report {
    /// Failed attempts in all.
    #[must_use]
    pub const fn failed(&self) -> u64 {
        self.retried + self.dead
    }
}

/// Why a drain was no success.
#[derive(Debug)]
#[non_exhaustive]
pub enum DrainError {
    /// Receivers failed. Everything that was due has been run all the same.
    Failed(Report),
    /// The worker could not run.
    Worker(Error),
}

impl fmt::Display for DrainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(report) => {
                write!(f, "{} failed attempts, {} done", report.failed(), report.done)?;
                report.failures.iter().try_for_each(|failure| write!(f, "\n  - {failure}"))
            }
            Self::Worker(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for DrainError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Failed(_) => None,
            Self::Worker(error) => error.source(),
        }
    }
}

impl From<Error> for DrainError {
    fn from(error: Error) -> Self {
        Self::Worker(error)
    }
}

/// A report in the making.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    done: AtomicU64,
    retried: AtomicU64,
    dead: AtomicU64,
    snoozed: AtomicU64,
    released: AtomicU64,
    stale: AtomicU64,
    failures: Mutex<Vec<Failure>>,
}

impl Tally {
    pub(crate) fn done(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn snoozed(&self) {
        self.snoozed.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn released(&self) {
        self.released.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn stale(&self) {
        self.stale.fetch_add(1, Ordering::Relaxed);
    }

    /// A lost lease, which is a dead letter at the fifth.
    pub(crate) fn lost(&self, lost: &LostLease) {
        if lost.dead {
            self.dead.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn failed(&self, receiver: &'static str, failed: &Failed, attempt: u32) {
        let dead = matches!(failed.fate, Fate::Dead(_));
        if dead { &self.dead } else { &self.retried }.fetch_add(1, Ordering::Relaxed);
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() < DESCRIBED {
            let (delivery, error) = (failed.held.delivery, failed.error.clone());
            failures.push(Failure { delivery, receiver, attempt, error, dead });
        }
    }

    pub(crate) fn report(&self) -> Report {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Report {
            done: read(&self.done),
            retried: read(&self.retried),
            dead: read(&self.dead),
            snoozed: read(&self.snoozed),
            released: read(&self.released),
            stale: read(&self.stale),
            failures: self.failures.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}
