//! What the receivers of all queues note: how many ran, when the first did, and when each piece of work started. One for the
//! whole process, for some queues take nothing but plain functions.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

static RAN: AtomicU64 = AtomicU64::new(0);
static FIRST: Mutex<Option<Instant>> = Mutex::new(None);
static STARTED: LazyLock<Mutex<HashMap<i64, Instant>>> = LazyLock::new(Mutex::default);

/// Numbers from here on are timed.
pub(crate) const TIMED: i64 = 1_000_000_000;

/// Forgets what was noted.
pub(crate) fn reset() {
    RAN.store(0, Ordering::SeqCst);
    *lock(&FIRST) = None;
    lock(&STARTED).clear();
}

/// A receiver ran.
pub(crate) fn ran(number: i64) {
    if number >= TIMED {
        lock(&STARTED).entry(number).or_insert_with(Instant::now);
    }
    if RAN.fetch_add(1, Ordering::SeqCst) == 0 {
        *lock(&FIRST) = Some(Instant::now());
    }
}

/// How many ran.
pub(crate) fn count() -> u64 {
    RAN.load(Ordering::SeqCst)
}

/// When the first ran.
pub(crate) fn first() -> Option<Instant> {
    *lock(&FIRST)
}

/// From each of `committed` to its start, in milliseconds, sorted. What has not started yet has waited until now, at least.
pub(crate) fn latencies(committed: &[(i64, Instant)]) -> Vec<f64> {
    let (started, now) = (lock(&STARTED), Instant::now());
    let waited = |(number, at): &(i64, Instant)| {
        started.get(number).unwrap_or(&now).saturating_duration_since(*at).as_secs_f64() * 1e3
    };
    let mut latencies: Vec<f64> = committed.iter().map(waited).collect();
    latencies.sort_unstable_by(f64::total_cmp);
    latencies
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
