//! Failures and completions, as statements count them, put together receiver by receiver.

use std::collections::BTreeMap;
use std::time::Duration;

use signals_core::clock::Timestamp;
use signals_core::delivery::ReceiverId;
use signals_core::store::{AttemptOutcome, Bucket, Count, ReceiverTrend, Trends};
use signals_core::{Error, Result};

/// A receiver's id and name, and how many of its attempts ended within which bucket with which outcome, both by their places.
pub(in crate::backend) type Failed = (i64, String, i64, i64, i64);

/// A receiver's id and name, and how many of its deliveries were done within which bucket.
pub(in crate::backend) type Done = (i64, String, i64, i64);

/// Where each bucket begins, and what it ends before; the last ends with `now`.
pub(in crate::backend) fn spans(starts: &[Timestamp], now: Timestamp) -> impl Iterator<Item = (Timestamp, Timestamp)> {
    let ends = starts.iter().skip(1).copied().chain([now.saturating_add(Duration::from_micros(1))]);
    starts.iter().copied().zip(ends)
}

/// What happened to each receiver's deliveries.
pub(in crate::backend) fn collect(
    starts: Vec<Timestamp>,
    bucket: Duration,
    failed: Vec<Failed>,
    done: Vec<Done>,
) -> Result<Trends> {
    let mut found: BTreeMap<(String, i64), Vec<Bucket>> = BTreeMap::new();
    let empty = || vec![Bucket::default(); starts.len()];
    for (receiver, name, bucket, outcome, count) in failed {
        let outcome = AttemptOutcome::ALL[index(outcome)?];
        let buckets = found.entry((name, receiver)).or_insert_with(empty);
        buckets[index(bucket)?].failed.push((outcome, Count(count.max(0).unsigned_abs())));
    }
    for (receiver, name, bucket, count) in done {
        let buckets = found.entry((name, receiver)).or_insert_with(empty);
        let done = &mut buckets[index(bucket)?].done;
        // A receiver has a lane for each version.
        done.0 = (done.0 + count.max(0).unsigned_abs()).min(Count::BOUND + 1);
    }
    let trend = |((name, receiver), buckets)| ReceiverTrend { receiver: ReceiverId(receiver), name, buckets };
    Ok(Trends { starts, bucket, receivers: found.into_iter().map(trend).collect() })
}

/// The place of an element.
fn index(place: i64) -> Result<usize> {
    usize::try_from(place).map_err(|error| Error::Database(error.into()))
}
