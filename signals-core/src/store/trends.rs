//! What happened over time: failures and completions in buckets.

use std::time::Duration;

use crate::clock::{Timestamp, micros};
use crate::delivery::ReceiverId;
use crate::store::{AttemptOutcome, Count};

/// A span of time that ends now, in equal parts whose borders are multiples of their length: two looks within one part
/// see the same borders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// How many parts; at least one, at most [`Span::MOST`].
    pub buckets: usize,
    /// How long each is; at least a second.
    pub bucket: Duration,
}

impl Default for Span {
    /// An hour: 12 times 5 minutes.
    fn default() -> Self {
        Self { buckets: 12, bucket: Duration::from_secs(300) }
    }
}

impl Span {
    /// The most buckets of one answer, whatever is asked.
    pub const MOST: usize = 1_000;

    /// When each bucket begins, oldest first; the last one holds `now`. With it the length that was used.
    #[must_use]
    pub fn starts(&self, now: Timestamp) -> (Vec<Timestamp>, Duration) {
        let bucket = self.bucket.max(Duration::from_secs(1));
        let micros = micros(bucket);
        let last = now.as_micros().div_euclid(micros).saturating_mul(micros);
        let count = i64::try_from(self.buckets.clamp(1, Self::MOST)).unwrap_or(1);
        let starts =
            (0..count).rev().map(|back| Timestamp::from_micros(last.saturating_sub(back.saturating_mul(micros))));
        (starts.collect(), bucket)
    }
}

/// What happened to each receiver's deliveries, bucket by bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trends {
    /// When each bucket begins, oldest first; the last one is not over yet.
    pub starts: Vec<Timestamp>,
    /// How long each bucket is.
    pub bucket: Duration,
    /// The receivers to which something happened, by name.
    pub receivers: Vec<ReceiverTrend>,
}

/// What happened to one receiver's deliveries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverTrend {
    /// The receiver.
    pub receiver: ReceiverId,
    /// Its name.
    pub name: String,
    /// One for each bucket, oldest first.
    pub buckets: Vec<Bucket>,
}

/// What happened in one bucket. Each number is exact up to [`Count::BOUND`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    /// Deliveries that were completed, while history keeps them.
    pub done: Count,
    /// Attempts that failed and leases that were lost, by how they ended, in the order of [`AttemptOutcome::ALL`]; without
    /// those of which there are none. Of more than the bound in all, some are told. Completions without history take their
    /// failed attempts with them.
    pub failed: Vec<(AttemptOutcome, Count)>,
}

impl Bucket {
    /// All that failed.
    #[must_use]
    pub fn failures(&self) -> Count {
        Count(self.failed.iter().map(|(_, count)| count.0).sum::<u64>().min(Count::BOUND + 1))
    }

    /// Whether nothing happened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.done.0 == 0 && self.failed.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_begin_at_multiples_of_their_length_and_the_last_holds_now() {
        let span = Span { buckets: 3, bucket: Duration::from_secs(60) };
        let (starts, bucket) = span.starts(Timestamp::from_micros(150_000_000));
        assert_eq!(starts.iter().map(|at| at.as_micros()).collect::<Vec<_>>(), [0, 60_000_000, 120_000_000]);
        assert_eq!(bucket, Duration::from_secs(60));
        assert_eq!(span.starts(Timestamp::from_micros(179_999_999)).0, starts, "the same borders within a bucket");
    }

    #[test]
    fn no_span_is_without_bounds() {
        let span = Span { buckets: usize::MAX, bucket: Duration::ZERO };
        let (starts, bucket) = span.starts(Timestamp::from_micros(0));
        assert_eq!((starts.len(), bucket), (Span::MOST, Duration::from_secs(1)));
        assert_eq!(Span { buckets: 0, bucket: Duration::MAX }.starts(Timestamp::from_micros(0)).0.len(), 1);
    }
}
