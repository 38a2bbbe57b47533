//! The memory of a worker process, after some deliveries and after many more.

use std::fmt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use signals_runtime::{Signals, SqliteBackend, send_all};

use crate::{Nothing, open};

/// How many are sent in one transaction.
const BATCH: usize = 10_000;

/// How long a batch may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a worker held, in bytes that no file backs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    /// After so many deliveries …
    pub first: usize,
    /// … it held this,
    pub before: u64,
    /// and after so many …
    pub total: usize,
    /// … this.
    pub after: u64,
    /// For how long completions are kept, in seconds.
    pub history: u64,
    /// How long all took.
    pub took: Duration,
}

impl Measured {
    /// How much more it held at the end.
    #[must_use]
    pub const fn growth(&self) -> u64 {
        self.after.saturating_sub(self.before)
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, before, total, after, history, took } = self;
        let [before, after] = [before, after].map(|bytes| *bytes / 1024);
        write!(
            f,
            "history {history} s: {before} KiB after {first} deliveries, {after} KiB after {total} (took {took:?})"
        )
    }
}

/// Runs as a worker of [`Nothing`] until it is killed.
///
/// # Errors
///
/// Returns the worker's error.
pub async fn work(database: &Path, history: u64) -> anyhow::Result<()> {
    let worker = open(database).await?.worker().only(["rig.nothing"]).history(Duration::from_secs(history));
    worker.build()?.run().await?;
    Ok(())
}

/// Has a worker process of `program` drain `first` deliveries, then more up to `total`.
///
/// # Errors
///
/// Returns an error when it does not get through, or the system does not say what a process holds.
pub async fn measure(
    program: &Path,
    folder: &Path,
    first: usize,
    total: usize,
    history: u64,
) -> anyhow::Result<Measured> {
    let database = folder.join(format!("memory-{history}.db"));
    let signals = open(&database).await?;
    let began = Instant::now();
    let mut command = Command::new(program);
    command.arg("nothing-worker").arg(&database).arg(history.to_string()).stdout(Stdio::null());
    let worker = Killed(command.spawn()?);
    let mut done = 0;
    let mut before = 0;
    while done < total {
        drain_batch(&signals).await.with_context(|| format!("after {done} deliveries"))?;
        done += BATCH;
        if done == first {
            before = anonymous(worker.0.id())?;
        }
    }
    let after = anonymous(worker.0.id())?;
    Ok(Measured { first, before, total, after, history, took: began.elapsed() })
}

/// Sends a batch, and waits until nothing of it is left.
async fn drain_batch(signals: &Signals<SqliteBackend>) -> anyhow::Result<()> {
    let mut tx = signals.begin().await?;
    send_all(&vec![Nothing; BATCH], &mut tx).await?;
    tx.commit().await?;
    let began = Instant::now();
    loop {
        let counts = signals.inspect().counts().await?;
        let own = counts.lanes.iter().filter(|lane| lane.receiver == "rig.nothing");
        if own.map(|lane| lane.ready.0 + lane.running.0).sum::<u64>() == 0 {
            return Ok(());
        }
        anyhow::ensure!(began.elapsed() < PATIENCE, "a batch took more than {PATIENCE:?}");
        // tidy: not a wait: the pause of a poll with a deadline
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The memory of a process that no file backs.
fn anonymous(pid: u32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).context("no RssAnon in /proc")?;
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes * 1024)
}

/// Killed when it is dropped.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
