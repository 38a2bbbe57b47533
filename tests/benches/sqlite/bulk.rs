//! Many signals in one transaction: `send_all` beside the same rows by multi-row INSERTs through the same driver.

use std::path::Path;

use signals_runtime::send_all;

use crate::facts::{self, One};
use crate::series::{Series, Watch};
use crate::{Result, Size, raw};

pub(crate) async fn measure(place: &Path, size: Size, series: &mut Series) -> Result {
    let facts: Vec<One> = (0..size.bulk as i64).map(One::new).collect();
    // A signal and its delivery.
    let rows = 2.0 * size.bulk as f64;
    let signals = facts::open(&place.join("bulk.db")).await?;
    let watch = Watch::start();
    let mut tx = signals.begin().await?;
    send_all(&facts, &mut tx).await?;
    tx.commit().await?;
    let ours = watch.stop();

    let other = facts::open(&place.join("bulk-raw.db")).await?;
    let watch = Watch::start();
    raw::insert(other.backend().pool(), &facts).await?;
    let raw = watch.stop();

    series.push("bulk send", "rows/s", rows / ours.wall.as_secs_f64());
    series.push("multi-row INSERT", "rows/s", rows / raw.wall.as_secs_f64());
    series.push("bulk send / multi-row INSERT, time", "x", ours.wall.as_secs_f64() / raw.wall.as_secs_f64());
    signals.backend().pool().close().await;
    other.backend().pool().close().await;
    Ok(())
}
