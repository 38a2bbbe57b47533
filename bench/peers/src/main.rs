//! The same work on signals and on other queues over Postgres: ours and theirs in turn, in one run, on one server with the
//! same settings. Run by `cargo xtask bench peers`, which holds the goals.
//!
//! Each queue is measured twice: as it comes, and tuned as its documentation advises. Times are medians of the rounds;
//! ratios are of our time to that of the best of the others.
//!
//! | what | how |
//! |---|---|
//! | drain | no-op work for one receiver, enqueued in bulk, from the start of the worker until nothing is left |
//! | 1 to 5 | business transactions, each with a row and work for five: one signal to five receivers, or five jobs, for others have no fan-out; sent and drained |
//! | commit to start | one piece of work in a transaction, every few milliseconds |

mod apalis_queue;
mod awa_queue;
mod compare;
mod graphile;
mod meter;
mod queue;
mod ruststream_queue;
mod signals;
mod work;

use std::time::{Duration, Instant};

use signals_cluster::{Binaries, Cluster, Settings};

use crate::compare::Figures;
use crate::queue::Queue;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
struct Size {
    rounds: usize,
    /// Pieces of work of a drain, when tuned and as it comes: some do a hundred a second then.
    tuned: i64,
    untuned: i64,
    /// Business transactions of the fan-out.
    facts: i64,
    /// Sends whose start is timed.
    starts: i64,
}

const FULL: Size = Size { rounds: 3, tuned: 100_000, untuned: 10_000, facts: 4_000, starts: 500 };
const QUICK: Size = Size { rounds: 1, tuned: 10_000, untuned: 1_000, facts: 500, starts: 100 };

/// The longest that the work of one measurement is waited for: what is slower is said to be, and has no figure.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let quick = std::env::args().any(|arg| arg == "--quick");
    let size = if quick { QUICK } else { FULL };
    let settings = Settings::durable()
        .set("shared_buffers", "512MB")
        .set("max_wal_size", "4GB")
        .set("checkpoint_timeout", "15min");
    let cluster = Cluster::start_with(Binaries::find_or_install()?, settings)?;
    describe();
    let began = Instant::now();
    let mut figures = Figures::default();
    for round in 1..=size.rounds {
        for tuned in [true, false] {
            let how = if tuned { "tuned" } else { "as it comes" };
            let rounds = size.rounds;
            let progress = |name: &str| {
                let elapsed = began.elapsed().as_secs_f64();
                eprintln!("round {round} of {rounds}, {how}: {name}, load {} (elapsed {elapsed:.1} s)", load());
            };
            macro_rules! turn {
                ($($queue:ty),*) => {$(
                    progress(<$queue>::NAME);
                    figures.turn::<$queue>(&cluster.server(), tuned, size).await;
                )*};
            }
            turn!(
                signals::Signals,
                graphile::Graphile,
                awa_queue::Awa,
                apalis_queue::Apalis,
                ruststream_queue::RustStream
            );
        }
    }
    figures.print();
    println!("load = {} at the end", load());
    Ok(())
}

fn describe() {
    let cpus = std::thread::available_parallelism().map_or(0, usize::from);
    println!("machine = {cpus} CPUs, {}, loopback; load {} at the start", std::env::consts::OS, load());
    println!("postgres = fsync, synchronous_commit and full_page_writes on, shared_buffers 512MB, max_wal_size 4GB");
    for (name, tuned) in [
        (signals::Signals::NAME, signals::Signals::TUNED),
        (graphile::Graphile::NAME, graphile::Graphile::TUNED),
        (awa_queue::Awa::NAME, awa_queue::Awa::TUNED),
        (apalis_queue::Apalis::NAME, apalis_queue::Apalis::TUNED),
        (ruststream_queue::RustStream::NAME, ruststream_queue::RustStream::TUNED),
    ] {
        println!("{name} = tuned: {tuned}");
    }
}

/// How many want to run, on average over the last minute.
fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().unwrap_or("unknown").to_owned()
}
