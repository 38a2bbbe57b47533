//! B4 and P6: from commit to start on an idle system, one send after a while of nothing; and what a worker asks of the server
//! that has nothing to do.

use std::time::Duration;

use signals_runtime::{PgBackend, Signal as _, Signals, defaults};
use tokio::time::MissedTickBehavior;

use crate::bed::{Bed, Place};
use crate::crew::Crew;
use crate::facts::{Moments, One, Timed};
use crate::said::{Said, Statements};
use crate::series::{PARTS, Series, quantile};
use crate::{Result, Size, latency};

/// How far apart the sends of one way are: fewer than ten a second, so that its worker counts as idle; and no multiple of a
/// poll's interval, so that they meet it at every moment of it.
const APART: Duration = Duration::from_millis(131);

/// How workers hear of commits, or what is different about them.
const WAYS: [&str; 5] = ["same process", "same process, claimed apart", DURABLE, "another process", "polling"];

/// What `durable_claims` is about: a claim of its own, which waits for the disk.
const DURABLE: &str = "same process, claimed apart, durable claims";

pub(crate) async fn measure(bed: &Bed, size: Size, series: &mut Series) -> Result {
    let mut ways = Vec::new();
    for way in WAYS {
        ways.push((way, Way::open(bed, way, size.idle).await?));
    }
    let apart = APART / u32::try_from(WAYS.len())?;
    let mut tick = tokio::time::interval(apart);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for number in 0..i64::try_from(size.idle)? {
        for (_, way) in &ways {
            tick.tick().await;
            way.send(number).await?;
            way.moments.committed(number);
        }
    }
    for (name, way) in ways {
        latency::started(&way.moments, size.idle as u64 + 1).await?;
        let latencies = way.moments.latencies();
        for (part, of) in PARTS {
            series.push(format!("commit to start, {name}, idle, {part}"), "ms", quantile(&latencies, of));
        }
        way.crew.stop().await?;
    }
    asked(bed, size.steady, "as it comes", defaults::POLL_IDLE, series).await?;
    asked(bed, size.steady, "that polls every 10 s", Duration::from_secs(10), series).await
}

/// An application with an idle worker.
struct Way {
    _place: Place,
    senders: Signals<PgBackend>,
    moments: Moments,
    crew: Crew,
}

impl Way {
    async fn open(bed: &Bed, name: &str, sends: usize) -> Result<Self> {
        let place = bed.place(5).await?;
        let backend = place.signals.backend().clone();
        let senders = match name {
            "polling" => Signals::new(backend.without_hints()),
            DURABLE => Signals::new(backend.durable_claims(true)),
            _ => place.signals.clone(),
        };
        let worker = if name.starts_with("same process") { senders.clone() } else { place.another(5) };
        let moments = Moments::of(sends);
        let worker = worker.worker().only(["bench.timed."]).state(moments.clone());
        let worker = worker.claim_in_sends(!name.contains("claimed apart")).build()?;
        let way = Self { _place: place, senders, moments, crew: Crew::start([worker]) };
        // Neither the worker nor anything prepared is there yet.
        way.send(-1).await?;
        latency::started(&way.moments, 1).await?;
        Ok(way)
    }

    async fn send(&self, number: i64) -> Result {
        let mut tx = self.senders.begin().await?;
        Timed { number }.send(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// The statements of a worker that has nothing to do, by the server's log.
async fn asked(bed: &Bed, time: Duration, name: &str, poll: Duration, series: &mut Series) -> Result {
    let place = bed.place(2).await?;
    let worker = Signals::new(Statements::ALL.logged(&place, 5));
    let worker = worker.worker().only([One::RECEIVERS]).poll(defaults::POLL_BUSY, poll).build()?;
    let crew = Crew::start([worker]);
    // What it does when it starts is another matter.
    tokio::time::sleep(Duration::from_secs(1)).await; // tidy: not a wait: a time that is not measured
    let said = Said::from_here(bed);
    tokio::time::sleep(time).await; // tidy: not a wait: the time that is measured
    let statements = said.durations(bed, "").len();
    crew.stop().await?;
    series.push(format!("an idle worker {name}, statements"), "/s", statements as f64 / time.as_secs_f64());
    Ok(())
}
