//! What happened over time.

use signals_core::Result;
use signals_core::store::{AttemptOutcome, Count, Span, Trends};

use super::super::super::common::trends::{Done, Failed, collect, spans};
use super::super::connections::Connections;
use super::super::time::Moment;
use super::super::{error, rows, sql};

/// Failures and completions within `span`.
pub(in super::super) async fn trends(connections: &Connections, span: &Span) -> Result<Trends> {
    let mut snapshot = connections.snapshot().await?;
    let now = snapshot.now().await?;
    let (starts, bucket) = span.starts(now);
    let (from, before): (Vec<_>, Vec<_>) =
        spans(&starts, now).map(|(from, before)| (Moment(from), Moment(before))).unzip();
    let outcomes: Vec<&str> = AttemptOutcome::ALL.iter().map(|outcome| outcome.as_str()).collect();
    let most = rows::limit(usize::try_from(Count::BOUND).map_err(error::foreign)?) + 1;

    let failed: Vec<Failed> = sqlx::query_as(sql::TRENDS_FAILED)
        .bind(outcomes)
        .bind(&from)
        .bind(&before)
        .bind(most)
        .fetch_all(&mut *snapshot)
        .await
        .map_err(error::of)?;
    let done: Vec<Done> = sqlx::query_as(sql::TRENDS_DONE)
        .bind(&from)
        .bind(&before)
        .bind(most)
        .fetch_all(&mut *snapshot)
        .await
        .map_err(error::of)?;
    collect(starts, bucket, failed, done)
}
