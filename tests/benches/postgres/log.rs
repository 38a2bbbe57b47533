//! P2: what a transaction with a send adds to the write-ahead log, and how often it commits: read from the log itself.
//!
//! Images of whole pages are counted apart: how many there are depends on when the last checkpoint was. What no transaction
//! wrote (vacuum, checkpoints) is left out.

use sqlx::PgPool;

use crate::bed::Bed;
use crate::sends::Kind;
use crate::series::Series;
use crate::{Result, Size};

/// To how many signals are sent.
const RECEIVERS: [usize; 3] = [1, 3, 10];

/// What the log holds between two places.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Logged {
    pub(crate) bytes: f64,
    pub(crate) images: f64,
    pub(crate) commits: f64,
}

/// Where the log ends.
pub(crate) async fn end(pool: &PgPool) -> Result<String> {
    sqlx::query("CREATE EXTENSION IF NOT EXISTS pg_walinspect").execute(pool).await?;
    Ok(sqlx::query_scalar("SELECT pg_current_wal_flush_lsn()::text").fetch_one(pool).await?)
}

/// What was written since.
pub(crate) async fn since(pool: &PgPool, start: &str) -> Result<Logged> {
    let query = "
        SELECT coalesce(sum(record_length - fpi_length), 0)::float8, coalesce(sum(fpi_length), 0)::float8,
               count(*) FILTER (WHERE resource_manager = 'Transaction' AND record_type = 'COMMIT')::float8
        FROM pg_get_wal_records_info($1::pg_lsn, pg_current_wal_flush_lsn())
        WHERE xid <> '0'";
    let (bytes, images, commits) = sqlx::query_as(query).bind(start).fetch_one(pool).await?;
    Ok(Logged { bytes, images, commits })
}

pub(crate) async fn measure(bed: &Bed, size: Size, series: &mut Series) -> Result {
    let place = bed.place(2).await?;
    // Hints are not of the transaction, and there is at most one in 5 ms.
    let signals = place.signals.backend().clone().without_hints();
    let signals = signals_runtime::Signals::new(signals);
    let mut bare = None;
    for kind in Kind::all(&place, &RECEIVERS, true).await? {
        for _ in 0..size.logged / 5 {
            kind.run(&signals).await?;
        }
        let start = end(place.pool()).await?;
        for _ in 0..size.logged {
            kind.run(&signals).await?;
        }
        let logged = since(place.pool(), &start).await?;
        let (name, each) = (kind.name(), |sum: f64| sum / size.logged as f64);
        let bytes = each(logged.bytes);
        let bare = *bare.get_or_insert(bytes);
        series.push(format!("log, {name}"), "bytes", bytes);
        if matches!(kind, Kind::Send(_)) {
            series.push(format!("log, {name} - bare transaction"), "bytes", bytes - bare);
            series.push(format!("log, {name}, images of pages"), "bytes", each(logged.images));
            series.push(format!("log, {name}, commits"), "each", each(logged.commits));
        }
    }
    Ok(())
}
