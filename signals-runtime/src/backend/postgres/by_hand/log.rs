//! The log of actions: one line for each thing done by hand, in the transaction that did it.

use signals_core::Result;
use signals_core::store::{Acting, Action, ActionId, Verb};

use super::super::connections::{Connections, Transaction};
use super::super::time::Moment;
use super::super::{error, rows, sql};

/// Writes the line of an action that changed `count` deliveries, or counts them in the line that it continues.
pub(in super::super) async fn note(
    connections: &Connections,
    tx: &mut Transaction<'_>,
    verb: Verb,
    acting: &Acting<'_>,
    count: usize,
    action: &mut Option<ActionId>,
) -> Result<()> {
    if count == 0 {
        return Ok(());
    }
    if let Some(ActionId(id)) = *action {
        let counted: Option<i64> = sqlx::query_scalar(sql::ACTION_COUNT)
            .bind(id)
            .bind(rows::limit(count))
            .fetch_optional(&mut **tx)
            .await
            .map_err(error::of)?;
        if counted.is_some() {
            return Ok(());
        }
    }
    let id: i64 = sqlx::query_scalar(sql::ACTION)
        .bind(connections.now())
        .bind(acting.actor)
        .bind(verb.as_str())
        .bind(acting.subject)
        .bind(rows::limit(count))
        .fetch_one(&mut **tx)
        .await
        .map_err(error::of)?;
    *action = Some(ActionId(id));
    Ok(())
}

/// The log, newest first.
pub(in super::super) async fn actions(
    connections: &Connections,
    before: Option<ActionId>,
    limit: usize,
) -> Result<Vec<Action>> {
    type Row = (i64, Moment, String, String, String, i64);
    let mut read = connections.read().await?;
    let rows: Vec<Row> = sqlx::query_as(sql::ACTIONS)
        .bind(before.map_or(i64::MAX, |before| before.0))
        .bind(rows::limit(limit))
        .fetch_all(&mut *read)
        .await
        .map_err(error::of)?;
    read.end();
    let action = |(id, at, actor, verb, subject, count): Row| Action {
        id: ActionId(id),
        at: at.0,
        actor,
        verb,
        subject,
        count: count.max(0).unsigned_abs(),
    };
    Ok(rows.into_iter().map(action).collect())
}
