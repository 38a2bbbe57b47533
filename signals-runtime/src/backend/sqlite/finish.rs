//! T3 to T8: what the holder of a token says about its deliveries, in batches.
//!
//! Each batch is one transaction. Every statement carries the whole guard (receiver, version, id, signal, life, token),
//! and the DELETE or UPDATE that ends a lease returns the ids that it matched: those happened, the others did not.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use signals_core::clock::{Timestamp, micros};
use signals_core::delivery::MAX_REFUNDS;
use signals_core::store::{Acked, Failed, Fate, Finished, Held, Renewed, Snoozed};
use signals_core::{MAX_DELAY, Result};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteQueryResult;

use super::super::common::held::batches;
use super::connections::Connections;
use super::rows::{self, ToJson as _};
use super::send::draw;
use super::{error, sql};

/// T3.
pub(super) async fn renew(connections: &Connections, held: &[Held], lease: Duration) -> Result<Vec<Renewed>> {
    if held.is_empty() {
        return Ok(Vec::new());
    }
    let mut tx = connections.quick_write().await?;
    let until = tx.now().saturating_add(lease).as_micros();
    let mut renewed = vec![Renewed::Lost; held.len()];
    for batch in batches(held.iter()) {
        let keys: Vec<_> = batch.iter().map(|&at| rows::held(&held[at])).collect();
        let kept: HashSet<i64> = sqlx::query_scalar(sql::RENEW)
            .bind(keys.to_json()?)
            .bind(until)
            .fetch_all(&mut *tx)
            .await
            .map_err(error::of)?
            .into_iter()
            .collect();
        for at in batch.into_iter().filter(|&at| kept.contains(&held[at].position)) {
            renewed[at] = Renewed::Kept;
        }
    }
    tx.commit().await?;
    Ok(renewed)
}

/// T4.
pub(super) async fn ack(connections: &Connections, acked: &[Acked]) -> Result<Vec<Finished>> {
    if acked.is_empty() {
        return Ok(Vec::new());
    }
    let mut tx = connections.durable().await?;
    let now = tx.now();
    let finished = ack_all(&mut tx, acked, now).await?;
    tx.commit().await?;
    Ok(finished)
}

/// T4 in the transaction that `conn` is in.
pub(super) async fn ack_all(conn: &mut SqliteConnection, acked: &[Acked], now: Timestamp) -> Result<Vec<Finished>> {
    let mut finished = vec![Finished::Stale; acked.len()];
    for batch in batches(acked.iter().map(|acked| &acked.held)) {
        let chunk: Vec<_> = batch.iter().map(|&at| &acked[at]).collect();
        let kept: Vec<_> = chunk
            .iter()
            .filter(|acked| acked.keep)
            .map(|acked| {
                let (receiver, version, id, signal, life, token) = rows::held(&acked.held);
                let ran = Some(micros(acked.ran));
                (receiver, version, id, signal, life, Some(token), "done", None, None, ran)
            })
            .collect();
        let settled = settle(conn, &kept, now).await?;
        let removed = remove(conn, &keys(chunk.iter().map(|acked| &acked.held)), settled).await?;
        let ended = chunk.iter().filter(|acked| acked.keep && removed.contains_key(&acked.held.position));
        all_copied(settled, ended.count())?;
        let unkept: Vec<(i64, i64)> = chunk
            .iter()
            .filter(|acked| !acked.keep && removed.get(&acked.held.position).is_some_and(|&history| history))
            .map(|acked| (acked.held.delivery.signal.0, acked.held.delivery.receiver.0))
            .collect();
        forget_attempts(conn, &unkept).await?;
        for at in batch.into_iter().filter(|&at| removed.contains_key(&acked[at].held.position)) {
            finished[at] = Finished::Done;
        }
    }
    Ok(finished)
}

/// T5 and T7.
pub(super) async fn fail(connections: &Connections, failed: &[Failed]) -> Result<Vec<Finished>> {
    if failed.is_empty() {
        return Ok(Vec::new());
    }
    let mut finished = vec![Finished::Stale; failed.len()];
    let mut tx = connections.durable().await?;
    let now = tx.now();
    for batch in batches(failed.iter().map(|failed| &failed.held)) {
        let chunk: Vec<_> = batch.iter().map(|&at| &failed[at]).collect();
        let attempts: Vec<_> = chunk
            .iter()
            .map(|failed| {
                let (receiver, version, id, signal, life, token) = rows::held(&failed.held);
                let ran = Some(micros(failed.ran));
                (receiver, version, id, signal, life, token, failed.outcome.as_str(), failed.error.as_str(), ran)
            })
            .collect();
        record(&mut tx, &attempts, now).await?;
        let (mut back, mut dead) = (Vec::new(), Vec::new());
        for failed in &chunk {
            match failed.fate {
                Fate::Retry { delay } => back.push((&failed.held, delay)),
                Fate::Dead(reason) => {
                    let (receiver, version, id, signal, life, token) = rows::held(&failed.held);
                    let ran = Some(micros(failed.ran));
                    let reason = Some(reason.as_str());
                    dead.push((receiver, version, id, signal, life, Some(token), "dead", reason, None, ran));
                }
            }
        }
        let mut copied = settle(&mut tx, &dead, now).await?;
        copied += put_back(&mut tx, &back, false, now).await?;
        let removed = remove(&mut tx, &keys(chunk.iter().map(|failed| &failed.held)), copied).await?;
        all_copied(copied, removed.len())?;
        for at in batch.into_iter().filter(|&at| removed.contains_key(&failed[at].held.position)) {
            finished[at] = Finished::Done;
        }
    }
    tx.commit().await?;
    Ok(finished)
}

/// T6.
pub(super) async fn snooze(connections: &Connections, snoozed: &[Snoozed]) -> Result<Vec<Finished>> {
    if snoozed.is_empty() {
        return Ok(Vec::new());
    }
    let mut finished = vec![Finished::Stale; snoozed.len()];
    let mut tx = connections.durable().await?;
    let now = tx.now();
    for batch in batches(snoozed.iter().map(|snoozed| &snoozed.held)) {
        let chunk: Vec<_> = batch.iter().map(|&at| &snoozed[at]).collect();
        let back: Vec<_> = chunk.iter().map(|snoozed| (&snoozed.held, snoozed.delay)).collect();
        let copied = put_back(&mut tx, &back, true, now).await?;
        let removed = remove(&mut tx, &keys(chunk.iter().map(|snoozed| &snoozed.held)), copied).await?;
        all_copied(copied, removed.len())?;
        for at in batch.into_iter().filter(|&at| removed.contains_key(&snoozed[at].held.position)) {
            finished[at] = Finished::Done;
        }
    }
    tx.commit().await?;
    Ok(finished)
}

/// T8.
pub(super) async fn release(connections: &Connections, held: &[Held]) -> Result<Vec<Finished>> {
    if held.is_empty() {
        return Ok(Vec::new());
    }
    let mut finished = vec![Finished::Stale; held.len()];
    let mut tx = connections.durable().await?;
    for batch in batches(held.iter()) {
        let keys: Vec<_> = batch.iter().map(|&at| rows::held(&held[at])).collect();
        let released: HashSet<i64> = sqlx::query_scalar(sql::RELEASE)
            .bind(keys.to_json()?)
            .bind(MAX_REFUNDS)
            .fetch_all(&mut *tx)
            .await
            .map_err(error::of)?
            .into_iter()
            .collect();
        for at in batch.into_iter().filter(|&at| released.contains(&held[at].position)) {
            finished[at] = Finished::Done;
        }
    }
    tx.commit().await?;
    Ok(finished)
}

/// A delivery to settle: the held row, outcome, reason, actor, how long it ran.
pub(super) type SettleRow<'a> =
    (i64, u32, i64, i64, u32, Option<i64>, &'a str, Option<&'a str>, Option<&'a str>, Option<i64>);

/// Copies into `settled` what the tokens match, and says how many; [`remove`] must follow in the same transaction, and
/// then [`all_copied`].
pub(super) async fn settle(conn: &mut SqliteConnection, rows: &[SettleRow<'_>], now: Timestamp) -> Result<usize> {
    if rows.is_empty() {
        return Ok(0);
    }
    let rows = rows.to_json()?;
    let query = sqlx::query(sql::SETTLE).bind(rows).bind(now.as_micros());
    affected(query.execute(conn).await.map_err(error::of)?)
}

/// I2: what is taken away is somewhere else now. If the signal of one of them is gone, it would be lost: an error, with
/// which the transaction must roll back.
pub(super) fn all_copied(copied: usize, removed: usize) -> Result<()> {
    if copied == removed {
        return Ok(());
    }
    Err(error::foreign(format!(
        "{removed} deliveries end here, but for {copied} of them only there is what they refer to in `signals_signal`"
    )))
}

fn affected(result: SqliteQueryResult) -> Result<usize> {
    usize::try_from(result.rows_affected()).map_err(error::foreign)
}

/// An attempt that ended: the held row, outcome, error, how long it ran.
pub(super) type AttemptRow<'a> = (i64, u32, i64, i64, u32, i64, &'a str, &'a str, Option<i64>);

/// Records how attempts ended, where the tokens match.
pub(super) async fn record(conn: &mut SqliteConnection, rows: &[AttemptRow<'_>], now: Timestamp) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let rows = rows.to_json()?;
    sqlx::query(sql::ATTEMPT).bind(rows).bind(now.as_micros()).execute(conn).await.map(drop).map_err(error::of)
}

/// Takes away what the tokens match: the ids, and whether each leaves recorded attempts that nothing refers to any more.
/// `copied` of them have been copied to where they are from now on, by statements that carry the whole guard.
///
/// Copied all of them, nothing is left to find out, and a key is enough: a guard of six values and rows that say for themselves
/// that they are gone cost SQLite twice as much.
pub(super) async fn remove(
    conn: &mut SqliteConnection,
    keys: &[rows::HeldRow],
    copied: usize,
) -> Result<HashMap<i64, bool>> {
    let json = keys.to_json()?;
    if copied == keys.len() {
        let removed = affected(sqlx::query(sql::END_REMOVE).bind(json).execute(conn).await.map_err(error::of)?)?;
        all_copied(copied, removed)?;
        return Ok(keys.iter().map(|&(_, _, id, ..)| (id, false)).collect());
    }
    let removed: Vec<(i64, bool)> = sqlx::query_as(sql::REMOVE).bind(json).fetch_all(conn).await.map_err(error::of)?;
    Ok(removed.into_iter().collect())
}

/// Forgets the attempts of (signal, receiver).
pub(super) async fn forget_attempts(conn: &mut SqliteConnection, deliveries: &[(i64, i64)]) -> Result<()> {
    if deliveries.is_empty() {
        return Ok(());
    }
    let deliveries = deliveries.to_json()?;
    sqlx::query(sql::ATTEMPTS_FORGET).bind(deliveries).execute(conn).await.map(drop).map_err(error::of)
}

/// Copies to where they wait, or to the end of their lanes, what the tokens match, and says how many; [`remove`] must
/// follow, and then [`all_copied`].
async fn put_back(
    conn: &mut SqliteConnection,
    back: &[(&Held, Duration)],
    refund: bool,
    now: Timestamp,
) -> Result<usize> {
    let mut copied = 0;
    let row = |held: &Held, then: i64| {
        let (receiver, version, id, signal, life, token) = rows::held(held);
        (receiver, version, id, signal, life, token, then, refund)
    };
    let (mut at_once, mut later) = (Vec::new(), Vec::new());
    for &(held, delay) in back {
        if delay.is_zero() {
            at_once.push(row(held, 0));
        } else {
            later.push(row(held, now.saturating_add(delay.min(MAX_DELAY)).as_micros()));
        }
    }
    if !later.is_empty() {
        let later = later.to_json()?;
        let query = sqlx::query(sql::POSTPONE).bind(later).bind(MAX_REFUNDS);
        copied += affected(query.execute(&mut *conn).await.map_err(error::of)?)?;
    }
    if !at_once.is_empty() {
        let count = at_once.len();
        let first = draw(conn, count).await? + 1 - rows::limit(count);
        for (row, id) in at_once.iter_mut().zip(first..) {
            row.6 = id;
        }
        let at_once = at_once.to_json()?;
        let query = sqlx::query(sql::REQUEUE).bind(at_once).bind(MAX_REFUNDS).bind(now.as_micros());
        copied += affected(query.execute(&mut *conn).await.map_err(error::of)?)?;
    }
    Ok(copied)
}

/// What each entry says is held, as rows of a statement.
fn keys<'a>(held: impl Iterator<Item = &'a Held>) -> Vec<rows::HeldRow> {
    held.map(rows::held).collect()
}
