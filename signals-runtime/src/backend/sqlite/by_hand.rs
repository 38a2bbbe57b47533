//! T10 and T11: what operators decide about single deliveries, and pauses.

use std::str::FromStr as _;

use signals_core::delivery::{DeliveryId, ReceiverId, State};
use signals_core::store::DeathReason;
use signals_core::{Error, Result};
use sqlx::SqliteConnection;

use super::connections::Connections;
use super::send::draw;
use super::{error, finish, rows, sql};

/// How somebody ends a delivery that is ready or running.
#[derive(Clone, Copy)]
pub(super) enum End {
    /// It shall not run.
    Cancel,
    /// It is a dead letter.
    Discard,
}

impl End {
    const fn verb(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Discard => "discard",
        }
    }

    const fn state(self) -> State {
        match self {
            Self::Cancel => State::Cancelled,
            Self::Discard => State::Dead,
        }
    }

    const fn reason(self) -> Option<&'static str> {
        match self {
            Self::Cancel => None,
            Self::Discard => Some(DeathReason::ByHand.as_str()),
        }
    }
}

/// T10.
pub(super) async fn end(connections: &Connections, asked: DeliveryId, end: End, actor: &str) -> Result<()> {
    let mut tx = connections.durable().await?;
    let now = tx.now();
    let (delivery, state) = find(&mut tx, asked).await?.ok_or(Error::NotFound { delivery: asked })?;
    if state.is_settled() {
        return Err(Error::WrongState { delivery: asked, state, verb: end.verb() });
    }
    let (signal, receiver) = (delivery.signal.0, delivery.receiver.0);
    let row: Option<(i64, i64, i64, Option<i64>)> = sqlx::query_as(sql::FIND_DELIVERY)
        .bind(signal)
        .bind(receiver)
        .fetch_optional(&mut *tx)
        .await
        .map_err(error::of)?;
    if let Some((version, id, life, token)) = row {
        let row = (
            receiver,
            rows::count(version),
            id,
            signal,
            rows::count(life),
            token,
            end.state().as_str(),
            end.reason(),
            Some(actor),
            None,
        );
        let settled = finish::settle(&mut tx, &[row], now).await?;
        finish::all_copied(settled, 1)?;
        sqlx::query(sql::REMOVE_BY_HAND)
            .bind(receiver)
            .bind(version)
            .bind(id)
            .execute(&mut *tx)
            .await
            .map_err(error::of)?;
    } else {
        let settled = sqlx::query(sql::SETTLE_LATER)
            .bind(signal)
            .bind(receiver)
            .bind(end.state().as_str())
            .bind(end.reason())
            .bind(actor)
            .bind(now.as_micros())
            .execute(&mut *tx)
            .await
            .map_err(error::of)?;
        finish::all_copied(usize::try_from(settled.rows_affected()).map_err(error::foreign)?, 1)?;
        execute(&mut tx, sql::REMOVE_LATER, &[signal, receiver]).await?;
    }
    tx.commit().await
}

/// T11.
pub(super) async fn retry(connections: &Connections, asked: DeliveryId, actor: &str) -> Result<()> {
    let mut tx = connections.durable().await?;
    let (delivery, state) = find(&mut tx, asked).await?.ok_or(Error::NotFound { delivery: asked })?;
    let wrong = |state| Error::WrongState { delivery: asked, state, verb: "retry" };
    match state {
        State::Dead | State::Cancelled => {}
        State::Ready | State::Running | State::Done => return Err(wrong(state)),
    }
    let (signal, receiver) = (delivery.signal.0, delivery.receiver.0);
    // What a merge cancelled belongs to the receiver that took over, unless that has the signal itself.
    let into = match heir(&mut tx, receiver).await? {
        None => receiver,
        Some(heir) => match locate(&mut tx, rows::delivery(signal, heir)).await? {
            None => heir,
            Some(_) => return Err(wrong(state)),
        },
    };
    execute(&mut tx, sql::RETRY_SIGNAL, &[signal, receiver]).await?;
    let id = draw(&mut tx, 1).await?;
    sqlx::query(sql::RETRY)
        .bind(signal)
        .bind(receiver)
        .bind(into)
        .bind(id)
        .bind(actor)
        .execute(&mut *tx)
        .await
        .map_err(error::of)?;
    execute(&mut tx, sql::RETRY_SETTLED, &[signal, receiver]).await?;
    if into != receiver {
        execute(&mut tx, sql::RETRY_ATTEMPTS, &[signal, receiver, into]).await?;
    }
    tx.commit().await
}

/// Stops or resumes claims of a receiver.
pub(super) async fn pause(connections: &Connections, receiver: ReceiverId, paused: bool) -> Result<()> {
    let mut tx = connections.durable().await?;
    execute(&mut tx, sql::PAUSE, &[receiver.0, i64::from(paused)]).await?;
    tx.commit().await
}

/// Where a delivery is: under its own id, or under the receiver that took over its receiver's names.
pub(super) async fn find(conn: &mut SqliteConnection, asked: DeliveryId) -> Result<Option<(DeliveryId, State)>> {
    if let Some(state) = locate(conn, asked).await? {
        return Ok(Some((asked, state)));
    }
    let Some(heir) = heir(conn, asked.receiver.0).await? else { return Ok(None) };
    let delivery = rows::delivery(asked.signal.0, heir);
    Ok(locate(conn, delivery).await?.map(|state| (delivery, state)))
}

async fn locate(conn: &mut SqliteConnection, delivery: DeliveryId) -> Result<Option<State>> {
    let found: Option<(String, i64, i64)> = sqlx::query_as(sql::FIND)
        .bind(delivery.signal.0)
        .bind(delivery.receiver.0)
        .fetch_optional(conn)
        .await
        .map_err(error::of)?;
    found.map(|(state, ..)| State::from_str(&state).map_err(error::foreign)).transpose()
}

async fn heir(conn: &mut SqliteConnection, receiver: i64) -> Result<Option<i64>> {
    sqlx::query_scalar(sql::FIND_HEIR).bind(receiver).fetch_optional(conn).await.map_err(error::of)
}

/// Runs a statement whose parameters are all numbers.
pub(super) async fn execute(conn: &mut SqliteConnection, sql: &'static str, parameters: &[i64]) -> Result<u64> {
    let query = parameters.iter().fold(sqlx::query(sql), |query, &parameter| query.bind(parameter));
    Ok(query.execute(conn).await.map_err(error::of)?.rows_affected())
}
