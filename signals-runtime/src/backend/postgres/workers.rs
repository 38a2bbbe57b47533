//! The rows of `signals.worker`: who claims, and who is alive.

use std::time::Duration;

use signals_core::delivery::Lane;
use signals_core::store::{WorkerInfo, WorkerRecord};
use signals_core::token::Incarnation;
use signals_core::{Error, Result};
use sqlx::postgres::PgQueryResult;

use super::connections::Connections;
use super::time::{Moment, span};
use super::{error, migrate, rows, sql};

/// How often to draw before giving up: with a billion rows, each draw fails one time in four.
const DRAWS: usize = 64;

/// Incarnation, host, process, build, lanes, when it enlisted, when it was last seen.
type WorkerRow = (i64, String, i64, String, Vec<i64>, Moment, Moment);

/// Draws an incarnation that nobody had before, durably.
pub(super) async fn enlist(connections: &Connections, worker: &WorkerInfo) -> Result<Incarnation> {
    let mut tx = connections.durable().await?;
    migrate::check(&mut tx).await?;
    for _ in 0..DRAWS {
        let bits = fastrand::u32(..);
        let inserted = sqlx::query(sql::ENLIST)
            .bind(connections.now())
            .bind(i64::from(bits))
            .bind(&worker.host)
            .bind(i64::from(worker.pid))
            .bind(&worker.build)
            .bind(lanes(&worker.lanes))
            .execute(&mut *tx)
            .await
            .map_err(error::of)?;
        if inserted.rows_affected() == 1 {
            tx.commit().await?;
            return Ok(Incarnation::from_bits(bits));
        }
    }
    Err(error::foreign("no incarnation is left: the table `signals.worker` holds billions of rows"))
}

/// Notes that a worker is alive. A write, so its success proves that the connection can write.
pub(super) async fn heartbeat(connections: &Connections, incarnation: Incarnation, worker: &WorkerInfo) -> Result<()> {
    let mut tx = connections.quick_single().await?;
    let found = sqlx::query(sql::HEARTBEAT)
        .bind(connections.now())
        .bind(i64::from(incarnation.bits()))
        .bind(lanes(&worker.lanes))
        .execute(&mut *tx)
        .await
        .map_err(|error| tx.error(error))?;
    known(&found, incarnation)?;
    tx.commit().await
}

/// A worker whose row is not there must not go on as if it were: this is another database than the one it enlisted in,
/// restored or replaced, where its incarnation may be drawn again. As after a lost connection, it connects anew and
/// enlists.
fn known(found: &PgQueryResult, incarnation: Incarnation) -> Result<()> {
    if found.rows_affected() == 1 {
        return Ok(());
    }
    Err(Error::Unavailable(format!("worker {incarnation} never enlisted in this database: was it replaced?").into()))
}

/// Notes that a worker has stopped.
pub(super) async fn resign(connections: &Connections, incarnation: Incarnation) -> Result<()> {
    let mut tx = connections.quick_single().await?;
    let found = sqlx::query(sql::RESIGN)
        .bind(connections.now())
        .bind(i64::from(incarnation.bits()))
        .execute(&mut *tx)
        .await
        .map_err(|error| tx.error(error))?;
    known(&found, incarnation)?;
    tx.commit().await
}

/// The workers seen lately.
pub(super) async fn workers(connections: &Connections, within: Duration) -> Result<Vec<WorkerRecord>> {
    let mut read = connections.read().await?;
    let found: Vec<WorkerRow> = sqlx::query_as(sql::WORKERS)
        .bind(connections.now())
        .bind(span(within))
        .fetch_all(&mut *read)
        .await
        .map_err(error::of)?;
    read.end();
    let record = |(incarnation, host, pid, build, lanes, started, seen): WorkerRow| WorkerRecord {
        incarnation: Incarnation::from_bits(rows::count(incarnation)),
        host,
        pid: rows::count(pid),
        build,
        lanes: lanes.chunks_exact(2).map(|lane| rows::lane(lane[0], lane[1])).collect(),
        started: started.0,
        seen: seen.0,
    };
    Ok(found.into_iter().map(record).collect())
}

/// Pairs of receiver and version.
fn lanes(lanes: &[Lane]) -> Vec<i64> {
    lanes.iter().flat_map(|lane| [lane.receiver.0, i64::from(lane.version)]).collect()
}
