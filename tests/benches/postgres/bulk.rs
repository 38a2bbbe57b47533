//! P8: many signals in one transaction, by `send_all` and by COPY of the same rows as text.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use signals_runtime::send_all;

use crate::bed::{Bed, Place};
use crate::facts::One;
use crate::series::Series;
use crate::{Result, Size, by_hand};

/// Each twice, in both orders: whoever comes second finds the disk busy with what the first has written.
pub(crate) async fn measure(bed: &Bed, size: Size, series: &mut Series) -> Result {
    let mut ours = sent(bed, size.bulk).await?;
    let copied = copied(bed, size.bulk).await? + copied(bed, size.bulk).await?;
    ours += sent(bed, size.bulk).await?;

    // Twice a signal and its delivery.
    let rows = 4.0 * size.bulk as f64;
    series.push("bulk send", "rows/s", rows / ours.as_secs_f64());
    series.push("COPY", "rows/s", rows / copied.as_secs_f64());
    series.push("bulk send / COPY of the same rows, time", "x", ours.as_secs_f64() / copied.as_secs_f64());
    Ok(())
}

async fn sent(bed: &Bed, count: usize) -> Result<Duration> {
    let facts: Vec<One> = (0..i64::try_from(count)?).map(One::new).collect();
    let place = bed.place(2).await?;
    let began = Instant::now();
    let mut tx = place.signals.begin().await?;
    send_all(&facts, &mut tx).await?;
    tx.commit().await?;
    Ok(began.elapsed())
}

async fn copied(bed: &Bed, count: usize) -> Result<Duration> {
    let place = bed.place(2).await?;
    let (signals, deliveries) = texts(&place, count).await?;
    let began = Instant::now();
    copy(&place, &signals, &deliveries).await?;
    Ok(began.elapsed())
}

/// The rows of both tables as COPY takes them, made before the clock runs. The receiver's id is known to the program.
async fn texts(place: &Place, count: usize) -> Result<(String, String)> {
    let receiver = by_hand::receivers(place.pool(), One::RECEIVERS).await?[0];
    let (mut signals, mut deliveries) = (String::new(), String::new());
    for id in 1..=i64::try_from(count)? {
        let payload = by_hand::payload(id)?;
        writeln!(signals, "{id}\tbench.one\t1\t{payload}\t{{{receiver}}}\tbench\t2026-01-01 00:00:00+00")?;
        writeln!(deliveries, "{receiver}\t1\t{id}")?;
    }
    Ok((signals, deliveries))
}

async fn copy(place: &Place, signals: &str, deliveries: &str) -> Result {
    let mut tx = by_hand::begin(place.pool()).await?;
    for (table, text) in [
        ("COPY signals.signal (id, name, version, payload, fanout, build, sent_at) FROM STDIN", signals),
        ("COPY signals.delivery (receiver, version, signal) FROM STDIN", deliveries),
    ] {
        let mut copy = tx.copy_in_raw(table).await?;
        for chunk in text.as_bytes().chunks(64 << 10) {
            copy.send(chunk).await?;
        }
        copy.finish().await?;
    }
    tx.commit().await?;
    Ok(())
}
