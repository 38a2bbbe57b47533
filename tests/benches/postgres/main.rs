//! What signals cost on Postgres, each figure beside its baseline in the same run (goals P1 to P8 and P13). Run by
//! `cargo xtask bench postgres`, which holds the goals.
//!
//! Everything runs through the same driver, and but for `processes` and `memory` in this process, on a private server whose
//! commits wait for the disk. What is compared takes turns, so that a busy machine or a slow disk meets both sides alike;
//! medians of the rounds are printed. The name of a part ([`PARTS`]) runs that part alone, `--quick` measures less.

mod bed;
mod bulk;
mod by_hand;
mod claims;
mod crew;
mod defaults;
mod drains;
mod facts;
mod failures;
mod fill;
mod hand;
mod hints;
mod idle;
mod latency;
mod load;
mod log;
mod memory;
mod meter;
mod process;
mod raw;
mod said;
mod sends;
#[path = "../sqlite/series.rs"]
mod series;
mod turns;
mod unbatched;

use std::time::{Duration, Instant};

use bed::Bed;
use series::Series;

type Error = Box<dyn std::error::Error + Send + Sync>;
type Result<T = (), E = Error> = std::result::Result<T, E>;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
struct Size {
    rounds: usize,
    /// Blocks of transactions of each kind in a round.
    blocks: usize,
    /// Transactions whose write-ahead log is counted.
    logged: usize,
    /// Deliveries of one drain.
    deliveries: usize,
    /// Deliveries of a drain that takes them one by one.
    unbatched: usize,
    /// Signals of one bulk send.
    bulk: usize,
    /// Deliveries that wait while a claim is timed or memory is looked at, and dead rows that lie before a claim.
    backlog: usize,
    dead: usize,
    /// Sends on an idle system.
    idle: usize,
    /// How long a steady load goes on, one while the horizon is pinned, and those that it is compared with.
    steady: Duration,
    pinned: Duration,
    free: Duration,
}

const FULL: Size = Size {
    rounds: 3,
    blocks: 12,
    logged: 1_000,
    deliveries: 200_000,
    unbatched: 4_000,
    bulk: 100_000,
    backlog: 1_000_000,
    dead: 400_000,
    idle: 1_000,
    steady: Duration::from_secs(10),
    pinned: Duration::from_secs(300),
    free: Duration::from_secs(60),
};

const QUICK: Size = Size {
    rounds: 3,
    blocks: 4,
    logged: 300,
    deliveries: 40_000,
    unbatched: 1_000,
    bulk: 20_000,
    backlog: 200_000,
    dead: 100_000,
    idle: 100,
    steady: Duration::from_secs(4),
    pinned: Duration::from_secs(20),
    free: Duration::from_secs(20),
};

/// The parts, in the order in which they run. What is long takes turns within itself, and has one round.
const PARTS: [(&str, Rounds); 15] = [
    ("sends", Rounds::Several),
    ("log", Rounds::One),
    ("bulk", Rounds::Several),
    ("hints", Rounds::Several),
    ("drains", Rounds::Several),
    ("processes", Rounds::One),
    ("unbatched", Rounds::Several),
    ("defaults", Rounds::Several),
    ("claims", Rounds::One),
    ("memory", Rounds::One),
    ("idle", Rounds::One),
    ("latency", Rounds::One),
    ("load", Rounds::One),
    ("horizon", Rounds::One),
    ("failures", Rounds::Several),
];

/// How often a part is measured.
#[derive(Clone, Copy, Debug)]
enum Rounds {
    One,
    Several,
}

impl Rounds {
    fn of(self, size: Size) -> usize {
        match self {
            Self::One => 1,
            Self::Several => size.rounds,
        }
    }
}

#[tokio::main]
async fn main() -> Result {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    if words.first().is_some_and(|word| word == process::PROCESS) {
        return process::run(&words[1..]).await;
    }
    // What cargo gives to every bench.
    words.retain(|word| word != "--bench");
    let known = |word: &str| word == "--quick" || PARTS.iter().any(|(part, _)| *part == word);
    if let Some(unknown) = words.iter().find(|word| !known(word)) {
        return Err(
            format!("there is no part `{unknown}`: there are {}", PARTS.map(|(part, _)| part).join(", ")).into()
        );
    }
    // In a task, as the requests of a server are: the main thread is none of the runtime's own.
    #[expect(clippy::disallowed_methods, reason = "joined right here")]
    let measured = tokio::spawn(measure(words));
    measured.await?
}

async fn measure(words: Vec<String>) -> Result {
    let given = |word: &str| words.iter().any(|given| given == word);
    let size = if given("--quick") { QUICK } else { FULL };
    let all = !PARTS.iter().any(|(part, _)| given(part));
    let parts: Vec<(&str, usize)> = PARTS
        .into_iter()
        .filter(|(part, _)| all || given(part))
        .map(|(part, rounds)| (part, rounds.of(size)))
        .collect();
    let (mut step, steps) = (0, parts.iter().map(|(_, rounds)| rounds).sum::<usize>());
    let began = Instant::now();
    let mut bed = Bed::start().await?;
    bed.describe().await?;
    for (part, rounds) in parts {
        let (part_began, mut series) = (Instant::now(), Series::default());
        for round in 1..=rounds {
            step += 1;
            let (load, elapsed) = (bed::load(), began.elapsed().as_secs_f64());
            eprintln!(
                "step {step} of {steps}: {part}, round {round} of {rounds}, load {load} (elapsed {elapsed:.1} s)"
            );
            run(part, &bed, size, &mut series).await.map_err(|error| format!("{part}: {error}"))?;
            bed.fresh().await?;
        }
        // Now, not at the end: a run that is broken off has told what it had.
        println!("part = {part}");
        series.print();
        println!("time of {part} = {:.0} s", part_began.elapsed().as_secs_f64());
    }
    println!("load at the end = {}", bed::load());
    Ok(())
}

async fn run(part: &str, bed: &Bed, size: Size, series: &mut Series) -> Result {
    match part {
        "sends" => sends::measure(bed, size, series).await,
        "log" => log::measure(bed, size, series).await,
        "bulk" => bulk::measure(bed, size, series).await,
        "hints" => hints::measure(bed, size, series).await,
        "drains" => drains::measure(bed, size, series).await,
        "processes" => drains::measure_processes(bed, size, series).await,
        "unbatched" => unbatched::measure(bed, size, series).await,
        "defaults" => defaults::measure(bed, size, series).await,
        "claims" => claims::measure(bed, size, series).await,
        "memory" => memory::measure(bed, size, series).await,
        "idle" => idle::measure(bed, size, series).await,
        "latency" => latency::measure(bed, size, series).await,
        "load" => load::measure(bed, size, series).await,
        "horizon" => load::measure_pinned(bed, size, series).await,
        _ => failures::measure(bed, size, series).await,
    }
}
