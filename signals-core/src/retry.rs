//! Retry arithmetic: how long until the next attempt, or that there is none. No clock, no randomness of its own.

use std::time::Duration;

/// How the wait grows from attempt to attempt. The actual wait is drawn between zero and this (*full jitter*, as in
/// Marc Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    /// The ceiling after the first attempt.
    pub initial: Duration,
    /// What the ceiling is multiplied by after each further attempt; at least 1.
    pub factor: f64,
    /// What the ceiling never exceeds.
    pub max: Duration,
}

impl Backoff {
    /// 1 s, doubling, at most 12 h: with 20 attempts and full jitter about a day in all.
    pub const DEFAULT: Self =
        Self { initial: Duration::from_secs(1), factor: 2.0, max: Duration::from_secs(12 * 60 * 60) };

    /// The ceiling of the wait after attempt number `attempt` (from 1).
    #[must_use]
    pub fn ceiling(&self, attempt: u32) -> Duration {
        if self.initial.is_zero() {
            return Duration::ZERO;
        }
        let exponent = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
        let seconds = self.initial.as_secs_f64() * self.factor.max(1.0).powi(exponent);
        if seconds >= self.max.as_secs_f64() { self.max } else { Duration::from_secs_f64(seconds) }
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What follows a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Another attempt, after a wait drawn between zero and this.
    RetryWithin(Duration),
    /// No attempt is left.
    GiveUp,
}

/// How often a receiver is tried, and how long it waits in between.
///
/// ```
/// use std::time::Duration;
///
/// use signals_core::retry::{Backoff, Decision, RetryPolicy};
///
/// let backoff = Backoff { initial: Duration::from_secs(1), factor: 3.0, max: Duration::from_secs(60) };
/// let policy = RetryPolicy { max_attempts: 3, backoff };
/// assert_eq!(policy.next(1), Decision::RetryWithin(Duration::from_secs(1)));
/// assert_eq!(policy.next(2), Decision::RetryWithin(Duration::from_secs(3)));
/// assert_eq!(policy.next(3), Decision::GiveUp);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryPolicy {
    /// Attempts per life, the first included; at least 1.
    pub max_attempts: u32,
    /// The wait between them.
    pub backoff: Backoff,
}

impl RetryPolicy {
    /// 20 attempts with [`Backoff::DEFAULT`].
    pub const DEFAULT: Self = Self { max_attempts: 20, backoff: Backoff::DEFAULT };

    /// Whether attempt number `attempt` (from 1) is made at all. One that is not was counted by attempts that could not be
    /// refunded any more, or under a policy that allowed more.
    #[must_use]
    pub const fn allows(&self, attempt: u32) -> bool {
        attempt <= self.max_attempts
    }

    /// What follows the failure of attempt number `attempt` (from 1).
    #[must_use]
    pub fn next(&self, attempt: u32) -> Decision {
        if attempt >= self.max_attempts {
            Decision::GiveUp
        } else {
            Decision::RetryWithin(self.backoff.ceiling(attempt))
        }
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A wait between zero and `ceiling`, for a `unit` drawn evenly from `0.0..1.0`.
#[must_use]
pub fn full_jitter(ceiling: Duration, unit: f64) -> Duration {
    ceiling.mul_f64(unit.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_doubles_up_to_its_maximum_and_never_overflows() {
        let backoff = Backoff::DEFAULT;
        let seconds = |attempt| backoff.ceiling(attempt).as_secs();
        assert_eq!([1, 2, 3, 10, 16, 17, 1_000].map(seconds), [1, 2, 4, 512, 32_768, 43_200, 43_200]);
        assert_eq!(backoff.ceiling(u32::MAX), backoff.max);
        let none = Backoff { initial: Duration::ZERO, ..backoff };
        assert_eq!([none.ceiling(1), none.ceiling(5_000)], [Duration::ZERO; 2], "nothing times infinity is no number");
        assert_eq!(Backoff { factor: 0.5, ..backoff }.ceiling(3), backoff.initial, "a wait never shrinks");
    }

    #[test]
    fn the_defaults_are_tried_for_about_a_day() {
        let policy = RetryPolicy::DEFAULT;
        let mut expected = Duration::ZERO;
        let mut attempt = 1;
        while let Decision::RetryWithin(ceiling) = policy.next(attempt) {
            expected += full_jitter(ceiling, 0.5);
            attempt += 1;
        }
        assert_eq!(attempt, 20);
        assert!((20..30).contains(&(expected.as_secs() / 3600)), "{expected:?}");
    }

    #[test]
    fn attempts_beyond_the_last_give_up_too() {
        let once = RetryPolicy { max_attempts: 1, ..RetryPolicy::DEFAULT };
        assert_eq!([once.next(1), once.next(2), once.next(u32::MAX)], [Decision::GiveUp; 3]);
    }

    #[test]
    fn jitter_stays_within_its_ceiling() {
        let ceiling = Duration::from_secs(8);
        assert_eq!(full_jitter(ceiling, 0.0), Duration::ZERO);
        assert_eq!(full_jitter(ceiling, 0.25), Duration::from_secs(2));
        assert_eq!(full_jitter(ceiling, 7.0), ceiling);
    }
}
