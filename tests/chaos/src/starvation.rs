//! Whether the machine let a process run: a thread of its own that only wants to run ten times a second, and says when it could
//! not. What a worker does not do meanwhile is not the library's fault.

use std::time::{Duration, Instant};

use crate::worker::tell;

/// How often it wants to run.
const TICK: Duration = Duration::from_millis(100);

/// A longer gap between two ticks is told.
const TOLD: Duration = Duration::from_millis(500);

/// What it says in front of how long the gap was, in microseconds.
pub(crate) const WORD: &str = "starved_us";

/// Watches over this process for as long as it runs. Gaps go to stderr, a line each, that begins like all that a worker tells.
pub(crate) fn watch() {
    std::thread::spawn(|| {
        loop {
            let began = Instant::now();
            // tidy: not a wait: the tick
            std::thread::sleep(TICK);
            let gap = began.elapsed().saturating_sub(TICK);
            if gap > TOLD {
                // Nobody listens when that fails.
                let _ = tell(&format!("{WORD}={}", gap.as_micros()));
            }
        }
    });
}
