//! T3 to T8: what the holder of a token says about its deliveries, in batches.
//!
//! Each batch is one statement, which locks what it names in key order, under the whole guard (receiver, version, id, signal,
//! life, token), and answers the ids that are held, and whether it happened: a renewal of the same row that has just
//! committed may hide its newest version from the statement, which then is said once more. Each transition is within one
//! statement and under its guard, so that a batch needs no transaction around its statements.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use signals_core::clock::micros;
use signals_core::delivery::MAX_REFUNDS;
use signals_core::store::{Acked, Failed, Fate, Finished, Held, Renewed, Snoozed};
use signals_core::{Error, MAX_DELAY, Result};
use sqlx::Postgres;
use sqlx::postgres::PgArguments;
use sqlx::query::QueryAs;

use super::super::common::held::batches;
use super::connections::{Connections, Transaction};
use super::rows::{BindHeld as _, HeldRows};
use super::sql;
use super::time::span;

/// How often a statement is said again for what another had in hand when it was said first.
const TIMES: usize = 3;

/// T3.
pub(super) async fn renew(connections: &Connections, held: &[Held], lease: Duration) -> Result<Vec<Renewed>> {
    if held.is_empty() {
        return Ok(Vec::new());
    }
    let mut tx = connections.quick_single().await?;
    let mut renewed = vec![Renewed::Lost; held.len()];
    for batch in batches(held.iter()) {
        let keys: HeldRows = batch.iter().map(|&at| &held[at]).collect();
        let (known, kept): (Vec<i64>, Vec<i64>) = sqlx::query_as(sql::RENEW)
            .bind(connections.now())
            .bind_held(keys)
            .bind(span(lease))
            .fetch_one(&mut *tx)
            .await
            .map_err(|error| tx.error(error))?;
        let (known, kept): (HashSet<i64>, HashSet<i64>) = (known.into_iter().collect(), kept.into_iter().collect());
        for at in batch {
            let position = held[at].position;
            if kept.contains(&position) {
                renewed[at] = Renewed::Kept;
            } else if known.contains(&position) {
                renewed[at] = Renewed::Unknown;
            }
        }
    }
    tx.commit().await?;
    Ok(renewed)
}

/// T4.
pub(super) async fn ack(connections: &Connections, acked: &[Acked]) -> Result<Vec<Finished>> {
    let now = connections.now();
    finish(
        connections,
        acked,
        |acked| &acked.held,
        |keys, chunk| {
            let keep: Vec<bool> = chunk.iter().map(|acked| acked.keep).collect();
            let ran: Vec<i64> = chunk.iter().map(|acked| micros(acked.ran)).collect();
            sqlx::query_as(sql::ACK).bind(now).bind_held(keys).bind(keep).bind(ran)
        },
    )
    .await
}

/// T5 and T7.
pub(super) async fn fail(connections: &Connections, failed: &[Failed]) -> Result<Vec<Finished>> {
    let now = connections.now();
    finish(
        connections,
        failed,
        |failed| &failed.held,
        |keys, chunk| {
            let outcomes: Vec<&'static str> = chunk.iter().map(|failed| failed.outcome.as_str()).collect();
            let errors: Vec<String> = chunk.iter().map(|failed| storable(&failed.error)).collect();
            let ran: Vec<i64> = chunk.iter().map(|failed| micros(failed.ran)).collect();
            let (reasons, delays): (Vec<_>, Vec<_>) = chunk.iter().map(|failed| fate(failed.fate)).unzip();
            let query = sqlx::query_as(sql::FAIL).bind(now).bind_held(keys);
            query.bind(outcomes).bind(errors).bind(ran).bind(reasons).bind(delays)
        },
    )
    .await
}

/// T6.
pub(super) async fn snooze(connections: &Connections, snoozed: &[Snoozed]) -> Result<Vec<Finished>> {
    let now = connections.now();
    finish(
        connections,
        snoozed,
        |snoozed| &snoozed.held,
        |keys, chunk| {
            let delays: Vec<i64> = chunk.iter().map(|snoozed| wait(snoozed.delay)).collect();
            sqlx::query_as(sql::SNOOZE).bind(now).bind_held(keys).bind(delays).bind(i64::from(MAX_REFUNDS))
        },
    )
    .await
}

/// T8.
pub(super) async fn release(connections: &Connections, held: &[Held]) -> Result<Vec<Finished>> {
    finish(
        connections,
        held,
        |held| held,
        |keys, _| sqlx::query_as(sql::RELEASE).bind_held(keys).bind(i64::from(MAX_REFUNDS)),
    )
    .await
}

/// A statement that answers ids that are held, and whether it happened to each.
type Finishing = QueryAs<'static, Postgres, (i64, bool), PgArguments>;

/// Says to the database what became of `entries`: one answer for each, in order.
async fn finish<T: Sync>(
    connections: &Connections,
    entries: &[T],
    held: impl Fn(&T) -> &Held,
    statement: impl Fn(HeldRows, &[&T]) -> Finishing,
) -> Result<Vec<Finished>> {
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let mut finished = vec![Finished::Stale; entries.len()];
    let batches = batches(entries.iter().map(&held));
    let mut tx = if batches.len() == 1 { connections.durable_single().await? } else { connections.durable().await? };
    for mut batch in batches {
        for _ in 0..TIMES {
            let query = {
                let chunk: Vec<&T> = batch.iter().map(|&at| &entries[at]).collect();
                statement(chunk.iter().map(|entry| held(entry)).collect(), &chunk)
            };
            let answers = query.fetch_all(&mut *tx).await.map_err(|error| in_part(tx.error(error), &tx, &finished))?;
            let answers: HashMap<i64, bool> = answers.into_iter().collect();
            let answer = |at: usize| answers.get(&held(&entries[at]).position).copied();
            for &at in batch.iter().filter(|&&at| answer(at) == Some(true)) {
                finished[at] = Finished::Done;
            }
            // It is ours, and was locked: another snapshot sees its newest version, whose token says whether it still is.
            batch.retain(|&at| answer(at) == Some(false));
            if batch.is_empty() {
                break;
            }
        }
        if !batch.is_empty() {
            let error = Error::Contention("a delivery that is held could not be finished".into());
            return Err(in_part(error, &tx, &finished));
        }
    }
    tx.commit().await?;
    Ok(finished)
}

/// What an error means behind statements that may have committed themselves: of what they did nobody is told, and whoever
/// says it again must not take that for stale.
fn in_part(error: Error, tx: &Transaction<'_>, finished: &[Finished]) -> Error {
    if tx.is_single() && finished.contains(&Finished::Done) { Error::CommitUnknown(error.into()) } else { error }
}

/// Why it is dead, or else for how many microseconds it waits.
fn fate(fate: Fate) -> (Option<&'static str>, Option<i64>) {
    match fate {
        Fate::Retry { delay } => (None, Some(wait(delay))),
        Fate::Dead(reason) => (Some(reason.as_str()), None),
    }
}

fn wait(delay: Duration) -> i64 {
    micros(delay.min(MAX_DELAY))
}

/// I13: `text` holds no NUL, whatever an error says.
fn storable(error: &str) -> String {
    error.replace('\0', "\u{fffd}")
}
