//! How many deliveries are changed at once, so that whoever waits hears something every fifth of a second or so.

use std::time::Duration;

/// How many the first time, and about what a store changes in one transaction.
const FIRST: usize = 1_000;

/// How few, where each takes long.
const LEAST: usize = 100;

/// And how many at most: a few transactions cost no more each than many.
const MOST: usize = 2_000;

/// Who took longer than this does half as many the next time.
const LONG: Duration = Duration::from_millis(200);

/// And who took less than this, twice as many.
const SHORT: Duration = Duration::from_millis(75);

/// The size of the next batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace(usize);

impl Default for Pace {
    fn default() -> Self {
        Self(FIRST)
    }
}

impl Pace {
    /// How many to change next.
    pub(super) fn batch(self) -> usize {
        self.0
    }

    /// The last batch took so long.
    pub(super) fn took(&mut self, took: Duration) {
        if took > LONG {
            self.0 = (self.0 / 2).max(LEAST);
        } else if took < SHORT {
            self.0 = (self.0 * 2).min(MOST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How large batches become when each takes 20 ms and then this long for a delivery.
    fn settles_at(each: Duration) -> usize {
        let mut pace = Pace::default();
        for _ in 0..20 {
            pace.took(Duration::from_millis(20) + each * pace.batch() as u32);
        }
        pace.batch()
    }

    #[test]
    fn nobody_waits_long_for_a_word_however_slow_the_database_is() {
        let settled = [1, 60, 200, 1_000, 100_000].map(|micros| settles_at(Duration::from_micros(micros)));
        assert_eq!(settled, [MOST, 1_000, 500, 125, LEAST]);
    }
}
