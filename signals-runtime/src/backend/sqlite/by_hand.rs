//! T10, T11 and switches: what operators decide.
//!
//! A batch is looked up twice: in a snapshot, where a scan of its lanes is in nobody's way, and again under the write lock by
//! primary key, at the places that the first look found. Only what moved in between is scanned for under the lock.

mod locate;
mod log;

use std::collections::HashMap;

use signals_core::delivery::{DeliveryId, ReceiverId};
use signals_core::store::{Acting, ActionId, Decided, Switch, Verb, Verdict};
use signals_core::{Error, Result};
use sqlx::SqliteConnection;

pub(super) use super::super::common::by_hand::{Deed, End};
use super::super::common::by_hand::{Ends, NewLife, go_on, judge_end, judge_retry};
use super::connections::{Connections, Writing};
use super::rows::{self, ToJson as _};
use super::send::draw;
use super::{error, finish, sql};

use locate::Places;
pub(super) use locate::find;
pub(super) use log::{actions, note};

/// T10 and T11, batch by batch.
pub(super) async fn decide(
    connections: &Connections,
    asked: &[DeliveryId],
    deed: Deed,
    acting: &Acting<'_>,
) -> Result<Decided> {
    let places = locate::places(connections, asked).await?;
    let mut decided = Decided { verdicts: Vec::with_capacity(asked.len()), action: acting.continues };
    let mut rest = asked;
    while !rest.is_empty() {
        let batch;
        (batch, rest) = places.split(rest);
        let done = decide_batch(connections, batch, &places, deed, acting, &mut decided.action).await;
        if !go_on(done, &mut decided)? {
            break;
        }
    }
    Ok(decided)
}

async fn decide_batch(
    connections: &Connections,
    batch: &[DeliveryId],
    places: &Places,
    deed: Deed,
    acting: &Acting<'_>,
    action: &mut Option<ActionId>,
) -> Result<Vec<Verdict>> {
    let mut tx = connections.durable().await?;
    let located = locate::under_lock(&mut tx, batch, places).await?;
    let (verb, changed, verdicts) = match deed {
        Deed::End(end) => {
            let ends = judge_end(batch, located, end);
            end_all(&mut tx, &ends, end, acting.actor).await?;
            (end.verb(), ends.count(), ends.verdicts)
        }
        Deed::Retry => {
            let (verdicts, mut lives) = judge_retry(batch, located);
            begin_lives(&mut tx, &mut lives, acting.actor).await?;
            (Verb::Retry, lives.len(), verdicts)
        }
    };
    let mut noted = *action;
    note(&mut tx, verb, acting, changed, &mut noted).await?;
    tx.commit().await?;
    *action = noted;
    Ok(verdicts)
}

async fn end_all(tx: &mut Writing<'_>, ends: &Ends, end: End, actor: &str) -> Result<()> {
    let now = tx.now().as_micros();
    for (count, keys, copy, remove) in [
        (ends.in_lanes.len(), ends.in_lanes.to_json()?, sql::END, sql::END_REMOVE),
        (ends.waiting.len(), ends.waiting.to_json()?, sql::END_LATER, sql::END_LATER_REMOVE),
    ] {
        if count == 0 {
            continue;
        }
        let settled = sqlx::query(copy)
            .bind(&keys)
            .bind(end.state().as_str())
            .bind(end.reason())
            .bind(actor)
            .bind(now)
            .execute(&mut **tx)
            .await
            .map_err(error::of)?;
        finish::all_copied(usize::try_from(settled.rows_affected()).map_err(error::foreign)?, count)?;
        sqlx::query(remove).bind(&keys).execute(&mut **tx).await.map_err(error::of)?;
    }
    Ok(())
}

async fn begin_lives(tx: &mut Writing<'_>, lives: &mut [NewLife], actor: &str) -> Result<()> {
    if lives.is_empty() {
        return Ok(());
    }
    let now = tx.now().as_micros();
    let first = draw(tx, lives.len()).await? + 1 - rows::limit(lives.len());
    for (life, id) in lives.iter_mut().zip(first..) {
        life.2 = id;
    }
    let keys = lives.to_json()?;
    sqlx::query(sql::RETRY_SIGNAL).bind(&keys).execute(&mut **tx).await.map_err(error::of)?;
    let query = sqlx::query(sql::RETRY).bind(&keys).bind(actor).bind(now);
    let begun = query.execute(&mut **tx).await.map_err(error::of)?;
    finish::all_copied(usize::try_from(begun.rows_affected()).map_err(error::foreign)?, lives.len())?;
    sqlx::query(sql::RETRY_SETTLED).bind(&keys).execute(&mut **tx).await.map_err(error::of)?;
    Ok(())
}

/// Pauses, resumes, retires or restores; whether that changed anything.
pub(super) async fn switch(
    connections: &Connections,
    receiver: ReceiverId,
    switch: Switch,
    actor: &str,
) -> Result<bool> {
    let (paused, retired) = match switch {
        Switch::Pause => (Some(true), None),
        Switch::Resume => (Some(false), None),
        Switch::Retire => (None, Some(true)),
        Switch::Restore => (None, Some(false)),
    };
    let mut tx = connections.durable().await?;
    let name: Option<String> = sqlx::query_scalar(sql::SWITCH)
        .bind(receiver.0)
        .bind(paused)
        .bind(retired)
        .fetch_optional(&mut *tx)
        .await
        .map_err(error::of)?;
    let Some(name) = name else { return Ok(false) };
    let acting = Acting { actor, subject: &name, continues: None };
    note(&mut tx, switch.verb(), &acting, 1, &mut None).await?;
    tx.commit().await?;
    Ok(true)
}

/// The receivers that were merged, and who took over.
async fn heirs(conn: &mut SqliteConnection) -> Result<HashMap<ReceiverId, ReceiverId>> {
    let rows: Vec<(i64, i64)> = sqlx::query_as(sql::HEIRS).fetch_all(conn).await.map_err(error::of)?;
    Ok(rows.into_iter().map(|(from, into)| (ReceiverId(from), ReceiverId(into))).collect())
}

/// Runs a statement whose parameters are all numbers.
pub(super) async fn execute(conn: &mut SqliteConnection, sql: &'static str, parameters: &[i64]) -> Result<u64, Error> {
    let query = parameters.iter().fold(sqlx::query(sql), |query, &parameter| query.bind(parameter));
    Ok(query.execute(conn).await.map_err(error::of)?.rows_affected())
}
