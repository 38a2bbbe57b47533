//! P13: what a worker adds to the memory of its process that no file backs, while it has nothing to do; with a million
//! deliveries waiting that it may not start; and while it works them off.

use std::time::{Duration, Instant};

use crate::bed::{Bed, Place};
use crate::facts::One;
use crate::process::Process;
use crate::series::Series;
use crate::{Result, Size, fill};

/// The longest that a process takes to get ready.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a process that is ready is looked at; what it held most counts.
const LOOKED_AT: Duration = Duration::from_secs(3);

pub(crate) async fn measure(bed: &Bed, size: Size, series: &mut Series) -> Result {
    let place = bed.place(5).await?;
    let application = Process::idle(&place, false)?;
    let bare = most(&application, LOOKED_AT).await?;
    drop(application);
    let worker = Process::idle(&place, true)?;
    seen(&place, 1).await?;
    let idle = most(&worker, LOOKED_AT).await?;
    drop(worker);

    let name = "bench.one.1";
    place.signals.operate("bench").pause(name).await?;
    eprintln!("memory: sends {}", size.backlog);
    fill::fill(&place.signals, 0, size.backlog, One::new).await?;
    let worker = Process::idle(&place, true)?;
    seen(&place, 2).await?;
    let waiting = most(&worker, LOOKED_AT).await?;
    place.signals.operate("bench").resume(name).await?;
    let working = most(&worker, size.steady).await?;

    let pending = format!("{} deliveries waiting", size.backlog);
    series.push("memory, an application without a worker", "MiB", bare);
    series.push("memory, an idle worker - an application without", "MiB", idle - bare);
    series.push(format!("memory, {pending} - none"), "MiB", waiting - idle);
    series.push(format!("memory, {pending}, while it works them off - none"), "MiB", working - idle);
    Ok(())
}

/// The most that it holds in this time.
async fn most(process: &Process, time: Duration) -> Result<f64> {
    let began = Instant::now();
    let mut most: f64 = 0.0;
    while began.elapsed() < time {
        most = most.max(process.anonymous()?);
        tokio::time::sleep(Duration::from_millis(50)).await; // tidy: not a wait: how often it is looked at
    }
    Ok(most)
}

/// Waits until so many workers have shown themselves.
async fn seen(place: &Place, workers: i64) -> Result {
    let began = Instant::now();
    while sqlx::query_scalar::<_, i64>("SELECT count(*) FROM signals.worker").fetch_one(place.pool()).await? < workers {
        if began.elapsed() > PATIENCE {
            return Err("a worker's process did not get ready".into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await; // tidy: not a wait: a poll with a deadline
    }
    Ok(())
}
