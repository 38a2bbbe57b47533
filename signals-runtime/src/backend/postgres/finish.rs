//! T3 to T8: what the holder of a token says about its deliveries, in batches.
//!
//! Each batch is one statement, which locks what it names in key order, under the whole guard (receiver, version, id, signal,
//! life, token), and answers the ids that it matched: those happened, the others did not.

use std::collections::HashSet;
use std::time::Duration;

use signals_core::clock::micros;
use signals_core::delivery::MAX_REFUNDS;
use signals_core::store::{Acked, Failed, Fate, Finished, Held, Renewed, Snoozed};
use signals_core::{MAX_DELAY, Result};

use super::super::common::held::batches;
use super::connections::Connections;
use super::rows::{BindHeld as _, HeldRows};
use super::{error, sql};

/// T3.
pub(super) async fn renew(connections: &Connections, held: &[Held], lease: Duration) -> Result<Vec<Renewed>> {
    if held.is_empty() {
        return Ok(Vec::new());
    }
    let mut tx = connections.quick().await?;
    let mut renewed = vec![Renewed::Lost; held.len()];
    for batch in batches(held.iter()) {
        let keys: HeldRows = batch.iter().map(|&at| &held[at]).collect();
        let (known, kept): (Vec<i64>, Vec<i64>) = sqlx::query_as(sql::RENEW)
            .bind(connections.now())
            .bind_held(&keys)
            .bind(micros(lease))
            .fetch_one(&mut *tx)
            .await
            .map_err(error::of)?;
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
    if acked.is_empty() {
        return Ok(Vec::new());
    }
    let mut answers = Answers::of(acked.len());
    let mut tx = connections.durable().await?;
    for batch in batches(acked.iter().map(|acked| &acked.held)) {
        let keys: HeldRows = batch.iter().map(|&at| &acked[at].held).collect();
        let keep: Vec<bool> = batch.iter().map(|&at| acked[at].keep).collect();
        let ran: Vec<i64> = batch.iter().map(|&at| micros(acked[at].ran)).collect();
        let query = sqlx::query_scalar(sql::ACK).bind(connections.now()).bind_held(&keys).bind(&keep).bind(&ran);
        let matched = query.fetch_all(&mut *tx).await.map_err(error::of)?;
        answers.matched(&batch, matched, |at| &acked[at].held);
    }
    tx.commit().await?;
    Ok(answers.finished)
}

/// T5 and T7.
pub(super) async fn fail(connections: &Connections, failed: &[Failed]) -> Result<Vec<Finished>> {
    if failed.is_empty() {
        return Ok(Vec::new());
    }
    let mut answers = Answers::of(failed.len());
    let mut tx = connections.durable().await?;
    for batch in batches(failed.iter().map(|failed| &failed.held)) {
        let chunk: Vec<_> = batch.iter().map(|&at| &failed[at]).collect();
        let keys: HeldRows = chunk.iter().map(|failed| &failed.held).collect();
        let outcomes: Vec<&str> = chunk.iter().map(|failed| failed.outcome.as_str()).collect();
        let errors: Vec<String> = chunk.iter().map(|failed| storable(&failed.error)).collect();
        let ran: Vec<i64> = chunk.iter().map(|failed| micros(failed.ran)).collect();
        let (reasons, delays): (Vec<_>, Vec<_>) = chunk.iter().map(|failed| fate(failed.fate)).unzip();
        let query = sqlx::query_scalar(sql::FAIL).bind(connections.now()).bind_held(&keys);
        let query = query.bind(&outcomes).bind(&errors).bind(&ran).bind(&reasons).bind(&delays);
        let matched = query.fetch_all(&mut *tx).await.map_err(error::of)?;
        answers.matched(&batch, matched, |at| &failed[at].held);
    }
    tx.commit().await?;
    Ok(answers.finished)
}

/// T6.
pub(super) async fn snooze(connections: &Connections, snoozed: &[Snoozed]) -> Result<Vec<Finished>> {
    if snoozed.is_empty() {
        return Ok(Vec::new());
    }
    let mut answers = Answers::of(snoozed.len());
    let mut tx = connections.durable().await?;
    for batch in batches(snoozed.iter().map(|snoozed| &snoozed.held)) {
        let keys: HeldRows = batch.iter().map(|&at| &snoozed[at].held).collect();
        let delays: Vec<i64> = batch.iter().map(|&at| wait(snoozed[at].delay)).collect();
        let query = sqlx::query_scalar(sql::SNOOZE).bind(connections.now()).bind_held(&keys).bind(&delays);
        let matched = query.bind(i64::from(MAX_REFUNDS)).fetch_all(&mut *tx).await.map_err(error::of)?;
        answers.matched(&batch, matched, |at| &snoozed[at].held);
    }
    tx.commit().await?;
    Ok(answers.finished)
}

/// T8.
pub(super) async fn release(connections: &Connections, held: &[Held]) -> Result<Vec<Finished>> {
    if held.is_empty() {
        return Ok(Vec::new());
    }
    let mut answers = Answers::of(held.len());
    let mut tx = connections.durable().await?;
    for batch in batches(held.iter()) {
        let keys: HeldRows = batch.iter().map(|&at| &held[at]).collect();
        let query = sqlx::query_scalar(sql::RELEASE).bind_held(&keys).bind(i64::from(MAX_REFUNDS));
        let matched = query.fetch_all(&mut *tx).await.map_err(error::of)?;
        answers.matched(&batch, matched, |at| &held[at]);
    }
    tx.commit().await?;
    Ok(answers.finished)
}

/// One answer for each entry, in order.
struct Answers {
    finished: Vec<Finished>,
}

impl Answers {
    fn of(entries: usize) -> Self {
        Self { finished: vec![Finished::Stale; entries] }
    }

    /// Of the entries in `batch`, those happened whose ids a statement answered.
    fn matched<'h>(&mut self, batch: &[usize], ids: Vec<i64>, held: impl Fn(usize) -> &'h Held) {
        let ids: HashSet<i64> = ids.into_iter().collect();
        for &at in batch.iter().filter(|&&at| ids.contains(&held(at).position)) {
            self.finished[at] = Finished::Done;
        }
    }
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
