//! Prune (T12) and forget (T13): what every worker does now and then. Each looks first whether there is anything.

use std::time::Duration;

use signals_core::Result;
use signals_core::store::{Acting, Forgotten, Pruned, Retention, Verb};
use sqlx::postgres::PgQueryResult;

use super::by_hand::note;
use super::connections::Connections;
use super::time::{Moment, span};
use super::{error, rows, sql};

/// What is too old to be kept.
struct Old {
    /// Receiver, version, outcome, and by when it was settled.
    lanes: Vec<(i64, i64, String, Moment)>,
    /// Keys that were used by then, if there are any.
    keys: Option<Moment>,
}

/// T12.
pub(super) async fn prune(
    connections: &Connections,
    retention: &Retention,
    limit: usize,
    by: Option<&Acting<'_>>,
) -> Result<Pruned> {
    if limit == 0 {
        return Ok(Pruned::default());
    }
    let Old { lanes, keys } = find_old(connections, retention).await?;
    if lanes.is_empty() && keys.is_none() {
        return Ok(Pruned { action: by.and_then(|by| by.continues), ..Pruned::default() });
    }
    let mut tx = connections.large().await?;
    let mut pruned = Pruned::default();
    for (receiver, version, outcome, until) in lanes {
        let room = limit - pruned.deliveries;
        if room == 0 {
            break;
        }
        let query = sqlx::query(sql::PRUNE).bind(receiver).bind(version).bind(outcome).bind(rows::limit(room));
        pruned.deliveries += affected(&query.bind(until).execute(&mut *tx).await.map_err(error::of)?)?;
    }
    let room = limit - pruned.deliveries;
    if let Some(until) = keys.filter(|_| room > 0) {
        let query = sqlx::query(sql::PRUNE_KEYS).bind(until).bind(rows::limit(room));
        pruned.keys = affected(&query.execute(&mut *tx).await.map_err(error::of)?)?;
    }
    if let Some(by) = by {
        pruned.action = by.continues;
        note(connections, &mut tx, Verb::Prune, by, pruned.deliveries + pruned.keys, &mut pruned.action).await?;
    }
    tx.commit().await?;
    Ok(pruned)
}

async fn find_old(connections: &Connections, retention: &Retention) -> Result<Old> {
    let mut read = connections.read().await?;
    let lanes = sqlx::query_as(sql::PRUNE_PROBE)
        .bind(connections.now())
        .bind(span(retention.done))
        .bind(span(retention.cancelled))
        .bind(retention.dead.map(span))
        .fetch_all(&mut *read)
        .await
        .map_err(error::of)?;
    let keys = sqlx::query_scalar(sql::PRUNE_KEYS_PROBE)
        .bind(connections.now())
        .bind(span(retention.keys))
        .fetch_optional(&mut *read)
        .await
        .map_err(error::of)?;
    read.end();
    Ok(Old { lanes, keys })
}

/// T13.
pub(super) async fn forget(connections: &Connections, older_than: Duration, limit: usize) -> Result<Forgotten> {
    if limit == 0 {
        return Ok(Forgotten::default());
    }
    let Some(until) = find_sent(connections, older_than).await? else { return Ok(Forgotten::default()) };
    let mut tx = connections.large().await?;
    let found: Vec<i64> = sqlx::query_scalar(sql::FORGET_LOCK)
        .bind(until)
        .bind(rows::limit(limit))
        .fetch_all(&mut *tx)
        .await
        .map_err(error::of)?;
    if found.is_empty() {
        return Ok(Forgotten::default());
    }
    // Another statement, and so another snapshot: whoever held one of them before it was locked has committed.
    let forgotten = sqlx::query(sql::FORGET).bind(found).execute(&mut *tx).await.map_err(error::of)?;
    tx.commit().await?;
    Ok(Forgotten(affected(&forgotten)?))
}

/// When that was, if anything was sent so long ago.
async fn find_sent(connections: &Connections, older_than: Duration) -> Result<Option<Moment>> {
    let mut read = connections.read().await?;
    let until = sqlx::query_scalar(sql::FORGET_PROBE)
        .bind(connections.now())
        .bind(span(older_than))
        .fetch_optional(&mut *read)
        .await
        .map_err(error::of)?;
    read.end();
    Ok(until)
}

fn affected(result: &PgQueryResult) -> Result<usize> {
    usize::try_from(result.rows_affected()).map_err(error::foreign)
}
