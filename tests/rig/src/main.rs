//! `signals-rig worker DATABASE LOG LEASE_MS GRACE_MS RECEIVERS…`: a worker process to be stopped, killed and started again.
//! `signals-rig nothing-worker DATABASE HISTORY_S`: a worker of deliveries that need nothing done.
//! `signals-rig memory FOLDER COUNT,COUNT… [--json]`: the memory of such a worker after so many of them, without and with
//! history.
//! `signals-rig latency FOLDER [--json]`: commit → start, in the same process and in another.

use std::env::Args;
use std::iter::Skip;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use signals_rig::{Log, latency, memory, open};
use tracing_subscriber::filter::LevelFilter;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let mut words = std::env::args().skip(1);
    match next(&mut words, "`worker`, `memory` or `latency`")?.as_str() {
        "worker" => worker(words).await,
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
        "latency" => {
            let folder = PathBuf::from(next(&mut words, "FOLDER")?);
            let met = latency::run(&folder, words.next().as_deref() == Some("--json")).await?;
            Ok(if met { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        other => anyhow::bail!("no command `{other}`: expected `worker`, `memory` or `latency`"),
    }
}

fn next(words: &mut Skip<Args>, what: &str) -> anyhow::Result<String> {
    words.next().with_context(|| format!("expected {what}"))
}

async fn worker(mut words: Skip<Args>) -> anyhow::Result<ExitCode> {
    tracing_subscriber::fmt().with_max_level(LevelFilter::INFO).with_ansi(false).with_writer(std::io::stderr).init();
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
