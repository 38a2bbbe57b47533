//! The deliveries that this worker holds: what the executor, the completer and the keeper know of each.
//!
//! A delivery is entered when it is claimed and removed when its outcome is stored or its lease is lost. Whoever moves it
//! to `Finishing` decides its outcome; everybody else finds that out here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use signals_core::delivery::Counters;
use signals_core::store::Held;

use crate::extract::{AttemptScope, CancelReason};

#[derive(Debug, Default)]
pub(crate) struct Table {
    entries: Mutex<HashMap<Held, Entry>>,
}

#[derive(Clone, Debug)]
struct Entry {
    receiver: usize,
    counters: Counters,
    phase: Phase,
    scope: Option<Arc<AttemptScope>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Claimed, not started.
    Queued,
    /// Its receiver runs.
    Running { started: Instant, deadline: Instant },
    /// Its outcome is decided and on its way into the database.
    Finishing,
}

/// A delivery whose receiver is past its deadline.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Overdue {
    pub(crate) held: Held,
    pub(crate) receiver: usize,
    pub(crate) counters: Counters,
    pub(crate) ran: Duration,
}

impl Table {
    pub(crate) fn enter(&self, held: Held, receiver: usize, counters: Counters) {
        let entry = Entry { receiver, counters, phase: Phase::Queued, scope: None };
        self.lock().insert(held, entry);
    }

    /// Marks it as running; `false` when its lease was lost before it started.
    pub(crate) fn start(&self, held: &Held, timeout: Duration, scope: Arc<AttemptScope>) -> bool {
        let started = Instant::now();
        let deadline = started.checked_add(timeout).unwrap_or(started + Duration::from_secs(86_400 * 365));
        let mut entries = self.lock();
        let Some(entry) = entries.get_mut(held).filter(|entry| entry.phase == Phase::Queued) else { return false };
        entry.phase = Phase::Running { started, deadline };
        entry.scope = Some(scope);
        true
    }

    /// Claims the right to decide its outcome; `false` when somebody else has it, or the lease is lost.
    pub(crate) fn finish(&self, held: &Held) -> bool {
        match self.lock().get_mut(held) {
            Some(entry) if entry.phase != Phase::Finishing => {
                entry.phase = Phase::Finishing;
                true
            }
            Some(_) | None => false,
        }
    }

    /// Its outcome is stored, or was given up.
    pub(crate) fn remove(&self, held: &Held) {
        self.lock().remove(held);
    }

    pub(crate) fn holds(&self, held: &Held) -> bool {
        self.lock().contains_key(held)
    }

    /// Its lease is lost: whatever it does is cancelled. Returns its receiver when nobody had decided its outcome; a row
    /// that is gone because its outcome was stored a moment ago is no loss.
    pub(crate) fn lose(&self, held: &Held) -> Option<usize> {
        let entry = self.lock().remove(held)?;
        if let Some(scope) = &entry.scope {
            scope.cancel(CancelReason::LeaseLost);
        }
        (entry.phase != Phase::Finishing).then_some(entry.receiver)
    }

    /// What is to be renewed: all but what is past its deadline (T3).
    pub(crate) fn renewable(&self) -> Vec<Held> {
        let now = Instant::now();
        let entries = self.lock();
        let mut held: Vec<Held> = entries
            .iter()
            .filter(|(_, entry)| !matches!(entry.phase, Phase::Running { deadline, .. } if deadline <= now))
            .map(|(held, _)| *held)
            .collect();
        held.sort_unstable_by_key(|held| (held.lane, held.position));
        held
    }

    /// Takes the right to decide from receivers that are past their deadline by more than `margin`, and cancels them.
    pub(crate) fn overdue(&self, margin: Duration) -> Vec<Overdue> {
        let now = Instant::now();
        let mut overdue = Vec::new();
        for (held, entry) in self.lock().iter_mut() {
            let Phase::Running { started, deadline } = entry.phase else { continue };
            if now.saturating_duration_since(deadline) > margin {
                entry.phase = Phase::Finishing;
                if let Some(scope) = &entry.scope {
                    scope.cancel(CancelReason::Timeout);
                }
                let ran = now.saturating_duration_since(started);
                overdue.push(Overdue { held: *held, receiver: entry.receiver, counters: entry.counters, ran });
            }
        }
        overdue
    }

    /// Tells everything that runs that the worker shuts down; its executor decides what becomes of it.
    pub(crate) fn cancel_running(&self) {
        for entry in self.lock().values().filter(|entry| matches!(entry.phase, Phase::Running { .. })) {
            if let Some(scope) = &entry.scope {
                scope.cancel(CancelReason::Shutdown);
            }
        }
    }

    /// Takes the right to decide everything that is not decided yet, and cancels it for `reason`.
    pub(crate) fn take_undecided(&self, reason: CancelReason) -> Vec<Held> {
        let mut taken = Vec::new();
        for (held, entry) in self.lock().iter_mut().filter(|(_, entry)| entry.phase != Phase::Finishing) {
            entry.phase = Phase::Finishing;
            if let Some(scope) = &entry.scope {
                scope.cancel(reason);
            }
            taken.push(*held);
        }
        taken
    }

    /// Its receiver and the number of its attempt; `None` when it is not held any more.
    pub(crate) fn attempt(&self, held: &Held) -> Option<(usize, u32)> {
        self.lock().get(held).map(|entry| (entry.receiver, entry.counters.attempt))
    }

    /// Whether its receiver runs, so that its deadline ends it.
    pub(crate) fn is_running(&self, held: &Held) -> bool {
        self.lock().get(held).is_some_and(|entry| matches!(entry.phase, Phase::Running { .. }))
    }

    /// Everything that is held.
    pub(crate) fn all(&self) -> Vec<Held> {
        self.lock().keys().copied().collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Whether a delivery is held that has lost several leases already.
    pub(crate) fn holds_suspect(&self) -> bool {
        self.lock().values().any(|entry| entry.counters.is_suspect())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Held, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
