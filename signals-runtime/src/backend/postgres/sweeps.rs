//! How often what stands below a floor is looked for: a sweep walks over everything that died and could not be removed yet.

use std::time::{Duration, Instant};

/// This often, unless sweeping takes long.
pub(super) const INTERVAL: Duration = Duration::from_millis(500);

/// Sweeping takes no more than one part in this many of the time.
const SHARE: u32 = 20;

/// However long it takes: what stands below a floor waits no longer than this.
pub(super) const LONGEST: Duration = Duration::from_secs(5);

/// The last sweep, once there was one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Swept(Option<(Instant, Duration)>);

impl Swept {
    /// A sweep began at `began`, and its statement took so long.
    pub(super) fn at(began: Instant, took: Duration) -> Self {
        Self(Some((began, took)))
    }

    /// Whether it is time for the next: the last is long ago, or it began before somebody `asked` for one.
    pub(super) fn is_due(self, asked: Option<Instant>, now: Instant) -> bool {
        self.0.is_none_or(|(began, took)| {
            asked.is_some_and(|asked| began <= asked)
                || now.saturating_duration_since(began) >= took.saturating_mul(SHARE).clamp(INTERVAL, LONGEST)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_comes_twice_a_second_or_for_a_twentieth_of_the_time_and_every_five_seconds_at_the_least() {
        let now = Instant::now();
        let is_due = |swept: Swept, now| swept.is_due(None, now);
        assert!(is_due(Swept::default(), now), "before anything is known");
        let swept = Swept::at(now, Duration::from_millis(2));
        assert!(!is_due(swept, now + INTERVAL / 2) && is_due(swept, now + INTERVAL));
        let swept = Swept::at(now, Duration::from_millis(100));
        assert!(!is_due(swept, now + INTERVAL) && is_due(swept, now + INTERVAL * 4));
        let swept = Swept::at(now, Duration::from_secs(7));
        assert!(!is_due(swept, now + LONGEST / 2) && is_due(swept, now + LONGEST));
    }
    #[test]
    fn a_sweep_that_was_asked_for_comes_at_once_and_one_that_began_before_does_not_count() {
        let (before, asked) = (Instant::now(), Instant::now() + INTERVAL / 10);
        let after = asked + INTERVAL / 10;
        assert!(Swept::at(before, Duration::ZERO).is_due(Some(asked), after));
        assert!(!Swept::at(after, Duration::ZERO).is_due(Some(asked), after));
    }
}
