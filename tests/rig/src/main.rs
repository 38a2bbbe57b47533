//! `signals-rig worker DATABASE LOG LEASE_MS GRACE_MS [RECEIVERS]`: a worker process to be stopped, killed and started again.
//! `signals-rig latency FOLDER [--json]`: commit → start, in the same process and in another.

use std::env::Args;
use std::iter::Skip;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use signals_rig::{Log, latency, open};

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let mut words = std::env::args().skip(1);
    match next(&mut words, "`worker` or `latency`")?.as_str() {
        "worker" => worker(words).await,
        "latency" => {
            let folder = PathBuf::from(next(&mut words, "FOLDER")?);
            let met = latency::run(&folder, words.next().as_deref() == Some("--json")).await?;
            Ok(if met { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        other => anyhow::bail!("no command `{other}`: expected `worker` or `latency`"),
    }
}

fn next(words: &mut Skip<Args>, what: &str) -> anyhow::Result<String> {
    words.next().with_context(|| format!("expected {what}"))
}

async fn worker(mut words: Skip<Args>) -> anyhow::Result<ExitCode> {
    let database = PathBuf::from(next(&mut words, "DATABASE")?);
    let log = Log(PathBuf::from(next(&mut words, "LOG")?));
    let lease = Duration::from_millis(next(&mut words, "LEASE_MS")?.parse()?);
    let grace = Duration::from_millis(next(&mut words, "GRACE_MS")?.parse()?);

    let signals = open(&database).await?;
    let mut worker = signals.worker().state(log).lease(lease).grace(grace).timeout(Duration::from_secs(60));
    if let Some(receivers) = words.next() {
        worker = worker.only([receivers]);
    }
    let report = worker.build()?.run().await?;
    println!("{report:?}");
    Ok(ExitCode::SUCCESS)
}
