//! How often what stands below a floor is looked for: a sweep walks over everything that died and could not be removed yet.

use std::time::{Duration, Instant};

/// This often, unless sweeping takes long again and again.
pub(super) const INTERVAL: Duration = Duration::from_millis(500);

/// Sweeping takes no more than one part in this many of the time.
const SHARE: u32 = 20;

/// However long it takes: what stands below a floor waits no longer than this.
pub(super) const LONGEST: Duration = Duration::from_secs(5);

/// The last sweep, once there was one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Swept(Option<Last>);

#[derive(Clone, Copy, Debug)]
struct Last {
    began: Instant,
    took: Duration,
    /// How long the one before took.
    before: Duration,
}

impl Swept {
    /// A sweep began at `began`, and its statement took so long.
    pub(super) fn note(&mut self, began: Instant, took: Duration) {
        let before = self.0.map_or(Duration::ZERO, |last| last.took);
        self.0 = Some(Last { began, took, before });
    }

    /// Whether it is time for the next: the last is long ago, or it began before somebody `asked` for one.
    pub(super) fn is_due(self, asked: Option<Instant>, now: Instant) -> bool {
        self.0.is_none_or(|Last { began, took, before }| {
            // What walks over the dead takes long each time; once is a moment in which the machine did something else.
            let usual = took.min(before);
            asked.is_some_and(|asked| began <= asked)
                || now.saturating_duration_since(began) >= usual.saturating_mul(SHARE).clamp(INTERVAL, LONGEST)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(2);

    /// Two sweeps that took so long; the second began at `now`.
    fn swept(first: Duration, second: Duration, now: Instant) -> Swept {
        let mut swept = Swept::default();
        swept.note(now, first);
        swept.note(now, second);
        swept
    }

    #[test]
    fn a_sweep_comes_twice_a_second_or_for_a_twentieth_of_the_time_and_every_five_seconds_at_the_least() {
        let now = Instant::now();
        assert!(Swept::default().is_due(None, now), "before anything is known");
        let comes_after = |took: Duration, pause: Duration| {
            let swept = swept(took, took, now);
            assert!(!swept.is_due(None, now + pause / 2) && swept.is_due(None, now + pause), "{took:?}");
        };
        comes_after(SHORT, INTERVAL);
        comes_after(Duration::from_millis(100), Duration::from_secs(2));
        comes_after(Duration::from_secs(7), LONGEST);
    }

    #[test]
    fn l1_a_single_slow_sweep_does_not_put_off_the_next() {
        let now = Instant::now();
        for (first, second) in [(SHORT, Duration::from_secs(1)), (Duration::from_secs(1), SHORT)] {
            assert!(swept(first, second, now).is_due(None, now + INTERVAL), "{first:?}, {second:?}");
        }
    }

    #[test]
    fn a_sweep_that_was_asked_for_comes_at_once_and_one_that_began_before_does_not_count() {
        let (before, asked) = (Instant::now(), Instant::now() + INTERVAL / 10);
        let after = asked + INTERVAL / 10;
        assert!(swept(SHORT, SHORT, before).is_due(Some(asked), after));
        assert!(!swept(SHORT, SHORT, after).is_due(Some(asked), after));
        assert!(swept(SHORT, SHORT, asked).is_due(Some(asked), asked), "nor one of the same moment");
    }
}
