//! What operators see. Every answer is one snapshot, and none waits for a writer.

mod list;
mod trends;

use std::time::Duration;

use signals_core::Result;
use signals_core::delivery::{DeliveryId, ReceiverId};
use signals_core::store::{AttemptOutcome, AttemptRecord, Count, Counts, DeliveryDetail, LaneCounts, ReceiverInfo};
use signals_core::token::Incarnation;
use sqlx::postgres::PgRow;

use super::by_hand;
use super::connections::Connections;
use super::rows::{self, get as column, moment};
use super::time::Moment;
use super::{error, sql};

pub(super) use list::{find, list};
pub(super) use trends::trends;

/// Life, attempt, outcome, error, worker, when it ended, how long it ran.
type AttemptRow = (i32, i32, String, String, i64, Moment, Option<i64>);

/// Counts by lane and state.
pub(super) async fn counts(connections: &Connections) -> Result<Counts> {
    let bound = i64::try_from(Count::BOUND).map_err(error::foreign)?;
    let mut read = connections.read().await?;
    let query = sqlx::query(sql::COUNTS).bind(connections.now()).bind(bound);
    let found = query.fetch_all(&mut *read).await.map_err(error::of)?;
    read.end();
    let lanes = found.iter().map(|row| lane_counts(row, bound + 1)).collect::<Result<_>>()?;
    Ok(Counts { lanes })
}

fn lane_counts(row: &PgRow, most: i64) -> Result<LaneCounts> {
    let number = |name| column::<i64>(row, name);
    let count = |value: i64| Count(value.clamp(0, most).unsigned_abs());
    Ok(LaneCounts {
        // A receiver that holds nothing is shown with the version that signals have unless they say otherwise.
        lane: rows::lane(number("id")?, column::<Option<i64>>(row, "version")?.unwrap_or(1)),
        receiver: column(row, "name")?,
        signal: column(row, "signal")?,
        ready: count(number("ready")? + number("due")?),
        scheduled: count(number("scheduled")?),
        running: count(number("running")?),
        done: count(number("done")?),
        dead: count(number("dead")?),
        cancelled: count(number("cancelled")?),
        oldest: moment(row, "oldest")?,
        due_since: moment(row, "due_since")?.into_iter().chain(moment(row, "later_due")?).min(),
    })
}

/// The receivers, by name.
pub(super) async fn receivers(connections: &Connections) -> Result<Vec<ReceiverInfo>> {
    type Row = (i64, String, String, bool, bool, Vec<String>);
    let mut read = connections.read().await?;
    let rows: Vec<Row> = sqlx::query_as(sql::RECEIVERS).fetch_all(&mut *read).await.map_err(error::of)?;
    read.end();
    let info = |(id, name, signal, paused, retired, aliases): Row| ReceiverInfo {
        id: ReceiverId(id),
        name,
        aliases,
        signal,
        paused,
        retired,
    };
    Ok(rows.into_iter().map(info).collect())
}

/// One delivery with everything.
pub(super) async fn get(connections: &Connections, asked: DeliveryId) -> Result<Option<DeliveryDetail>> {
    let mut snapshot = connections.snapshot().await?;
    let Some((delivery, found)) = by_hand::find(&mut snapshot, asked).await? else { return Ok(None) };
    let (signal, receiver) = (delivery.signal.0, delivery.receiver.0);
    let place = (signal, receiver, found.place.map(|place| place.version.into()), found.place.map(|place| place.id));
    // None: in a lane, and what it refers to in `signals.signal` is gone.
    let Some(summary) = list::show(&mut snapshot, &[place]).await?.pop() else { return Ok(None) };
    let stored = sqlx::query(sql::GET_SIGNAL)
        .bind(signal)
        .bind(receiver)
        .fetch_optional(&mut *snapshot)
        .await
        .map_err(error::of)?;
    let attempts: Vec<AttemptRow> = sqlx::query_as(sql::GET_ATTEMPTS)
        .bind(signal)
        .bind(receiver)
        .fetch_all(&mut *snapshot)
        .await
        .map_err(error::of)?;
    let attempts = attempts.into_iter().map(attempt).collect::<Result<_>>()?;
    let signal = stored.map(|row| rows::signal(signal, &row)).transpose()?;
    Ok(Some(DeliveryDetail { summary, signal, attempts }))
}

fn attempt((life, attempt, outcome, error, worker, ended_at, ran): AttemptRow) -> Result<AttemptRecord> {
    let unknown = || error::foreign(format!("`{outcome}` is no outcome of an attempt"));
    Ok(AttemptRecord {
        life: rows::count(life.into()),
        attempt: rows::count(attempt.into()),
        outcome: AttemptOutcome::from_word(&outcome).ok_or_else(unknown)?,
        error,
        worker: Incarnation::from_bits(rows::count(worker)),
        ended_at: ended_at.0,
        ran: ran.map(|micros| Duration::from_micros(micros.max(0).unsigned_abs())),
    })
}
