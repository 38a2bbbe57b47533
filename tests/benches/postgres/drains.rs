//! P3: four workers that drain no-op deliveries, beside raw SQL that updates and deletes as many rows in two statements; in
//! batches and one by one, with history and without. What a delivery costs in log, commits and processor time.

use std::time::Duration;

use signals_runtime::{PgBackend, Signals, defaults};

use crate::bed::{Bed, Place};
use crate::facts::One;
use crate::series::{Series, micros};
use crate::{Result, Size, by_hand, fill, log, raw, turns};

/// Workers, each with connections of its own, as in processes of their own.
const WORKERS: usize = 4;

/// Attempts at once, so that a claim can take 100.
const SLOTS: usize = 100;

/// Deliveries whose share of the log is counted.
const COUNTED: usize = 5_000;

pub(crate) async fn measure(bed: &Bed, size: Size, series: &mut Series) -> Result {
    for (what, history) in [("without history", Duration::ZERO), ("with history", defaults::HISTORY)] {
        compare(bed, what, history, size.deliveries, series).await?;
        logged(bed, what, history, series).await?;
    }
    one_by_one(bed, size.unbatched, series).await?;
    by_default(bed, size.deliveries / 4, series).await
}

/// Both ways, with the same rows.
async fn compare(bed: &Bed, what: &str, history: Duration, count: usize, series: &mut Series) -> Result {
    let place = filled(bed, count).await?;
    let watch = bed.watch()?;
    let updated = raw::at_once(place.pool(), !history.is_zero()).await?;
    let by_hand = watch.stop()?;
    if updated != count as u64 {
        return Err(format!("{updated} rows by hand, not {count}").into());
    }

    let place = filled(bed, count).await?;
    let watch = bed.watch()?;
    drain(&place, WORKERS, SLOTS, history).await?;
    let own = watch.stop()?;
    emptied(&place).await?;

    let rate = |took: Duration| count as f64 / took.as_secs_f64();
    series.push(format!("raw UPDATE and DELETE {what}"), "rows/s", rate(by_hand.own.wall));
    // Beside the ratio of times, which a busy machine bends: one session waits for its turn as many do not.
    series.push(
        format!("raw UPDATE and DELETE {what}, the server's processor"),
        "us each",
        micros(by_hand.server, count),
    );
    series.push(format!("drain {what}"), "deliveries/s", rate(own.own.wall));
    series.push(
        format!("drain {what} / raw UPDATE and DELETE, time"),
        "x",
        own.own.wall.as_secs_f64() / by_hand.own.wall.as_secs_f64(),
    );
    series.push(format!("drain {what}, our processor"), "us each", micros(own.own.processor, count));
    series.push(format!("drain {what}, the server's processor"), "us each", micros(own.server, count));
    series.push(format!("drain {what}, dead rows after it"), "each", place.dead_rows().await? / count as f64);
    Ok(())
}

/// One worker with one slot after another finishes one delivery at a time, and so does the raw SQL.
async fn one_by_one(bed: &Bed, count: usize, series: &mut Series) -> Result {
    let place = filled(bed, count).await?;
    let receiver = by_hand::receivers(place.pool(), One::RECEIVERS).await?[0];
    let watch = bed.watch()?;
    raw::one_by_one(place.pool(), receiver, WORKERS).await?;
    let by_hand = watch.stop()?.own.wall.as_secs_f64();

    let place = filled(bed, count).await?;
    let watch = bed.watch()?;
    drain(&place, WORKERS, 1, Duration::ZERO).await?;
    let own = watch.stop()?.own.wall.as_secs_f64();
    emptied(&place).await?;

    series.push("raw claims and deletes one by one", "rows/s", count as f64 / by_hand);
    series.push("drain with one slot a worker", "deliveries/s", count as f64 / own);
    series.push("drain with one slot a worker / raw one by one, time", "x", own / by_hand);
    Ok(())
}

/// One worker as it comes.
async fn by_default(bed: &Bed, count: usize, series: &mut Series) -> Result {
    let place = filled(bed, count).await?;
    let watch = bed.watch()?;
    drain(&place, 1, defaults::CONCURRENCY, defaults::HISTORY).await?;
    let own = watch.stop()?.own.wall.as_secs_f64();
    emptied(&place).await?;
    series.push("drain by one worker as it comes", "deliveries/s", count as f64 / own);
    Ok(())
}

async fn logged(bed: &Bed, what: &str, history: Duration, series: &mut Series) -> Result {
    let place = filled(bed, COUNTED).await?;
    let start = log::end(place.pool()).await?;
    drain(&place, WORKERS, SLOTS, history).await?;
    let logged = log::since(place.pool(), &start).await?;
    let each = |sum: f64| sum / COUNTED as f64;
    series.push(format!("drain {what}, log"), "bytes each", each(logged.bytes));
    series.push(format!("drain {what}, log, images of pages"), "bytes each", each(logged.images));
    series.push(format!("drain {what}, commits"), "each", each(logged.commits));
    Ok(())
}

async fn filled(bed: &Bed, count: usize) -> Result<Place> {
    let place = bed.place(u32::try_from(2 * WORKERS)? + 1).await?;
    fill::fill(&place.signals, 0, count, One::new).await?;
    Ok(place)
}

async fn drain(place: &Place, workers: usize, slots: usize, history: Duration) -> Result {
    let applications: Vec<Signals<PgBackend>> = (0..workers).map(|_| place.another(2)).collect();
    turns::at_once(workers, |at| {
        let signals = applications[at].clone();
        async move {
            let worker = signals.worker().only([One::RECEIVERS]).concurrency(slots).history(history).build()?;
            worker.drain().await?;
            Ok(())
        }
    })
    .await
}

/// Checks that nothing is left.
async fn emptied(place: &Place) -> Result {
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM signals.delivery").fetch_one(place.pool()).await?;
    if left > 0 { Err(format!("{left} deliveries were left").into()) } else { Ok(()) }
}
