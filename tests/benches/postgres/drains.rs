//! P3 and B1: four workers that drain no-op deliveries, beside raw SQL that updates and deletes as many rows in two statements,
//! with history and without; the same by processes. What a delivery costs in log, commits, dead rows and processor time.

use std::time::Duration;

use signals_runtime::{Worker, defaults};

use crate::bed::{Bed, Place};
use crate::facts::One;
use crate::process::Process;
use crate::series::{Series, micros};
use crate::{Result, Size, crew, fill, log, raw};

/// Workers, each with connections of its own, as in processes of their own.
const WORKERS: usize = 4;

/// Attempts at once, so that a claim can take 100.
const SLOTS: usize = 100;

/// Deliveries whose share of the log is counted.
const COUNTED: usize = 5_000;

/// Processes that drain together.
const PROCESSES: [usize; 3] = [1, 2, 4];

pub(crate) async fn measure(bed: &Bed, size: Size, series: &mut Series) -> Result {
    for (what, history) in [("without history", Duration::ZERO), ("with history", defaults::HISTORY)] {
        compare(bed, what, history, size.deliveries, series).await?;
        logged(bed, what, history, series).await?;
    }
    Ok(())
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
    let own = crew::drain(bed, &place, count, workers(&place, history)?).await?;

    let rate = |took: Duration| count as f64 / took.as_secs_f64();
    let raw = format!("raw UPDATE and DELETE {what}");
    series.push(raw.clone(), "rows/s", rate(by_hand.own.wall));
    // Beside the ratio of times, which a busy machine bends: one session waits for its turn as many do not.
    series.push(format!("{raw}, the server's processor"), "us each", micros(by_hand.server, count));
    series.push(format!("drain {what}"), "deliveries/s", rate(own.own.wall));
    let ratio = own.own.wall.as_secs_f64() / by_hand.own.wall.as_secs_f64();
    series.push(format!("drain {what} / raw UPDATE and DELETE, time"), "x", ratio);
    series.push(format!("drain {what}, our processor"), "us each", micros(own.own.processor, count));
    series.push(format!("drain {what}, the server's processor"), "us each", micros(own.server, count));
    let ratio = own.server.as_secs_f64() / by_hand.server.as_secs_f64();
    series.push(format!("drain {what} / raw UPDATE and DELETE, the server's processor"), "x", ratio);
    series.push(format!("drain {what}, dead rows after it"), "each", place.dead_rows().await? / count as f64);
    Ok(())
}

async fn logged(bed: &Bed, what: &str, history: Duration, series: &mut Series) -> Result {
    let place = filled(bed, COUNTED).await?;
    let start = log::end(place.pool()).await?;
    crew::drain(bed, &place, COUNTED, workers(&place, history)?).await?;
    let logged = log::since(place.pool(), &start).await?;
    let each = |sum: f64| sum / COUNTED as f64;
    series.push(format!("drain {what}, log"), "bytes each", each(logged.bytes));
    series.push(format!("drain {what}, log, images of pages"), "bytes each", each(logged.images));
    series.push(format!("drain {what}, commits"), "each", each(logged.commits));
    Ok(())
}

/// By processes that share nothing but the database: from before they start until the last has ended.
pub(crate) async fn measure_processes(bed: &Bed, size: Size, series: &mut Series) -> Result {
    for processes in PROCESSES {
        let place = filled(bed, size.deliveries).await?;
        let watch = bed.watch()?;
        let drains = (0..processes).map(|_| Process::drain(&place, SLOTS)).collect::<Result<Vec<_>>>()?;
        let mut own = Duration::ZERO;
        for drain in drains {
            own += drain.processor_time().await?;
        }
        let took = watch.stop()?;
        crew::emptied(&place).await?;
        let name = format!("drain with history, {processes} processes");
        series.push(name.clone(), "deliveries/s", size.deliveries as f64 / took.own.wall.as_secs_f64());
        series.push(format!("{name}, our processor"), "us each", micros(own, size.deliveries));
        series.push(format!("{name}, the server's processor"), "us each", micros(took.server, size.deliveries));
    }
    Ok(())
}

/// A database where so many deliveries of [`One`] wait.
pub(crate) async fn filled(bed: &Bed, count: usize) -> Result<Place> {
    let place = bed.place(u32::try_from(2 * WORKERS)? + 1).await?;
    fill::fill(&place.signals, 0, count, One::new).await?;
    Ok(place)
}

fn workers(place: &Place, history: Duration) -> Result<Vec<Worker>> {
    (0..WORKERS).map(|_| crew::worker(place, |worker| worker.concurrency(SLOTS).history(history))).collect()
}
