//! One queue's turn, and what all turns came to.

use std::time::{Duration, Instant};

use signals_cluster::Server;

use crate::meter::{self, TIMED};
use crate::queue::{Place, Queue};
use crate::{PATIENCE, Size};

/// How far apart sends are whose start is timed.
const APART: Duration = Duration::from_millis(7);

/// Clients that send facts at once.
const CLIENTS: i64 = 8;

/// The values in the order in which they first came: what was measured, by whom, the unit, one value a round.
#[derive(Debug, Default)]
pub(crate) struct Figures(Vec<(String, &'static str, &'static str, Vec<f64>)>);

impl Figures {
    /// Measures one queue. What it cannot do is said, and the others go on.
    pub(crate) async fn turn<Q: Queue + 'static>(&mut self, server: &Server, tuned: bool, size: Size) {
        let how = if tuned { "tuned" } else { "as it comes" };
        let count = if tuned { size.tuned } else { size.untuned };
        match drain::<Q>(server, tuned, count).await {
            Ok(took) => self.push(format!("drain, {how}"), Q::NAME, "us each, time", micros(took, count)),
            Err(error) => say(Q::NAME, "drain", &error),
        }
        match fan_out::<Q>(server, tuned, if tuned { size.facts } else { size.facts / 4 }).await {
            Ok(took) => self.push(format!("1 to 5, {how}"), Q::NAME, "us each, time", took),
            Err(error) => say(Q::NAME, "1 to 5", &error),
        }
        match starts::<Q>(server, tuned, size.starts).await {
            Ok(latencies) => {
                for (unit, part) in [("ms, p50", 0.5), ("ms, p99", 0.99)] {
                    let last = latencies.len().saturating_sub(1) as f64;
                    let value = latencies.get((last * part).round() as usize).copied().unwrap_or(f64::NAN);
                    self.push(format!("commit to start, {how}"), Q::NAME, unit, value);
                }
            }
            Err(error) => say(Q::NAME, "commit to start", &error),
        }
    }

    fn push(&mut self, what: String, who: &'static str, unit: &'static str, value: f64) {
        // A run that is ended early has told what it had.
        eprintln!("{what}: {who}: {value:.3} {unit}");
        match self.0.iter_mut().find(|row| (&row.0, row.1, row.2) == (&what, who, unit)) {
            Some((.., values)) => values.push(value),
            None => self.0.push((what, who, unit, vec![value])),
        }
    }

    /// `what: who, of what: median unit`, and what we take of the best of the others, a line each.
    pub(crate) fn print(self) {
        let medians: Vec<_> =
            self.0.into_iter().map(|(what, who, unit, values)| (what, who, unit, median(values))).collect();
        for (what, who, unit, median) in &medians {
            let (unit, of) = unit.split_once(", ").unwrap_or((unit, ""));
            println!("{what}: {who}, {of}: {median:.4} {unit}");
        }
        for (what, _, unit, own) in medians.iter().filter(|(_, who, ..)| *who == crate::signals::Signals::NAME) {
            let same = |row: &&(String, &str, &str, f64)| (&row.0, row.2) == (what, *unit);
            let others = medians.iter().filter(same).filter(|(_, who, ..)| *who != crate::signals::Signals::NAME);
            if let Some(best) = others.map(|(.., median)| *median).min_by(f64::total_cmp) {
                let of = unit.split_once(", ").map_or("", |(_, of)| of);
                println!("{what}: signals / best peer, {of}: {:.4} x", own / best);
            }
        }
    }
}

fn say(who: &str, what: &str, error: &anyhow::Error) {
    eprintln!("{who} could not be measured at `{what}`: {error:#}");
    println!("{who}, {what} = could not be measured: {}", format!("{error:#}").replace('\n', " "));
}

/// From the start of a worker until nothing is left.
async fn drain<Q: Queue>(server: &Server, tuned: bool, count: i64) -> anyhow::Result<Duration> {
    let place = Place::new(server).await?;
    let queue = Q::open(&place).await?;
    queue.fill(count).await?;
    meter::reset();
    let began = Instant::now();
    let working = queue.work(tuned).await?;
    drained(&queue, count).await?;
    let took = began.elapsed();
    drop(working);
    Ok(took)
}

/// Sends facts by several clients, and drains what they sent; microseconds of one fact.
async fn fan_out<Q: Queue + 'static>(server: &Server, tuned: bool, facts: i64) -> anyhow::Result<f64> {
    let place = Place::new(server).await?;
    let queue = std::sync::Arc::new(Q::open(&place).await?);
    meter::reset();
    let began = Instant::now();
    let working = queue.work(tuned).await?;
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..CLIENTS {
        let queue = std::sync::Arc::clone(&queue);
        clients.spawn(async move {
            for number in (client..facts).step_by(CLIENTS as usize) {
                queue.fact(number).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(client) = clients.join_next().await {
        client??;
    }
    drained(&*queue, 5 * facts).await?;
    let took = began.elapsed();
    drop(working);
    Ok(micros(took, facts))
}

async fn starts<Q: Queue>(server: &Server, tuned: bool, count: i64) -> anyhow::Result<Vec<f64>> {
    let place = Place::new(server).await?;
    let queue = Q::open(&place).await?;
    meter::reset();
    let working = queue.work(tuned).await?;
    // The worker may not be there yet, and nothing is prepared.
    queue.one(0).await?;
    ran(1).await?;
    let mut committed = Vec::new();
    for number in TIMED..TIMED + count {
        tokio::time::sleep(APART).await;
        queue.one(number).await?;
        committed.push((number, Instant::now()));
    }
    ran(count + 1).await?;
    drop(working);
    Ok(meter::latencies(&committed))
}

async fn drained<Q: Queue>(queue: &Q, count: i64) -> anyhow::Result<()> {
    ran(count).await?;
    let began = Instant::now();
    while queue.left().await? > 0 {
        anyhow::ensure!(began.elapsed() < PATIENCE, "all ran, but not all was acknowledged");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(())
}

async fn ran(count: i64) -> anyhow::Result<()> {
    let began = Instant::now();
    while meter::count() < u64::try_from(count)? {
        anyhow::ensure!(began.elapsed() < PATIENCE, "only {} of {count} ran in {PATIENCE:?}", meter::count());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

fn micros(took: Duration, count: i64) -> f64 {
    took.as_secs_f64() * 1e6 / count as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let (len, middle) = (values.len(), values.len() / 2);
    if len % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}
