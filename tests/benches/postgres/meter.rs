//! What the receivers that do nothing note: how many ran, and when the first did. One for the whole process; one part of the
//! bench runs at a time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::Result;

static RAN: AtomicU64 = AtomicU64::new(0);
static FIRST: Mutex<Option<Instant>> = Mutex::new(None);

/// The longest that anything is waited for.
const PATIENCE: Duration = Duration::from_secs(600);

/// Forgets what was noted.
pub(crate) fn reset() {
    RAN.store(0, Ordering::SeqCst);
    *first() = None;
}

/// A receiver ran.
pub(crate) fn ran() {
    if RAN.fetch_add(1, Ordering::Relaxed) == 0 {
        *first() = Some(Instant::now());
    }
}

/// Waits until so many ran; answers when the first did.
pub(crate) async fn wait_for(count: usize) -> Result<Instant> {
    let asked = Instant::now();
    while RAN.load(Ordering::Relaxed) < count as u64 {
        if asked.elapsed() > PATIENCE {
            return Err(format!("only {} of {count} ran", RAN.load(Ordering::Relaxed)).into());
        }
        tokio::time::sleep(Duration::from_millis(1)).await; // tidy: not a wait: a poll with a deadline
    }
    first().ok_or_else(|| "nothing ran".into())
}

fn first() -> MutexGuard<'static, Option<Instant>> {
    FIRST.lock().unwrap_or_else(PoisonError::into_inner)
}
