//! B6 and B7: a steady load of 800 sends a second to a receiver that takes a millisecond: with more and more attempts at
//! once, and while a reader or an idle writer holds the horizon.

use std::time::{Duration, Instant};

use signals_runtime::Signals;

use crate::bed::{Bed, Both, Pin, Place};
use crate::crew::{self, Crew};
use crate::facts::{Moments, Slow, slowly};
use crate::latency::{self, Load, Running};
use crate::said::{self, Said, Statements};
use crate::series::{PARTS, Series, micros, quantile};
use crate::{Result, Size, fill, log, turns};

/// Sends a second.
const RATE: f64 = 800.0;

/// Attempts at once.
const CONCURRENCY: [usize; 4] = [4, 16, 64, 256];

/// Attempts at once while the horizon is held.
const PINNED: usize = 64;

pub(crate) async fn measure(bed: &Bed, size: Size, series: &mut Series) -> Result {
    for (step, concurrency) in CONCURRENCY.into_iter().enumerate() {
        eprintln!("load: {concurrency} attempts at once ({} of {})", step + 1, CONCURRENCY.len());
        let name = format!("{concurrency} at once");
        let count = size.deliveries / 10;
        let alone = alone(concurrency, count).await?;
        let place = bed.place(20).await?;
        let drained = drained(&place, concurrency, count).await?;
        series.push(format!("1 ms each without deliveries, {name}"), "calls/s", alone);
        series.push(format!("drain of 1 ms each, {name}"), "deliveries/s", drained);
        series.push(format!("drain of 1 ms each / without deliveries, {name}, time"), "x", alone / drained);
        let start = log::end(place.pool()).await?;
        let steady = steady(bed, &place, concurrency, size.steady).await?;
        let logged = log::since(place.pool(), &start).await?;
        let name = format!("800 sends/s of 1 ms each, {name}");
        steady.tell(&name, series);
        series.push(format!("{name}, log of a send and its delivery"), "bytes each", logged.bytes / steady.sent);
        series.push(format!("{name}, commits of a send and its delivery"), "each", logged.commits / steady.sent);
        series.push(format!("{name}, dead rows"), "rows", place.dead_rows().await?);
    }
    Ok(())
}

/// The receiver's work itself, by as many tasks: calls a second.
async fn alone(concurrency: usize, count: usize) -> Result<f64> {
    let each = (count / concurrency).max(1);
    let began = Instant::now();
    turns::at_once(concurrency, |_| async move {
        for _ in 0..each {
            slowly().await;
        }
        Ok(())
    })
    .await?;
    Ok((each * concurrency) as f64 / began.elapsed().as_secs_f64())
}

/// From the first start to the last acknowledgement: deliveries a second.
async fn drained(place: &Place, concurrency: usize, count: usize) -> Result<f64> {
    fill::fill(&place.signals, 0, count, |number| Slow { number }).await?;
    let moments = Moments::of(0);
    let worker = place.another(5).worker().only(["bench.slow."]).state(moments.clone()).concurrency(concurrency);
    let crew = Crew::start([worker.build()?]);
    latency::started(&moments, 1).await?;
    let began = Instant::now();
    latency::started(&moments, count as u64).await?;
    crew::emptied(place).await?;
    let took = began.elapsed().as_secs_f64();
    crew.stop().await?;
    Ok(count as f64 / took)
}

pub(crate) async fn measure_pinned(bed: &Bed, size: Size, series: &mut Series) -> Result {
    let mut free = None;
    let holders = [
        (Pin::None, "nobody", size.free),
        (Pin::Reader, "a reader", size.pinned),
        (Pin::Writer, "an idle writer", size.pinned),
        (Pin::None, "nobody again", size.free),
    ];
    for (step, (pin, name, time)) in holders.into_iter().enumerate() {
        eprintln!("horizon: held by {name} for {} s ({} of {})", time.as_secs(), step + 1, holders.len());
        let place = bed.place(20).await?;
        let pinned = pin.hold(&place).await?;
        let steady = steady(bed, &place, PINNED, time).await?;
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
    sent: f64,
    /// Starts a second, from the first send to the last start.
    rate: f64,
    took: Both,
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
        for (part, of) in PARTS {
            series.push(format!("{name}, commit to start, {part}"), "ms", quantile(&self.latencies, of));
        }
        for (part, of) in PARTS {
            series.push(format!("{name}, claim {part}"), "ms", self.claim(of));
        }
        let sent = self.sent as usize;
        series.push(format!("{name}, our processor"), "us each", micros(self.took.own.processor, sent));
        series.push(format!("{name}, the server's processor"), "us each", micros(self.took.server, sent));
    }
}

async fn steady(bed: &Bed, place: &Place, concurrency: usize, time: Duration) -> Result<Steady> {
    let worker = Signals::new(Statements::ONE_OF_TEN.logged(place, 5));
    let running = Running { worker, prefix: "bench.slow.", concurrency: Some(concurrency) };
    let moments = Moments::of((RATE * time.as_secs_f64()) as usize + 1_000);
    let said = Said::from_here(bed);
    let load = Load { senders: 16, rate: Some(RATE), time };
    let watch = bed.watch()?;
    let sent = running.under(load, &place.signals, &moments, |number| Slow { number }).await?;
    let took = watch.stop()?;
    let claims = said.durations(bed, said::claim());
    if claims.is_empty() {
        return Err(format!("the server's log has no claim in it, which begins with `{}`", said::claim()).into());
    }
    let rate = sent.count / sent.took.as_secs_f64();
    Ok(Steady { sent: sent.count, rate, took, latencies: moments.latencies(), claims })
}
