//! How long a part of the worker waits after the database refused: from 50 ms to 5 s, doubling, jittered.

use std::time::Duration;

use signals_core::Error;
use signals_core::retry::full_jitter;

const FIRST: Duration = Duration::from_millis(50);
const LAST: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(crate) struct Backoff(Duration);

impl Backoff {
    pub(crate) fn new() -> Self {
        Self(FIRST)
    }

    /// The next pause: between half of the step and the step, so that workers that lost one database spread out.
    pub(crate) fn next(&mut self) -> Duration {
        let step = self.0;
        self.0 = (step * 2).min(LAST);
        step / 2 + full_jitter(step / 2, fastrand::f64())
    }

    pub(crate) fn reset(&mut self) {
        *self = Self::new();
    }
}

/// Whether waiting may help: it is the database that is in trouble, and not what was asked of it.
pub(crate) fn passes(error: &Error) -> bool {
    error.is_retryable() || error.is_connection() || matches!(error, Error::NotWritable(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_cap_and_start_over() {
        let mut backoff = Backoff::new();
        let pauses: Vec<Duration> = (0..20).map(|_| backoff.next()).collect();
        assert!(pauses[0] >= FIRST / 2 && pauses[0] <= FIRST);
        assert!(pauses[19] >= LAST / 2 && pauses[19] <= LAST);
        backoff.reset();
        assert!(backoff.next() <= FIRST);
    }
}
