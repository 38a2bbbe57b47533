//! `signals-rig worker DATABASE LOG LEASE_MS GRACE_MS RECEIVERS…`: a worker process to be stopped, killed and started again.
//! `signals-rig sender DATABASE JOURNAL SLOT`: a sending process to be killed.
//! `signals-rig send-and-stay DATABASE JOURNAL NUMBER POINT`: a sender that stays between two steps until it is killed.
//! `signals-rig nothing-worker DATABASE HISTORY_S`: a worker of deliveries that need nothing done.
//! `signals-rig memory FOLDER COUNT,COUNT… [--json]`: the memory of such a worker after so many of them, without and with
//! history.
//! `signals-rig latency FOLDER [--json]`: commit → start, in the same process and in another.
//! `signals-rig kills FOLDER COUNT SEED [--json]`: a campaign of kills against both.

use std::env::Args;
use std::iter::Skip;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use signals_rig::kills::Point;
use signals_rig::{Log, kills, latency, memory, open};
use signals_runtime::clock::{Clock as _, SystemClock};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::Writer;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let mut words = std::env::args().skip(1);
    match next(&mut words, "`worker`, `sender`, `memory`, `latency` or `kills`")?.as_str() {
        "worker" => worker(words).await,
        "sender" => {
            let database = PathBuf::from(next(&mut words, "DATABASE")?);
            let journal = Log(PathBuf::from(next(&mut words, "JOURNAL")?));
            kills::send_for_ever(&database, &journal, next(&mut words, "SLOT")?.parse()?).await?;
            Ok(ExitCode::SUCCESS)
        }
        "send-and-stay" => {
            let database = PathBuf::from(next(&mut words, "DATABASE")?);
            let journal = Log(PathBuf::from(next(&mut words, "JOURNAL")?));
            let number = next(&mut words, "NUMBER")?.parse()?;
            let point = next(&mut words, "POINT")?;
            let point = [Point::Inserted, Point::Committed].into_iter().find(|known| known.name() == point);
            kills::send_and_stay(&database, &journal, number, point.context("no such POINT")?).await?;
            Ok(ExitCode::SUCCESS)
        }
        "nothing-worker" => {
            let database = PathBuf::from(next(&mut words, "DATABASE")?);
            memory::work(&database, next(&mut words, "HISTORY_S")?.parse()?).await?;
            Ok(ExitCode::SUCCESS)
        }
        "memory" => {
            let folder = PathBuf::from(next(&mut words, "FOLDER")?);
            let points = next(&mut words, "COUNTS")?;
            let points: Vec<usize> = points.split(',').map(str::parse).collect::<Result<_, _>>()?;
            let met = memory::run(&folder, &points, words.next().as_deref() == Some("--json")).await?;
            Ok(if met { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        "kills" => {
            let folder = PathBuf::from(next(&mut words, "FOLDER")?);
            let (count, seed) = (next(&mut words, "COUNT")?.parse()?, next(&mut words, "SEED")?.parse()?);
            let json = words.next().as_deref() == Some("--json");
            let kept = kills::run(&folder, kills::Options { count, seed, json }).await?;
            Ok(if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        "latency" => {
            let folder = PathBuf::from(next(&mut words, "FOLDER")?);
            let met = latency::run(&folder, words.next().as_deref() == Some("--json")).await?;
            Ok(if met { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        other => anyhow::bail!("no command `{other}`: expected `worker`, `sender`, `memory`, `latency` or `kills`"),
    }
}

fn next(words: &mut Skip<Args>, what: &str) -> anyhow::Result<String> {
    words.next().with_context(|| format!("expected {what}"))
}

async fn worker(mut words: Skip<Args>) -> anyhow::Result<ExitCode> {
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::INFO)
        .with_ansi(false)
        .with_timer(when_and_who as fn(&mut Writer<'_>) -> std::fmt::Result)
        .with_writer(std::io::stderr)
        .init();
    let database = PathBuf::from(next(&mut words, "DATABASE")?);
    let log = Log(PathBuf::from(next(&mut words, "LOG")?));
    let lease = Duration::from_millis(next(&mut words, "LEASE_MS")?.parse()?);
    let grace = Duration::from_millis(next(&mut words, "GRACE_MS")?.parse()?);

    let signals = open(&database).await?;
    let worker = signals.worker().state(log).lease(lease).grace(grace).timeout(Duration::from_secs(60));
    let report = worker.only(words).build()?.run().await?;
    println!("{report:?}");
    Ok(ExitCode::SUCCESS)
}

/// What every event that a worker tells begins with: microseconds since the epoch, and its process.
fn when_and_who(writer: &mut Writer<'_>) -> std::fmt::Result {
    write!(writer, "{} {}", SystemClock.now().as_micros(), std::process::id())
}
