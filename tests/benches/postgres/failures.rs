//! B14: a drain in which 1, 10 and 50 of a hundred deliveries fail at their first attempt, beside one in which none does.

use std::time::{Duration, Instant};

use crate::bed::Bed;
use crate::facts::{Flaky, Moments};
use crate::series::Series;
use crate::{Result, Size, fill};

/// Of a hundred.
const FAILING: [i64; 4] = [0, 1, 10, 50];

/// The longest that a drain may take.
const PATIENCE: Duration = Duration::from_secs(600);

pub(crate) async fn measure(bed: &Bed, size: Size, series: &mut Series) -> Result {
    let count = size.deliveries / 10;
    let mut without = None;
    for failing in FAILING {
        let place = bed.place(5).await?;
        fill::fill(&place.signals, 0, count, |number| Flaky { number, failing }).await?;
        let moments = Moments::of(0);
        let worker = place.another(5);
        let worker = worker.worker().only(["bench.flaky."]).state(moments.clone()).concurrency(100).build()?;
        let began = Instant::now();
        worker
            .run_until(async {
                while moments.starts() < count as u64 && began.elapsed() < PATIENCE {
                    tokio::time::sleep(Duration::from_millis(1)).await; // tidy: not a wait: a poll with a deadline
                }
            })
            .await?;
        if moments.starts() < count as u64 {
            return Err(format!("only {} of {count} came to an end", moments.starts()).into());
        }
        let took = began.elapsed().as_secs_f64();
        let without = *without.get_or_insert(took);
        series.push(format!("drain with {failing} % failures"), "deliveries/s", count as f64 / took);
        series.push(format!("drain with {failing} % failures / without, time"), "x", took / without);
    }
    Ok(())
}
