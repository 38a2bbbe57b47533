//! What each default of a worker costs: one worker as it comes, and one with the alternative to each, in turn.

use std::time::Duration;

use signals_runtime::{Signals, Worker};

use crate::bed::{Bed, Place};
use crate::facts::{One, Three};
use crate::series::{Series, micros};
use crate::{Result, Size, crew, drains};

/// Who works, and what is different about them.
const WORKERS: [&str; 7] = [
    "as it comes",
    "without history",
    "with durable claims",
    "with 64 at once",
    "with 256 at once",
    "with four receivers",
    "with four receivers and lane_share 1",
];

pub(crate) async fn measure(bed: &Bed, size: Size, series: &mut Series) -> Result {
    let count = size.deliveries / 4;
    let mut as_it_comes = None;
    for name in WORKERS {
        let place = drains::filled(bed, count).await?;
        let took = crew::drain(bed, &place, count, vec![worker(&place, name)?]).await?;
        let wall = took.own.wall.as_secs_f64();
        let name = format!("drain by one worker {name}");
        series.push(name.clone(), "deliveries/s", count as f64 / wall);
        let ratio = wall / *as_it_comes.get_or_insert(wall);
        series.push(format!("{name} / as it comes, time"), "x", ratio);
        series.push(format!("{name}, our processor"), "us each", micros(took.own.processor, count));
        series.push(format!("{name}, the server's processor"), "us each", micros(took.server, count));
    }
    Ok(())
}

fn worker(place: &Place, name: &str) -> Result<Worker> {
    Ok(match name {
        "with durable claims" => {
            let backend = place.another(2).backend().clone().durable_claims(true);
            Signals::new(backend).worker().only([One::RECEIVERS]).build()?
        }
        "with four receivers" => place.another(2).worker().only([One::RECEIVERS, Three::RECEIVERS]).build()?,
        "with four receivers and lane_share 1" => {
            place.another(2).worker().only([One::RECEIVERS, Three::RECEIVERS]).lane_share(1.0).build()?
        }
        "without history" => crew::worker(place, |worker| worker.history(Duration::ZERO))?,
        "with 64 at once" => crew::worker(place, |worker| worker.concurrency(64))?,
        "with 256 at once" => crew::worker(place, |worker| worker.concurrency(256))?,
        _ => crew::worker(place, |worker| worker)?,
    })
}
