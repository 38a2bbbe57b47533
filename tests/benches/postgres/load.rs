//! B6 and B7: a steady load of 800 sends a second to a receiver that takes a millisecond: with more and more attempts at
//! once, and while a reader or an idle writer holds the horizon.

use std::time::{Duration, Instant};

use crate::bed::{Bed, Pin, Place, over};
use crate::facts::{Moments, Slow};
use crate::latency::{Load, Running};
use crate::series::{Series, quantile};
use crate::{Result, Size, fill};

/// Sends a second.
const RATE: f64 = 800.0;

/// Attempts at once.
const CONCURRENCY: [usize; 4] = [4, 16, 64, 256];

/// Attempts at once while the horizon is held.
const PINNED: usize = 64;

/// Where the server logs a claim that it has executed: the beginning of the statement's comment.
const CLAIM: &str = "-- T2: takes what is ready";

pub(crate) async fn measure(bed: &Bed, size: Size, series: &mut Series) -> Result {
    for concurrency in CONCURRENCY {
        eprintln!("load: {concurrency} attempts at once");
        let name = format!("{concurrency} at once");
        let place = bed.place(20).await?;
        let count = size.deliveries / 10;
        fill::fill(&place.signals, 0, count, |number| Slow { number }).await?;
        let worker = place.another(5);
        let worker = worker.worker().only(["bench.slow."]).state(Moments::of(0)).concurrency(concurrency).build()?;
        let began = Instant::now();
        worker.drain().await?;
        series.push(
            format!("drain of 1 ms each, {name}"),
            "deliveries/s",
            count as f64 / began.elapsed().as_secs_f64(),
        );
        let steady = steady(bed, &place, concurrency, size.steady).await?;
        steady.tell(&format!("800 sends/s of 1 ms each, {name}"), series);
    }
    Ok(())
}

pub(crate) async fn measure_pinned(bed: &Bed, size: Size, series: &mut Series) -> Result {
    let mut free = None;
    for (pin, name) in
        [(Pin::None, "nobody"), (Pin::Reader, "a reader"), (Pin::Writer, "an idle writer"), (Pin::None, "nobody again")]
    {
        eprintln!("horizon: held by {name} for {:?}", size.pinned);
        let place = bed.place(20).await?;
        let pinned = pin.hold(&place).await?;
        let steady = steady(bed, &place, PINNED, size.pinned).await?;
        let name = format!("800 sends/s, horizon held by {name}");
        series.push(format!("{name}, dead rows"), "rows", place.dead_rows().await?);
        drop(pinned);
        let free = free.get_or_insert_with(|| steady.clone());
        series.push(format!("{name} / nobody, completions"), "x", steady.rate / free.rate);
        series.push(format!("{name} / nobody, time"), "x", free.rate / steady.rate);
        series.push(format!("{name} / nobody, claim p50"), "x", steady.claim(0.5) / free.claim(0.5));
        steady.tell(&name, series);
    }
    Ok(())
}

/// What a load came to.
#[derive(Clone, Debug)]
struct Steady {
    /// Starts a second, from the first send to the last start.
    rate: f64,
    /// Milliseconds, sorted.
    latencies: Vec<f64>,
    claims: Vec<f64>,
}

impl Steady {
    fn claim(&self, part: f64) -> f64 {
        quantile(&self.claims, part)
    }

    fn tell(&self, name: &str, series: &mut Series) {
        series.push(format!("{name}, started"), "deliveries/s", self.rate);
        for (part, of) in [("p50", 0.5), ("p99", 0.99), ("max", 1.0)] {
            series.push(format!("{name}, commit to start, {part}"), "ms", quantile(&self.latencies, of));
        }
        series.push(format!("{name}, claim p50"), "ms", self.claim(0.5));
        series.push(format!("{name}, claim p99"), "ms", self.claim(0.99));
    }
}

async fn steady(bed: &Bed, place: &Place, concurrency: usize, time: Duration) -> Result<Steady> {
    // The server writes down how long the worker's statements take, on its sessions alone.
    let options = place.database.options().options([("log_min_duration_statement", "0")]);
    let worker = signals_runtime::Signals::new(over(options, 5));
    let running = Running { worker, prefix: "bench.slow.", concurrency: Some(concurrency) };
    let moments = Moments::of((RATE * time.as_secs_f64()) as usize + 1_000);
    let said = bed.said().len();
    let load = Load { senders: 16, rate: Some(RATE), time };
    let began = Instant::now();
    let sent = running.under(load, &place.signals, &moments, |number| Slow { number }).await?;
    let took = began.elapsed();
    let log = bed.said();
    let mut claims: Vec<f64> = log[said..].lines().filter_map(claim).collect();
    claims.sort_unstable_by(f64::total_cmp);
    Ok(Steady { rate: sent / took.as_secs_f64(), latencies: moments.latencies(), claims })
}

/// How long a claim took, in milliseconds, when this line says so.
fn claim(line: &str) -> Option<f64> {
    let (_, said) = line.split_once("duration: ")?;
    let (millis, statement) = said.split_once(" ms  ")?;
    (statement.starts_with("execute ") && statement.contains(CLAIM)).then_some(())?;
    millis.parse().ok()
}
