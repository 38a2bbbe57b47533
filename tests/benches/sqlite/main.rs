//! What signals cost on SQLite with `synchronous=FULL` (goal P9): a send beside the same transaction without it, a drain
//! beside raw SQL that claims and deletes. Run by `cargo xtask bench sqlite`, which holds the goals.
//!
//! Everything runs in this process through the same driver, on files that the library opened and with its tables.
//! Rounds are interleaved, so that a busy machine or a slow disk meets both sides alike; medians of the rounds are
//! printed. `sends`, `bulk` and `drains` run one part alone, `--quick` measures less.

mod bulk;
mod drains;
mod facts;
mod machine;
mod raw;
mod sends;
mod series;

use std::time::Instant;

use series::Series;

type Error = Box<dyn std::error::Error + Send + Sync>;
type Result<T = (), E = Error> = std::result::Result<T, E>;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
struct Size {
    rounds: usize,
    /// Blocks of transactions of each kind in a round.
    blocks: usize,
    /// Deliveries of one drain.
    deliveries: usize,
    /// Signals of one bulk send.
    bulk: usize,
}

const FULL: Size = Size { rounds: 5, blocks: 100, deliveries: 50_000, bulk: 20_000 };
const QUICK: Size = Size { rounds: 3, blocks: 40, deliveries: 15_000, bulk: 5_000 };

#[tokio::main]
async fn main() -> Result {
    // In a task, as the requests of a server are: the main thread is none of the runtime's own.
    #[expect(clippy::disallowed_methods, reason = "joined right here")]
    let measured = tokio::spawn(measure(std::env::args().skip(1).collect()));
    measured.await??.print();
    Ok(())
}

async fn measure(words: Vec<String>) -> Result<Series> {
    let given = |word: &str| words.iter().any(|given| given == word);
    let size = if given("--quick") { QUICK } else { FULL };
    let all = !["sends", "bulk", "drains"].into_iter().any(given);
    let began = Instant::now();
    let dir = tempfile::TempDir::new()?;
    let mut series = Series::default();
    machine::describe(&dir.path().join("settings.db")).await?;
    for round in 1..=size.rounds {
        let rounds = size.rounds;
        let progress = |what: &str| {
            eprintln!("round {round} of {rounds}: {what} (elapsed {:.1} s)", began.elapsed().as_secs_f64());
        };
        let place = dir.path().join(round.to_string());
        std::fs::create_dir(&place)?;
        if all || given("sends") {
            progress("transactions with and without sends");
            sends::measure(&place, size, &mut series).await?;
        }
        if all || given("bulk") {
            progress("bulk sends");
            bulk::measure(&place, size, &mut series).await?;
        }
        if all || given("drains") {
            progress("drains");
            drains::measure(&place, size, &mut series).await?;
        }
        // What a connection that is still closing leaves goes with the folder around it.
        let _ = std::fs::remove_dir_all(&place);
    }
    Ok(series)
}
