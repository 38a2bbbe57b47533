//! What signals cost on Postgres, each figure beside its baseline in the same run (goals P1 to P8). Run by
//! `cargo xtask bench postgres`, which holds the goals.
//!
//! Everything runs in this process through the same driver, on a private server whose commits wait for the disk. What is
//! compared takes turns, so that a busy machine or a slow disk meets both sides alike; medians of the rounds are printed.
//! The name of a part (`sends`, `log`, `bulk`, `hints`, `drains`, `claims`, `latency`, `load`, `horizon`, `failures`) runs
//! that part alone, `--quick` measures less.

mod bed;
mod bulk;
mod by_hand;
mod claims;
mod drains;
mod facts;
mod failures;
mod fill;
mod hints;
mod latency;
mod load;
mod log;
mod raw;
mod sends;
#[path = "../sqlite/series.rs"]
mod series;
mod turns;

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
    /// Deliveries that wait while a claim is timed, and dead rows that lie before it.
    backlog: usize,
    dead: usize,
    /// How long a steady load goes on, and one while the horizon is pinned.
    steady: Duration,
    pinned: Duration,
}

const FULL: Size = Size {
    rounds: 5,
    blocks: 12,
    logged: 1_000,
    deliveries: 200_000,
    unbatched: 4_000,
    bulk: 100_000,
    backlog: 1_000_000,
    dead: 400_000,
    steady: Duration::from_secs(20),
    pinned: Duration::from_secs(300),
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
    steady: Duration::from_secs(4),
    pinned: Duration::from_secs(20),
};

/// The parts, in the order in which they run.
const PARTS: [&str; 10] =
    ["sends", "log", "bulk", "hints", "drains", "claims", "latency", "load", "horizon", "failures"];

#[tokio::main]
async fn main() -> Result {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    // What cargo gives to every bench.
    words.retain(|word| word != "--bench");
    if let Some(unknown) = words.iter().find(|word| *word != "--quick" && !PARTS.contains(&word.as_str())) {
        return Err(format!("there is no part `{unknown}`: there are {}", PARTS.join(", ")).into());
    }
    // In a task, as the requests of a server are: the main thread is none of the runtime's own.
    #[expect(clippy::disallowed_methods, reason = "joined right here")]
    let measured = tokio::spawn(measure(words));
    measured.await??.print();
    Ok(())
}

async fn measure(words: Vec<String>) -> Result<Series> {
    let given = |word: &str| words.iter().any(|given| given == word);
    let size = if given("--quick") { QUICK } else { FULL };
    let all = !PARTS.into_iter().any(given);
    let began = Instant::now();
    let mut bed = Bed::start().await?;
    let mut series = Series::default();
    bed.describe().await?;
    for part in PARTS.into_iter().filter(|part| all || given(part)) {
        // What is long takes turns within itself.
        let rounds = if ["claims", "latency", "load", "horizon"].contains(&part) { 1 } else { size.rounds };
        for round in 1..=rounds {
            let elapsed = began.elapsed().as_secs_f64();
            eprintln!("{part}: round {round} of {rounds}, load {} (elapsed {elapsed:.1} s)", bed::load());
            match part {
                "sends" => sends::measure(&bed, size, &mut series).await?,
                "log" => log::measure(&bed, size, &mut series).await?,
                "bulk" => bulk::measure(&bed, size, &mut series).await?,
                "hints" => hints::measure(&bed, size, &mut series).await?,
                "drains" => drains::measure(&bed, size, &mut series).await?,
                "claims" => claims::measure(&bed, size, &mut series).await?,
                "latency" => latency::measure(&bed, size, &mut series).await?,
                "load" => load::measure(&bed, size, &mut series).await?,
                "horizon" => load::measure_pinned(&bed, size, &mut series).await?,
                _ => failures::measure(&bed, size, &mut series).await?,
            }
        }
        bed.fresh().await?;
    }
    println!("load = {} at the end", bed::load());
    Ok(series)
}
