//! One queue's turn, and what all turns came to.

use signals_cluster::Server;

use crate::Size;
use crate::alone::{self, Beside};
use crate::measure::{self, Done};
use crate::queue::Queue;
use crate::signals::Signals;

/// The values in the order in which they first came: what was measured, by whom, the unit, one value a round.
#[derive(Debug, Default)]
pub(crate) struct Figures(Vec<(String, &'static str, &'static str, Vec<f64>)>);

impl Figures {
    /// Measures one queue. What it cannot do is said, and the others go on.
    pub(crate) async fn turn<Q: Queue>(&mut self, server: &Server, tuned: bool, size: Size) {
        let (how, Size { limit, starts, .. }) = (how(tuned), size);
        let drained = measure::drain::<Q>(server, tuned, if tuned { size.tuned } else { size.untuned }, limit).await;
        self.done(Q::NAME, &format!("drain, {how}"), drained, "us each, time", 1.0);
        let facts = if tuned { size.facts } else { size.facts / 4 };
        let fanned = measure::fan_out::<Q>(server, tuned, facts, limit).await;
        self.done(Q::NAME, &format!("1 to 5, {how}"), fanned, "us a fact, time", 5.0);
        let what = format!("commit to start, {how}");
        match measure::starts::<Q>(server, tuned, starts, limit).await {
            Ok(latencies) => {
                for (unit, part) in [("ms, p50", 0.5), ("ms, p99", 0.99), ("ms, max", 1.0)] {
                    let last = latencies.len().saturating_sub(1) as f64;
                    let value = latencies.get((last * part).round() as usize).copied().unwrap_or(f64::NAN);
                    self.push(&what, Q::NAME, unit, value);
                }
            }
            Err(error) => say(Q::NAME, &what, &error),
        }
    }

    /// Measures the transactions of `1 to 5` where there is no queue.
    pub(crate) async fn alone(&mut self, server: &Server, size: Size) {
        for beside in Beside::ALL {
            let done = alone::transactions(server, beside, size).await;
            self.done(beside.name(), &format!("1 to 5, {}", how(true)), done, "us a fact, time", 5.0);
        }
    }

    fn done(&mut self, who: &'static str, what: &str, done: anyhow::Result<Done>, unit: &'static str, each: f64) {
        match done {
            Ok(done) => self.push(what, who, unit, done.micros(each)),
            Err(error) => say(who, what, &error),
        }
    }

    fn push(&mut self, what: &str, who: &'static str, unit: &'static str, value: f64) {
        // A run that is ended early has told what it had.
        eprintln!("{what}: {who}: {value:.3} {unit}");
        match self.0.iter_mut().find(|row| (row.0.as_str(), row.1, row.2) == (what, who, unit)) {
            Some((.., values)) => values.push(value),
            None => self.0.push((what.to_owned(), who, unit, vec![value])),
        }
    }

    /// For each thing that was measured: `what: who, of what: median unit`, and what we take of the best of the others, a line
    /// each.
    pub(crate) fn print(self) {
        let mut medians: Vec<_> =
            self.0.into_iter().map(|(what, who, unit, values)| (what, who, unit, median(values))).collect();
        // What is compared stands together, whoever came first in which round.
        medians.sort_by(|one, other| (&one.0, one.2).cmp(&(&other.0, other.2)));
        for figures in medians.chunk_by(|one, other| one.0 == other.0) {
            println!("part = {}", figures[0].0);
            for same in figures.chunk_by(|one, other| one.2 == other.2) {
                print_same(same);
            }
        }
    }
}

/// What was measured of all of them.
fn print_same(figures: &[(String, &str, &str, f64)]) {
    for (what, who, unit, median) in figures {
        let (unit, of) = unit.split_once(", ").unwrap_or((unit, ""));
        println!("{what}: {who}, {of}: {median:.4} {unit}");
    }
    let is_peer = |who: &str| !own_names().contains(&who) && Beside::ALL.iter().all(|beside| beside.name() != who);
    let best = figures.iter().filter(|(_, who, ..)| is_peer(who)).map(|(.., median)| *median).min_by(f64::total_cmp);
    for (what, who, unit, own) in figures.iter().filter(|(_, who, ..)| own_names().contains(who)) {
        let of = unit.split_once(", ").map_or("", |(_, of)| of);
        if let Some(best) = best {
            println!("{what}: {who} / best peer, {of}: {:.4} x", own / best);
        }
    }
}

/// Ours, which are compared with the best of the others.
fn own_names() -> [&'static str; 2] {
    [<Signals>::NAME, Signals::<false>::NAME]
}

pub(crate) fn how(tuned: bool) -> &'static str {
    if tuned { "tuned" } else { "as it comes" }
}

fn say(who: &str, what: &str, error: &anyhow::Error) {
    eprintln!("{who} could not be measured at `{what}`: {error:#}");
    println!("{who}, {what} = could not be measured: {}", format!("{error:#}").replace('\n', " "));
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let (len, middle) = (values.len(), values.len() / 2);
    if len % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}
