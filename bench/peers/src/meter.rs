//! What the receivers of all queues note: how many ran, and when each piece of work started. One for the whole process, for
//! some queues take nothing but plain functions.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Instant;

static RAN: AtomicU64 = AtomicU64::new(0);
static STARTED: LazyLock<Mutex<Vec<(i64, Instant)>>> = LazyLock::new(Mutex::default);

/// Numbers from here on are timed.
pub(crate) const TIMED: i64 = 1_000_000_000;

/// Forgets what was noted.
pub(crate) fn reset() {
    RAN.store(0, Ordering::SeqCst);
    STARTED.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

/// A receiver ran.
pub(crate) fn ran(number: i64) {
    if number >= TIMED {
        STARTED.lock().unwrap_or_else(PoisonError::into_inner).push((number, Instant::now()));
    }
    RAN.fetch_add(1, Ordering::SeqCst);
}

/// How many ran.
pub(crate) fn count() -> u64 {
    RAN.load(Ordering::SeqCst)
}

/// From each of `committed` to its start, in milliseconds, sorted.
pub(crate) fn latencies(committed: &[(i64, Instant)]) -> Vec<f64> {
    let started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
    let mut latencies: Vec<f64> = committed
        .iter()
        .filter_map(|(number, at)| {
            let (_, start) = started.iter().find(|(started, _)| started == number)?;
            Some(start.saturating_duration_since(*at).as_secs_f64() * 1e3)
        })
        .collect();
    latencies.sort_unstable_by(f64::total_cmp);
    latencies
}
