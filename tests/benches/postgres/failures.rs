//! B14: a drain in which 1, 10 and 50 of a hundred deliveries fail at their first attempt, beside one in which none does.

use std::time::Instant;

use crate::bed::Bed;
use crate::crew::{self, Crew};
use crate::facts::{Flaky, Moments};
use crate::series::Series;
use crate::{Result, Size, fill, latency};

/// Of a hundred.
const FAILING: [i64; 4] = [0, 1, 10, 50];

pub(crate) async fn measure(bed: &Bed, size: Size, series: &mut Series) -> Result {
    let count = size.deliveries / 10;
    let mut without = None;
    for failing in FAILING {
        let place = bed.place(5).await?;
        fill::fill(&place.signals, 0, count, |number| Flaky { number, failing }).await?;
        let moments = Moments::of(0);
        let worker = place.another(5);
        let worker = worker.worker().only(["bench.flaky."]).state(moments.clone()).concurrency(100).build()?;
        let crew = Crew::start([worker]);
        latency::started(&moments, 1).await?;
        let began = Instant::now();
        latency::started(&moments, count as u64).await?;
        crew::emptied(&place).await?;
        let took = began.elapsed().as_secs_f64();
        crew.stop().await?;
        let without = *without.get_or_insert(took);
        series.push(format!("drain with {failing} % failures"), "deliveries/s", count as f64 / took);
        series.push(format!("drain with {failing} % failures / without, time"), "x", took / without);
    }
    Ok(())
}
