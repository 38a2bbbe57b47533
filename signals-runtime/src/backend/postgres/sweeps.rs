//! How often what stands below a floor is looked for: a sweep walks over everything that died and could not be removed yet.

use std::time::{Duration, Instant};

/// This often, unless sweeping takes long again and again.
pub(super) const INTERVAL: Duration = Duration::from_millis(500);

/// Sweeping takes no more than one part in this many of the time.
const SHARE: u32 = 20;

/// However long it takes: what stands below a floor waits no longer than this.
pub(super) const LONGEST: Duration = Duration::from_secs(5);

/// So many sweeps in a row must take long for the next to wait: what walks over the dead takes long each time, and of a machine
/// with too much to do, or of a session whose first statements these are, one of them will be quick.
const IN_A_ROW: usize = 4;

/// The last sweeps.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Swept {
    /// When the last one began, once there was one.
    began: Option<Instant>,
    /// How long they took, in turns.
    took: [Duration; IN_A_ROW],
    turn: usize,
}

impl Swept {
    /// A sweep began at `began`, and its statement took so long.
    pub(super) fn note(&mut self, began: Instant, took: Duration) {
        self.began = Some(began);
        self.took[self.turn] = took;
        self.turn = (self.turn + 1) % IN_A_ROW;
    }

    /// Whether it is time for the next: the last is long ago, or it began before somebody `asked` for one.
    pub(super) fn is_due(self, asked: Option<Instant>, now: Instant) -> bool {
        self.began.is_none_or(|began| {
            let usual = self.took.into_iter().min().unwrap_or_default();
            asked.is_some_and(|asked| began <= asked)
                || now.saturating_duration_since(began) >= usual.saturating_mul(SHARE).clamp(INTERVAL, LONGEST)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(2);

    /// Sweeps that took so long; the last began at `now`.
    fn swept(took: impl IntoIterator<Item = Duration>, now: Instant) -> Swept {
        let mut swept = Swept::default();
        took.into_iter().for_each(|took| swept.note(now, took));
        swept
    }

    #[test]
    fn a_sweep_comes_twice_a_second_or_for_a_twentieth_of_the_time_and_every_five_seconds_at_the_least() {
        let now = Instant::now();
        assert!(Swept::default().is_due(None, now), "before anything is known");
        let comes_after = |took: Duration, pause: Duration| {
            let swept = swept([took; IN_A_ROW], now);
            assert!(!swept.is_due(None, now + pause / 2) && swept.is_due(None, now + pause), "{took:?}");
        };
        comes_after(SHORT, INTERVAL);
        comes_after(Duration::from_millis(100), Duration::from_secs(2));
        comes_after(Duration::from_secs(7), LONGEST);
    }

    #[test]
    fn l1_three_slow_sweeps_do_not_put_off_the_next() {
        let (now, slow) = (Instant::now(), Duration::from_secs(1));
        for quick in 0..IN_A_ROW {
            let took = (0..IN_A_ROW).map(|at| if at == quick { SHORT } else { slow });
            assert!(swept(took, now).is_due(None, now + INTERVAL), "number {quick} was quick");
        }
        assert!(swept([slow; IN_A_ROW - 1], now).is_due(None, now + INTERVAL), "nobody knows of more");
        let again = swept([SHORT, slow, slow, slow, slow], now);
        assert!(!again.is_due(None, now + INTERVAL), "the quick one is long ago");
    }

    #[test]
    fn a_sweep_that_was_asked_for_comes_at_once_and_one_that_began_before_does_not_count() {
        let (before, asked) = (Instant::now(), Instant::now() + INTERVAL / 10);
        let after = asked + INTERVAL / 10;
        assert!(swept([SHORT], before).is_due(Some(asked), after));
        assert!(!swept([SHORT], after).is_due(Some(asked), after));
        assert!(swept([SHORT], asked).is_due(Some(asked), asked), "nor one of the same moment");
    }
}
