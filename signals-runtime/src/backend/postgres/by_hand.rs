//! T10, T11 and switches: what operators decide.
//!
//! Where the deliveries of a batch are is looked up in one snapshot; then they are locked there, in key order, and what was
//! found under the locks counts. When one moved in between, all are looked for again.

mod locate;
mod log;

use signals_core::delivery::{DeliveryId, ReceiverId};
use signals_core::store::{Acting, ActionId, Decided, Switch, Verb, Verdict};
use signals_core::{Error, Result};

pub(super) use super::super::common::by_hand::{Deed, End};
use super::super::common::by_hand::{Ends, Located, NewLife, go_on, judge_end, judge_retry};
use super::connections::{Connections, Transaction};
use super::{error, sql};

pub(super) use locate::find;
pub(super) use log::{actions, note};

/// How many deliveries one transaction changes, for each brings its payload along.
const BATCH: usize = 250;

/// How often what has moved away from where it was found is looked for again.
const TIMES: usize = 5;

/// T10 and T11, batch by batch.
pub(super) async fn decide(
    connections: &Connections,
    asked: &[DeliveryId],
    deed: Deed,
    acting: &Acting<'_>,
) -> Result<Decided> {
    let mut decided = Decided { verdicts: Vec::with_capacity(asked.len()), action: acting.continues };
    for batch in asked.chunks(BATCH) {
        let done = decide_batch(connections, batch, deed, acting, &mut decided.action).await;
        if !go_on(done, &mut decided)? {
            break;
        }
    }
    Ok(decided)
}

async fn decide_batch(
    connections: &Connections,
    batch: &[DeliveryId],
    deed: Deed,
    acting: &Acting<'_>,
    action: &mut Option<ActionId>,
) -> Result<Vec<Verdict>> {
    let (mut tx, located) = begin_located(connections, batch).await?;
    let (verb, changed, verdicts) = match deed {
        Deed::End(end) => {
            let ends = judge_end(batch, located, end);
            end_all(connections, &mut tx, &ends, end, acting.actor).await?;
            (end.verb(), ends.count(), ends.verdicts)
        }
        Deed::Retry => {
            let (verdicts, lives) = judge_retry(batch, located);
            begin_lives(connections, &mut tx, &lives, acting.actor).await?;
            (Verb::Retry, lives.len(), verdicts)
        }
    };
    let mut noted = *action;
    note(connections, &mut tx, verb, acting, changed, &mut noted).await?;
    tx.commit().await?;
    *action = noted;
    Ok(verdicts)
}

/// A transaction that has the deliveries locked where they are.
///
/// # Errors
///
/// [`Error::Contention`] when they move faster than they can be locked.
async fn begin_located<'a>(connections: &'a Connections, batch: &[DeliveryId]) -> Result<(Transaction<'a>, Located)> {
    for _ in 0..TIMES {
        let mut tx = connections.large().await?;
        if let Some(located) = locate::locked(&mut tx, batch).await? {
            return Ok((tx, located));
        }
    }
    Err(Error::Contention("the deliveries move from one place to another faster than they can be locked".into()))
}

async fn end_all(
    connections: &Connections,
    tx: &mut Transaction<'_>,
    ends: &Ends,
    end: End,
    actor: &str,
) -> Result<()> {
    if !ends.in_lanes.is_empty() {
        let receivers: Vec<i64> = ends.in_lanes.iter().map(|&(receiver, ..)| receiver).collect();
        let versions: Vec<i64> = ends.in_lanes.iter().map(|&(_, version, _)| version.into()).collect();
        let ids: Vec<i64> = ends.in_lanes.iter().map(|&(.., id)| id).collect();
        let query = sqlx::query(sql::END).bind(connections.now()).bind(receivers).bind(versions).bind(ids);
        let query = query.bind(end.state().as_str()).bind(end.reason()).bind(actor);
        query.execute(&mut **tx).await.map_err(error::of)?;
    }
    if !ends.waiting.is_empty() {
        let (signals, receivers): (Vec<i64>, Vec<i64>) = ends.waiting.iter().copied().unzip();
        let query = sqlx::query(sql::END_LATER).bind(connections.now()).bind(signals).bind(receivers);
        let query = query.bind(end.state().as_str()).bind(end.reason()).bind(actor);
        query.execute(&mut **tx).await.map_err(error::of)?;
    }
    Ok(())
}

async fn begin_lives(
    connections: &Connections,
    tx: &mut Transaction<'_>,
    lives: &[NewLife],
    actor: &str,
) -> Result<()> {
    if lives.is_empty() {
        return Ok(());
    }
    let (signals, receivers): (Vec<i64>, Vec<i64>) =
        lives.iter().map(|&(signal, receiver, _)| (signal, receiver)).unzip();
    let query = sqlx::query(sql::RETRY_SIGNAL).bind(&signals).bind(&receivers);
    query.execute(&mut **tx).await.map_err(error::of)?;
    let query = sqlx::query(sql::RETRY).bind(connections.now()).bind(&signals).bind(&receivers).bind(actor);
    query.execute(&mut **tx).await.map(drop).map_err(error::of)
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
    let mut tx = connections.large().await?;
    // First, because it may wait: a merge that is under way decides whose the switch is.
    sqlx::query(sql::REGISTRY_LOCK).execute(&mut *tx).await.map_err(error::of)?;
    let name: Option<String> = sqlx::query_scalar(sql::SWITCH)
        .bind(receiver.0)
        .bind(paused)
        .bind(retired)
        .fetch_optional(&mut *tx)
        .await
        .map_err(error::of)?;
    let Some(name) = name else { return Ok(false) };
    let acting = Acting { actor, subject: &name, continues: None };
    note(connections, &mut tx, switch.verb(), &acting, 1, &mut None).await?;
    tx.commit().await?;
    Ok(true)
}
