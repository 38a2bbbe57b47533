//! Where deliveries are: a scan of their lanes, and what waits or is settled by primary key, in one snapshot.

use std::collections::HashMap;
use std::str::FromStr as _;

use signals_core::Result;
use signals_core::delivery::{DeliveryId, ReceiverId, State};
use sqlx::PgConnection;

use super::super::super::common::by_hand::{Found, Located, Place};
use super::super::{error, rows, sql};

/// Signal, receiver, state; version, and the id of one in a lane.
type LocatedRow = (i64, i64, String, i64, Option<i64>);

/// Where one delivery is: under its own id, or under the receiver that took over its receiver's names.
pub(in super::super) async fn find(conn: &mut PgConnection, asked: DeliveryId) -> Result<Option<(DeliveryId, Found)>> {
    Ok(look(conn, &[asked]).await?.find(asked))
}

/// Where all of `asked` are, each locked there; `None` when one moved in between. Then the transaction must end: what it
/// locked stands in key order, and what it would lock next does not follow it.
pub(super) async fn locked(conn: &mut PgConnection, asked: &[DeliveryId]) -> Result<Option<Located>> {
    let seen = look(&mut *conn, asked).await?;
    let found = lock(&mut *conn, &seen.found).await?;
    let is_all = found.len() == seen.found.len();
    Ok(is_all.then_some(Located { found, heirs: seen.heirs }))
}

async fn look(conn: &mut PgConnection, asked: &[DeliveryId]) -> Result<Located> {
    let mut located = Located { found: HashMap::new(), heirs: heirs(&mut *conn).await? };
    let keys = located.keys(asked);
    let (signals, receivers) = rows::columns(&keys);
    let found: Vec<LocatedRow> = sqlx::query_as(sql::LOCATE)
        .bind(&signals)
        .bind(&receivers)
        .bind(signals.iter().min())
        .bind(signals.iter().max())
        .fetch_all(conn)
        .await
        .map_err(error::of)?;
    located.found = read(found)?;
    Ok(located)
}

/// Locks what was found, table by table and each in key order; what is not there any more is absent from the answer.
async fn lock(conn: &mut PgConnection, seen: &HashMap<DeliveryId, Found>) -> Result<HashMap<DeliveryId, Found>> {
    let mut locked: Vec<LocatedRow> = Vec::with_capacity(seen.len());
    let places: Vec<(DeliveryId, Place)> = seen.iter().filter_map(|(id, found)| Some((*id, found.place?))).collect();
    if !places.is_empty() {
        let receivers: Vec<i64> = places.iter().map(|(id, _)| id.receiver.0).collect();
        let versions: Vec<i64> = places.iter().map(|(_, place)| place.version.into()).collect();
        let ids: Vec<i64> = places.iter().map(|(_, place)| place.id).collect();
        let query = sqlx::query_as(sql::LOCK_DELIVERIES).bind(receivers).bind(versions).bind(ids);
        locked.extend(query.fetch_all(&mut *conn).await.map_err(error::of)?);
    }
    for (statement, settled) in [(sql::LOCK_LATER, false), (sql::LOCK_SETTLED, true)] {
        let there = seen.iter().filter(|(_, found)| found.place.is_none() && found.state.is_settled() == settled);
        let (signals, receivers) = rows::columns(there.map(|(id, _)| id));
        if !signals.is_empty() {
            let query = sqlx::query_as(statement).bind(signals).bind(receivers);
            locked.extend(query.fetch_all(&mut *conn).await.map_err(error::of)?);
        }
    }
    read(locked)
}

fn read(found: Vec<LocatedRow>) -> Result<HashMap<DeliveryId, Found>> {
    let found = found.into_iter().map(|(signal, receiver, state, version, id)| {
        let place = id.map(|id| Place { version: rows::count(version), id });
        let state = State::from_str(&state).map_err(error::foreign)?;
        Ok((rows::delivery(signal, receiver), Found { state, place }))
    });
    found.collect()
}

/// The receivers that were merged, and who took over.
async fn heirs(conn: &mut PgConnection) -> Result<HashMap<ReceiverId, ReceiverId>> {
    let rows: Vec<(i64, i64)> = sqlx::query_as(sql::HEIRS).fetch_all(conn).await.map_err(error::of)?;
    Ok(rows.into_iter().map(|(from, into)| (ReceiverId(from), ReceiverId(into))).collect())
}
