//! How long a part of the worker waits after the database refused: from 50 ms to 5 s, doubling, jittered. The keeper pauses
//! for a quarter of a lease at most, beside what an attempt to connect takes.

use std::time::Duration;

use signals_core::Error;
use signals_core::retry::full_jitter;

const FIRST: Duration = Duration::from_millis(50);
const LAST: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(crate) struct Backoff {
    step: Duration,
    last: Duration,
}

impl Backoff {
    pub(crate) fn new() -> Self {
        Self { step: FIRST, last: LAST }
    }

    /// For what must be back well within a `lease` of the database's return. Whoever is first to be connected may steal after
    /// one lease, and those who live must have renewed by then (T9).
    pub(crate) fn within(lease: Duration) -> Self {
        let last = LAST.min(lease / 4);
        Self { step: FIRST.min(last), last }
    }

    /// The next pause: between half of the step and the step, so that workers that lost one database spread out.
    pub(crate) fn next(&mut self) -> Duration {
        let step = self.step;
        self.step = (step * 2).min(self.last);
        step / 2 + full_jitter(step / 2, fastrand::f64())
    }

    pub(crate) fn reset(&mut self) {
        self.step = FIRST.min(self.last);
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

    #[test]
    fn w13_pauses_are_spread_between_half_of_a_step_and_the_step() {
        let firsts: Vec<Duration> = (0..200).map(|_| Backoff::new().next()).collect();
        let (shortest, longest) = (firsts.iter().min().expect("many"), firsts.iter().max().expect("many"));
        assert!(*shortest >= FIRST / 2 && *longest <= FIRST, "{shortest:?} to {longest:?}");
        // That two hundred leave out a fifth of it has a chance of one in 10^19.
        assert!(*shortest < FIRST * 6 / 10 && *longest > FIRST * 9 / 10, "{shortest:?} to {longest:?}");
    }

    #[test]
    fn t9_pauses_within_a_lease_stay_below_a_quarter_of_it() {
        for lease in
            [Duration::from_millis(100), Duration::from_secs(3), Duration::from_secs(20), Duration::from_secs(3600)]
        {
            let mut backoff = Backoff::within(lease);
            let longest = (0..20).map(|_| backoff.next()).max().expect("twenty");
            let last = LAST.min(lease / 4);
            assert!(longest <= last, "{longest:?} of a lease of {lease:?}");
            assert!(
                longest >= last / 2,
                "{longest:?} of a lease of {lease:?}: the database is asked no more often than it must"
            );
            backoff.reset();
            assert!(backoff.next() <= FIRST.min(lease / 4));
        }
    }
}
