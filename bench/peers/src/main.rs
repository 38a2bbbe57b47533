//! The same work on signals and on other queues over Postgres: ours and theirs in turn, in one run, on one server with the
//! same settings. Run by `cargo xtask bench peers`, which holds the goals.
//!
//! Each queue is measured twice: as it comes, and tuned as its documentation advises. Times are medians of the rounds;
//! ratios are of our time to that of the best of the others. Who begins changes from round to round.
//!
//! | what | how |
//! |---|---|
//! | drain | no-op work for one receiver, enqueued in bulk, from the first start until nothing is left |
//! | 1 to 5 | eight clients at once: business transactions, each with a row and work for five (one signal to five receivers, or five jobs, for others have no fan-out), from the first send until nothing is left; the worker runs meanwhile. Beside it the same transactions without any queue |
//! | commit to start | one client: one piece of work in a transaction, every seven milliseconds |
//!
//! Each measurement has a time; what a slow queue has done when it is over is counted. `--quick` measures less.

mod alone;
mod apalis_queue;
mod awa_queue;
mod compare;
mod graphile;
mod measure;
mod meter;
mod queue;
mod ruststream_queue;
mod signals;
mod work;

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use signals_cluster::{Binaries, Cluster, Server, Settings};

use crate::compare::{Figures, how};
use crate::queue::Queue;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
struct Size {
    rounds: usize,
    /// Pieces of work of a drain, when tuned and as it comes.
    tuned: i64,
    untuned: i64,
    /// Business transactions of the fan-out.
    facts: i64,
    /// Sends whose start is timed.
    starts: i64,
    /// The longest that one measurement takes.
    limit: Duration,
}

const FULL: Size =
    Size { rounds: 3, tuned: 100_000, untuned: 20_000, facts: 4_000, starts: 1_000, limit: Duration::from_secs(10) };
const QUICK: Size =
    Size { rounds: 1, tuned: 20_000, untuned: 5_000, facts: 1_000, starts: 200, limit: Duration::from_secs(4) };

/// What all queues run on.
const SETTINGS: [(&str, &str); 3] =
    [("shared_buffers", "512MB"), ("max_wal_size", "4GB"), ("checkpoint_timeout", "15min")];

/// One queue, however it is called.
struct Contender {
    name: &'static str,
    tuned: &'static str,
    completions: &'static str,
    turn: for<'a> fn(&'a mut Figures, &'a Server, bool, Size) -> Pin<Box<dyn Future<Output = ()> + 'a>>,
}

impl Contender {
    fn of<Q: Queue>() -> Self {
        Self {
            name: Q::NAME,
            tuned: Q::TUNED,
            completions: Q::COMPLETIONS,
            turn: |figures, server, tuned, size| Box::pin(figures.turn::<Q>(server, tuned, size)),
        }
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let quick = std::env::args().any(|arg| arg == "--quick");
    let size = if quick { QUICK } else { FULL };
    let settings = SETTINGS.iter().fold(Settings::durable(), |settings, (name, value)| settings.set(name, value));
    let cluster = Cluster::start_with(Binaries::find_or_install()?, settings)?;
    let server = cluster.server();
    let mut contenders = [
        Contender::of::<signals::Signals>(),
        Contender::of::<signals::Signals<false>>(),
        Contender::of::<graphile::Graphile>(),
        Contender::of::<awa_queue::Awa>(),
        Contender::of::<apalis_queue::Apalis>(),
        Contender::of::<ruststream_queue::RustStream>(),
    ];
    describe(&server, &contenders).await?;
    let began = Instant::now();
    let mut figures = Figures::default();
    let (mut step, steps) = (0, size.rounds * 2 * contenders.len());
    for round in 1..=size.rounds {
        figures.alone(&server, size).await;
        for tuned in [true, false] {
            for Contender { name, turn, .. } in &contenders {
                step += 1;
                let (how, rounds, elapsed) = (how(tuned), size.rounds, began.elapsed().as_secs_f64());
                let load = load();
                eprintln!(
                    "step {step} of {steps}: round {round} of {rounds}, {how}, {name}; load {load} (elapsed {elapsed:.1} s)"
                );
                turn(&mut figures, &server, tuned, size).await;
            }
        }
        contenders.rotate_left(1);
    }
    figures.print();
    println!("load at the end = {}", load());
    Ok(())
}

async fn describe(server: &Server, contenders: &[Contender]) -> anyhow::Result<()> {
    let cpus = std::thread::available_parallelism().map_or(0, usize::from);
    let version: String = sqlx::query_scalar("SHOW server_version").fetch_one(&mut server.connect().await?).await?;
    let settings: Vec<_> = SETTINGS.iter().map(|(name, value)| format!("{name}={value}")).collect();
    println!("machine = {cpus} CPUs, {}, {}, loopback", processor(), std::env::consts::OS);
    println!("postgres = {version}, fsync, synchronous_commit and full_page_writes on, {}", settings.join(", "));
    println!(
        "senders = {} at once in `1 to 5`, one in `commit to start`; the same process as the worker",
        measure::CLIENTS
    );
    println!("pool = {} connections for each, {} of them open before a clock runs", queue::CONNECTIONS, queue::OPEN);
    println!("load at the start = {}", load());
    for Contender { name, tuned, completions, .. } in contenders {
        println!("{name}, tuned = {tuned}");
        println!("{name}, completions = {completions}");
    }
    Ok(())
}

fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.to_owned())
}

/// How many want to run, on average over the last minute.
fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().unwrap_or("unknown").to_owned()
}
