//! The rows of `signals_worker`: who claims, and who is alive.

use std::time::Duration;

use signals_core::clock::Timestamp;
use signals_core::delivery::Lane;
use signals_core::store::{WorkerInfo, WorkerRecord};
use signals_core::token::Incarnation;
use signals_core::{Error, Result};
use sqlx::sqlite::SqliteQueryResult;

use super::connections::Connections;
use super::rows::{self, ToJson as _};
use super::{error, migrate, sql};

/// How often to draw before giving up: with a billion rows, each draw fails one time in four.
const DRAWS: usize = 64;

/// Draws an incarnation that nobody had before, durably.
pub(super) async fn enlist(connections: &Connections, worker: &WorkerInfo) -> Result<Incarnation> {
    let mut tx = connections.durable().await?;
    migrate::check(&mut tx).await?;
    let now = tx.now().as_micros();
    let lanes = lanes(&worker.lanes)?;
    for _ in 0..DRAWS {
        let bits = fastrand::u32(..);
        let inserted = sqlx::query(sql::ENLIST)
            .bind(i64::from(bits))
            .bind(&worker.host)
            .bind(i64::from(worker.pid))
            .bind(&worker.build)
            .bind(&lanes)
            .bind(now)
            .execute(&mut *tx)
            .await
            .map_err(error::of)?;
        if inserted.rows_affected() == 1 {
            tx.commit().await?;
            return Ok(Incarnation::from_bits(bits));
        }
    }
    Err(error::foreign("no incarnation is left: the table `signals_worker` holds billions of rows"))
}

/// Notes that a worker is alive. A write, so its success proves that the connection can write.
pub(super) async fn heartbeat(connections: &Connections, incarnation: Incarnation, worker: &WorkerInfo) -> Result<()> {
    let mut tx = connections.quick_write().await?;
    let now = tx.now().as_micros();
    let found = sqlx::query(sql::HEARTBEAT)
        .bind(i64::from(incarnation.bits()))
        .bind(lanes(&worker.lanes)?)
        .bind(now)
        .execute(&mut *tx)
        .await
        .map_err(error::of)?;
    known(&found, incarnation)?;
    tx.commit().await
}

/// A worker whose row is not there must not go on as if it were: this is another database than the one it enlisted in,
/// restored or replaced, where its incarnation may be drawn again. As after a lost connection, it opens the file anew
/// and enlists.
fn known(found: &SqliteQueryResult, incarnation: Incarnation) -> Result<()> {
    if found.rows_affected() == 1 {
        return Ok(());
    }
    Err(Error::Unavailable(format!("worker {incarnation} never enlisted in this database: was it replaced?").into()))
}

/// Notes that a worker has stopped.
pub(super) async fn resign(connections: &Connections, incarnation: Incarnation) -> Result<()> {
    let mut tx = connections.quick_write().await?;
    let now = tx.now().as_micros();
    let found = sqlx::query(sql::RESIGN)
        .bind(i64::from(incarnation.bits()))
        .bind(now)
        .execute(&mut *tx)
        .await
        .map_err(error::of)?;
    known(&found, incarnation)?;
    tx.commit().await
}

/// The workers seen lately.
pub(super) async fn workers(connections: &Connections, within: Duration) -> Result<Vec<WorkerRecord>> {
    let since = connections.now().saturating_sub(within).as_micros();
    let rows: Vec<(i64, String, i64, String, String, i64, i64)> = sqlx::query_as(sql::WORKERS)
        .bind(since)
        .fetch_all(&mut *connections.reads().await?)
        .await
        .map_err(error::of)?;
    rows.into_iter()
        .map(|(incarnation, host, pid, build, lanes, started, seen)| {
            let lanes: Vec<(i64, i64)> = serde_json::from_str(&lanes).map_err(error::foreign)?;
            Ok(WorkerRecord {
                incarnation: Incarnation::from_bits(rows::count(incarnation)),
                host,
                pid: rows::count(pid),
                build,
                lanes: lanes.into_iter().map(|(receiver, version)| rows::lane(receiver, version)).collect(),
                started: Timestamp::from_micros(started),
                seen: Timestamp::from_micros(seen),
            })
        })
        .collect::<Result<_, Error>>()
}

fn lanes(lanes: &[Lane]) -> Result<String> {
    let lanes: Vec<(i64, u32)> = lanes.iter().map(|lane| (lane.receiver.0, lane.version)).collect();
    lanes.to_json()
}
