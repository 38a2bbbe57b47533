//! What happened over time.

use std::collections::BTreeMap;

use signals_core::Result;
use signals_core::delivery::ReceiverId;
use signals_core::store::{AttemptOutcome, Bucket, Count, ReceiverTrend, Span, Trends};

use super::super::connections::Connections;
use super::super::rows::{self, ToJson as _};
use super::super::{error, sql};

/// Failures and completions within `span`.
pub(in super::super) async fn trends(connections: &Connections, span: &Span) -> Result<Trends> {
    let now = connections.now();
    let (starts, bucket) = span.starts(now);
    let spans: Vec<(i64, i64)> = starts
        .iter()
        .zip(starts.iter().skip(1).map(|next| next.as_micros()).chain([now.as_micros().saturating_add(1)]))
        .map(|(start, end)| (start.as_micros(), end))
        .collect();
    let spans = spans.to_json()?;
    let outcomes: Vec<&str> = AttemptOutcome::ALL.iter().map(|outcome| outcome.as_str()).collect();
    let most = rows::limit(usize::try_from(Count::BOUND).map_err(error::foreign)?) + 1;

    let mut snapshot = connections.snapshot().await?;
    let failed: Vec<(i64, String, i64, i64, i64)> = sqlx::query_as(sql::TRENDS_FAILED)
        .bind(outcomes.to_json()?)
        .bind(&spans)
        .bind(most)
        .fetch_all(&mut *snapshot)
        .await
        .map_err(error::of)?;
    let done: Vec<(i64, String, i64, i64)> =
        sqlx::query_as(sql::TRENDS_DONE).bind(&spans).bind(most).fetch_all(&mut *snapshot).await.map_err(error::of)?;

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

/// The key of an array's element.
fn index(key: i64) -> Result<usize> {
    usize::try_from(key).map_err(error::foreign)
}
