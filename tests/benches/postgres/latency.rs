//! P6: from the end of a commit to the start of its receiver, by a worker as it comes: with some sends, with a thousand
//! a second, and with all that 32 senders can do; in the senders' process, in another one, and by polling alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use signals_runtime::{PgBackend, Signal, Signals};

use crate::bed::Bed;
use crate::facts::{Moments, Timed};
use crate::series::{PARTS, Series, quantile};
use crate::{Result, Size, turns};

/// The longest that the last start is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who sends how much.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) senders: usize,
    /// Sends a second of all senders together; none: as many as they can.
    pub(crate) rate: Option<f64>,
    pub(crate) time: Duration,
}

/// How a worker hears of commits.
const WAYS: [&str; 3] = ["same process", "another process", "polling"];

pub(crate) async fn measure(bed: &Bed, size: Size, series: &mut Series) -> Result {
    let loads = [
        ("140 sends/s", Load { senders: 1, rate: Some(140.0), time: size.steady }),
        ("1000 sends/s", Load { senders: 16, rate: Some(1_000.0), time: size.steady }),
        ("32 senders flat out", Load { senders: 32, rate: None, time: size.steady }),
    ];
    let steps = WAYS.len() * loads.len() - 1;
    let mut step = 0;
    for way in WAYS {
        // Nobody polls for want of hints and sends as fast as possible.
        for (what, load) in loads.into_iter().filter(|(_, load)| way != "polling" || load.rate.is_some()) {
            step += 1;
            eprintln!("latency: {way}, {what} ({step} of {steps})");
            let place = bed.place(40).await?;
            let senders = match way {
                "polling" => Signals::new(place.signals.backend().clone().without_hints()),
                _ => place.signals.clone(),
            };
            let worker = if way == "same process" { senders.clone() } else { place.another(20) };
            let moments = Moments::of(4_000_000);
            let running = Running { worker, prefix: "bench.timed.", concurrency: None };
            let sent = running.under(load, &senders, &moments, |number| Timed { number }).await?;
            let latencies = moments.latencies();
            for (name, part) in PARTS {
                series.push(format!("commit to start, {way}, {what}, {name}"), "ms", quantile(&latencies, part));
            }
            let rate = sent.count / load.time.as_secs_f64();
            series.push(format!("commit to start, {way}, {what}, sends"), "tx/s", rate);
        }
    }
    Ok(())
}

/// What came of a load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) count: f64,
    /// From the first send to the last start.
    pub(crate) took: Duration,
}

/// A worker under a load.
pub(crate) struct Running {
    pub(crate) worker: Signals<PgBackend>,
    /// The receivers that it runs.
    pub(crate) prefix: &'static str,
    /// Attempts at once; none: the default.
    pub(crate) concurrency: Option<usize>,
}

impl Running {
    /// Sends until the load is over, waits until everything has started, and stops the worker.
    pub(crate) async fn under<S: Signal>(
        self,
        load: Load,
        senders: &Signals<PgBackend>,
        moments: &Moments,
        new: impl Fn(i64) -> S + Clone + Send + Sync + 'static,
    ) -> Result<Sent> {
        let worker = self.worker.worker().only([self.prefix]).state(moments.clone());
        let worker = match self.concurrency {
            Some(attempts) => worker.concurrency(attempts),
            None => worker,
        };
        let worker = worker.build()?;
        let (done, stop) = tokio::sync::oneshot::channel::<()>();
        let (report, sent) = tokio::join!(
            worker.run_until(async {
                let _ = stop.await;
            }),
            async {
                let sent = all_started(load, senders, moments, new).await;
                drop(done);
                sent
            }
        );
        report?;
        sent
    }
}

async fn all_started<S: Signal>(
    load: Load,
    senders: &Signals<PgBackend>,
    moments: &Moments,
    new: impl Fn(i64) -> S + Clone + Send + Sync + 'static,
) -> Result<Sent> {
    // Neither the worker nor anything prepared is there yet: what comes before the load has no number.
    turns::at_once(load.senders, |_| {
        let (signals, new) = (senders.clone(), new.clone());
        async move { send(&signals, &new(-1)).await }
    })
    .await?;
    started(moments, load.senders as u64).await?;
    let numbers = Arc::new(AtomicI64::new(0));
    let began = moments.now();
    turns::at_once(load.senders, |at| {
        let (signals, moments, numbers, new) = (senders.clone(), moments.clone(), Arc::clone(&numbers), new.clone());
        async move {
            let apart = load.rate.map(|rate| Duration::from_secs_f64(load.senders as f64 / rate));
            let began = Instant::now();
            // Senders that keep time together would come in bursts.
            let offset = apart.unwrap_or_default().mul_f64(at as f64 / load.senders as f64);
            let mut next = began + offset;
            while next.max(Instant::now()) < began + load.time {
                tokio::time::sleep_until(next.into()).await; // tidy: not a wait: the rate that is measured
                let number = numbers.fetch_add(1, Ordering::Relaxed);
                send(&signals, &new(number)).await?;
                moments.committed(number);
                next = apart.map_or_else(Instant::now, |apart| next + apart);
            }
            Ok(())
        }
    })
    .await?;
    let sent = numbers.load(Ordering::Relaxed);
    started(moments, load.senders as u64 + u64::try_from(sent)?).await?;
    Ok(Sent { count: sent as f64, took: moments.last_start().saturating_sub(began) })
}

async fn send(signals: &Signals<PgBackend>, signal: &impl Signal) -> Result {
    let mut tx = signals.begin().await?;
    signal.send(&mut tx).await?;
    tx.commit().await?;
    Ok(())
}

/// Waits until so many have started.
pub(crate) async fn started(moments: &Moments, count: u64) -> Result {
    let began = Instant::now();
    while moments.starts() < count {
        if began.elapsed() > PATIENCE {
            return Err(format!("only {} of {count} have started", moments.starts()).into());
        }
        tokio::time::sleep(Duration::from_millis(5)).await; // tidy: not a wait: the pause of a poll with a deadline
    }
    Ok(())
}
