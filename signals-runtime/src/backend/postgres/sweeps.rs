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

    /// Whether it is time for the next.
    pub(super) fn is_long_ago(self, now: Instant) -> bool {
        self.0.is_none_or(|(began, took)| {
            now.saturating_duration_since(began) >= took.saturating_mul(SHARE).clamp(INTERVAL, LONGEST)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_comes_twice_a_second_or_for_a_twentieth_of_the_time_and_every_five_seconds_at_the_least() {
        let now = Instant::now();
        assert!(Swept::default().is_long_ago(now), "before anything is known");
        let swept = Swept::at(now, Duration::from_millis(2));
        assert!(!swept.is_long_ago(now + INTERVAL / 2) && swept.is_long_ago(now + INTERVAL));
        let swept = Swept::at(now, Duration::from_millis(100));
        assert!(!swept.is_long_ago(now + INTERVAL) && swept.is_long_ago(now + INTERVAL * 4));
        let swept = Swept::at(now, Duration::from_secs(7));
        assert!(!swept.is_long_ago(now + LONGEST / 2) && swept.is_long_ago(now + LONGEST));
    }
}
