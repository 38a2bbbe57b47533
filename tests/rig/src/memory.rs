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

/// After how many it is told how far it is.
const TELL: usize = 50_000;

/// How much more a worker may hold after many deliveries than after some: what its allocator, and the page caches of its
/// connections, of 2 MiB each at most, settle on meanwhile.
pub const ALLOWED: u64 = 4 * 1024 * 1024;

/// How long a batch may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a worker held after each of several numbers of deliveries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// For how long completions are kept, in seconds.
    pub history: u64,
    /// After so many deliveries, so many bytes that no file backs.
    pub held: Vec<(usize, u64)>,
    /// How long all took.
    pub took: Duration,
}

impl Measured {
    /// How much more it held at the end than at the first point.
    #[must_use]
    pub fn growth(&self) -> u64 {
        let bytes = |point: Option<&(usize, u64)>| point.map_or(0, |(_, bytes)| *bytes);
        bytes(self.held.last()).saturating_sub(bytes(self.held.first()))
    }

    /// As one object of JSON; `within` is whether the growth is what is allowed.
    #[must_use]
    pub fn as_json(&self, within: bool) -> String {
        let points: Vec<String> =
            self.held.iter().map(|(after, bytes)| format!(r#"{{"after":{after},"bytes":{bytes}}}"#)).collect();
        let (history, took, growth) = (self.history, self.took.as_millis(), self.growth());
        format!(
            r#"{{"history_s":{history},"held":[{}],"growth_bytes":{growth},"limit_bytes":{ALLOWED},"took_ms":{took},"met":{within}}}"#,
            points.join(",")
        )
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.history == 0 { "history off".to_owned() } else { format!("history {} s", self.history) };
        write!(f, "{name:<16}")?;
        for (after, bytes) in &self.held {
            write!(f, "  {:>6} KiB after {after}", bytes / 1024)?;
        }
        write!(f, "  (grew by {} KiB of {}; took {:.0?})", self.growth() / 1024, ALLOWED / 1024, self.took)
    }
}

/// Measures a worker without history and one that keeps a day of it, after each of `points` deliveries, and prints what it
/// finds; whether both kept within what is allowed. Progress goes to stderr.
///
/// # Errors
///
/// As [`measure`].
pub async fn run(folder: &Path, points: &[usize], json: bool) -> anyhow::Result<bool> {
    let program = std::env::current_exe()?;
    let mut met = true;
    for history in [0, 86_400] {
        let measured = measure(&program, folder, points, history, |done| {
            eprintln!("history {history} s: {done} of {} deliveries", points.last().unwrap_or(&0));
        });
        let measured = measured.await?;
        let within = measured.growth() <= ALLOWED;
        met &= within;
        println!("{}", if json { measured.as_json(within) } else { measured.to_string() });
    }
    Ok(met)
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

/// Has a worker process of `program` drain deliveries up to the last of `points`, and looks at it after each; `progress` is
/// called now and then with how many are done.
///
/// # Errors
///
/// Returns an error when it does not get through, or the system does not say what a process holds.
pub async fn measure(
    program: &Path,
    folder: &Path,
    points: &[usize],
    history: u64,
    mut progress: impl FnMut(usize),
) -> anyhow::Result<Measured> {
    let database = folder.join(format!("memory-{history}.db"));
    let signals = open(&database).await?;
    let began = Instant::now();
    let mut command = Command::new(program);
    command.arg("nothing-worker").arg(&database).arg(history.to_string()).stdout(Stdio::null());
    let worker = Killed(command.spawn()?);
    let mut held = Vec::new();
    let mut done = 0;
    for &point in points {
        while done < point {
            drain_batch(&signals).await.with_context(|| format!("after {done} deliveries"))?;
            done += BATCH;
            if done.is_multiple_of(TELL) {
                progress(done);
            }
        }
        held.push((point, anonymous(worker.0.id())?));
    }
    Ok(Measured { history, held, took: began.elapsed() })
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
