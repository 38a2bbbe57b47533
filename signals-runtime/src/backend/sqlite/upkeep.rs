//! Promote, prune (T12) and forget (T13): what every worker does now and then. Each looks without the write lock first.

use std::time::Duration;

use signals_core::Result;
use signals_core::clock::Timestamp;
use signals_core::store::{Acting, Forgotten, Promoted, Pruned, Retention, Verb};
use sqlx::SqliteConnection;

use super::by_hand::{execute, note};
use super::connections::Connections;
use super::rows::{self, ToJson as _};
use super::send::draw;
use super::{error, finish, sql};

/// Moves what became due where it can be claimed.
pub(super) async fn promote(connections: &Connections, limit: usize) -> Result<Promoted> {
    let mut conn = connections.quick().await?;
    let next_due = next_due(&mut conn).await?;
    if limit == 0 || next_due.is_none_or(|due| due > connections.now()) {
        return Ok(Promoted { moved: 0, next_due });
    }
    let mut tx = connections.write(conn).await?;
    let parameters = [tx.now().as_micros(), rows::limit(limit)];
    let moved = usize::try_from(execute(&mut tx, sql::PROMOTE, &parameters).await?).map_err(error::foreign)?;
    draw(&mut tx, moved).await?;
    execute(&mut tx, sql::PROMOTE_REMOVE, &parameters).await?;
    let next_due = self::next_due(&mut tx).await?;
    tx.commit().await?;
    Ok(Promoted { moved, next_due })
}

async fn next_due(conn: &mut SqliteConnection) -> Result<Option<Timestamp>> {
    let due: Option<i64> = sqlx::query_scalar(sql::PROMOTE_NEXT).fetch_optional(conn).await.map_err(error::of)?;
    Ok(due.map(Timestamp::from_micros))
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
    let now = connections.now();
    let until = |age: Duration| now.saturating_sub(age).as_micros();
    let keys_until = until(retention.keys);
    let (lanes, keys) = {
        let mut conn = connections.reads().await?;
        let lanes: Vec<(i64, i64, String, i64)> = sqlx::query_as(sql::PRUNE_PROBE)
            .bind(until(retention.done))
            .bind(until(retention.cancelled))
            .bind(retention.dead.map(until))
            .fetch_all(&mut *conn)
            .await
            .map_err(error::of)?;
        let keys: bool = sqlx::query_scalar(sql::PRUNE_KEYS_PROBE)
            .bind(keys_until)
            .fetch_one(&mut *conn)
            .await
            .map_err(error::of)?;
        (lanes, keys)
    };
    if lanes.is_empty() && !keys {
        return Ok(Pruned { action: by.and_then(|by| by.continues), ..Pruned::default() });
    }
    let mut tx = connections.durable().await?;
    let mut pruned = Pruned::default();
    for (receiver, version, outcome, until) in lanes {
        let room = limit - pruned.deliveries;
        if room == 0 {
            break;
        }
        let gone: Vec<(i64, i64)> = sqlx::query_as(sql::PRUNE)
            .bind(receiver)
            .bind(version)
            .bind(outcome)
            .bind(rows::limit(room))
            .bind(until)
            .fetch_all(&mut *tx)
            .await
            .map_err(error::of)?;
        for chunk in gone.chunks(rows::CHUNK) {
            finish::forget_attempts(&mut tx, chunk).await?;
        }
        pruned.deliveries += gone.len();
    }
    let room = limit - pruned.deliveries;
    if keys && room > 0 {
        let keys = execute(&mut tx, sql::PRUNE_KEYS, &[keys_until, rows::limit(room)]).await?;
        pruned.keys = usize::try_from(keys).map_err(error::foreign)?;
    }
    if let Some(by) = by {
        pruned.action = by.continues;
        note(&mut tx, Verb::Prune, by, pruned.deliveries + pruned.keys, &mut pruned.action).await?;
    }
    tx.commit().await?;
    Ok(pruned)
}

/// T13.
pub(super) async fn forget(connections: &Connections, older_than: Duration, limit: usize) -> Result<Forgotten> {
    if limit == 0 {
        return Ok(Forgotten::default());
    }
    forget_found(connections, &forgettable(connections, older_than, limit).await?).await
}

/// What nothing referred to in a snapshot.
pub(super) struct Forgettable {
    signals: Vec<i64>,
    /// The last id of a delivery that was drawn by then: what refers to a signal since has a higher one.
    drawn: i64,
}

/// Looks in a snapshot for signals that may be forgotten: finding out what refers to them takes a walk of all lanes, too long
/// for the write lock.
pub(super) async fn forgettable(connections: &Connections, older_than: Duration, limit: usize) -> Result<Forgettable> {
    let until = connections.now().saturating_sub(older_than).as_micros();
    let mut snapshot = connections.snapshot().await?;
    let drawn = sqlx::query_scalar(sql::DRAWN).fetch_one(&mut *snapshot).await.map_err(error::of)?;
    let find = sqlx::query_scalar(sql::FORGET_FIND).bind(until).bind(rows::limit(limit));
    Ok(Forgettable { signals: find.fetch_all(&mut *snapshot).await.map_err(error::of)?, drawn })
}

/// Forgets what was found, unless something refers to it by now.
pub(super) async fn forget_found(connections: &Connections, found: &Forgettable) -> Result<Forgotten> {
    if found.signals.is_empty() {
        return Ok(Forgotten::default());
    }
    let mut tx = connections.durable().await?;
    let forget = sqlx::query(sql::FORGET).bind(found.signals.to_json()?).bind(found.drawn);
    let forgotten = forget.execute(&mut *tx).await.map_err(error::of)?.rows_affected();
    tx.commit().await?;
    Ok(Forgotten(usize::try_from(forgotten).map_err(error::foreign)?))
}
