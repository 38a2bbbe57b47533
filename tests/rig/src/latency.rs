//! From the end of a commit to the start of its receiver, measured by the log that receivers write.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use signals_runtime::clock::{Clock as _, SystemClock};
use signals_runtime::{Signals, SqliteBackend};

use crate::{Log, open, send};

/// How many sends are measured.
const SENDS: i64 = 500;

/// How far they are apart: an idle system, as most are.
const APART: Duration = Duration::from_millis(7);

/// How long the last start is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// One measured series, in microseconds, sorted.
#[derive(Debug)]
pub struct Series(Vec<i64>);

impl Series {
    /// The value below which this part of the series lies.
    #[must_use]
    pub fn quantile(&self, part: f64) -> Duration {
        let last = self.0.len() - 1;
        let at = (last as f64 * part).round() as usize;
        Duration::from_micros(self.0[at.min(last)].try_into().unwrap_or(0))
    }
}

/// Measures both ways in `folder` and prints them, as a table or as JSON; whether both goals are met.
///
/// # Errors
///
/// Returns an error when something could not run.
pub async fn run(folder: &Path, json: bool) -> anyhow::Result<bool> {
    let same = same_process(folder).await.context("in the same process")?;
    let other = other_process(folder).await.context("in another process")?;
    let rows =
        [("same process", &same, Duration::from_millis(2)), ("another process", &other, Duration::from_millis(25))];
    println!("{}", if json { as_json(&rows) } else { as_table(&rows) });
    Ok(rows.iter().all(|(_, series, goal)| series.quantile(0.5) <= *goal))
}

async fn same_process(folder: &Path) -> anyhow::Result<Series> {
    let log = Log(folder.join("same.log"));
    let signals = open(&folder.join("same.db")).await?;
    let worker = signals.worker().state(log.clone()).only(["rig.hold"]).build()?;
    let (done, stop) = tokio::sync::oneshot::channel::<()>();
    let (report, series) = tokio::join!(
        worker.run_until(async {
            let _ = stop.await;
        }),
        async {
            let series = measure(&signals, &log).await;
            drop(done);
            series
        }
    );
    report?;
    series
}

async fn other_process(folder: &Path) -> anyhow::Result<Series> {
    let log = Log(folder.join("other.log"));
    let database = folder.join("other.db");
    let signals = open(&database).await?;
    let mut child = Command::new(std::env::current_exe()?)
        .arg("worker")
        .args([&database, &log.0])
        .args(["20000", "5000"])
        .stdout(Stdio::null())
        .spawn()?;
    let series = measure(&signals, &log).await;
    child.kill()?;
    child.wait()?;
    series
}

async fn measure(signals: &Signals<SqliteBackend>, log: &Log) -> anyhow::Result<Series> {
    send(signals, -1..0, Duration::ZERO).await?;
    started(log, 1).await.context("the worker did not start")?;
    let mut commits = Vec::new();
    for number in 0..SENDS {
        // tidy: not a wait: the rate that is measured
        tokio::time::sleep(APART).await;
        send(signals, number..number + 1, Duration::ZERO).await?;
        commits.push(SystemClock.now().as_micros());
    }
    started(log, SENDS as usize + 1).await?;
    let lines = log.read();
    let mut series: Vec<i64> = lines
        .iter()
        .filter(|line| line.what == "start" && line.number >= 0)
        .map(|line| (line.at - commits[line.number as usize]).max(0))
        .collect();
    series.sort_unstable();
    Ok(Series(series))
}

async fn started(log: &Log, count: usize) -> anyhow::Result<()> {
    let began = Instant::now();
    while log.read().iter().filter(|line| line.what == "start").count() < count {
        anyhow::ensure!(began.elapsed() < PATIENCE, "only {:?} was logged", log.read().len());
        // tidy: not a wait: the pause of a poll with a deadline
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

type Row<'a> = (&'a str, &'a Series, Duration);

fn as_table(rows: &[Row<'_>]) -> String {
    let mut text = format!("commit → start, {SENDS} sends {APART:?} apart, one SQLite file, synchronous=FULL\n");
    text.push_str("receiver in       p50        p95        p99        max        goal (p50)\n");
    for (name, series, goal) in rows {
        let [p50, p95, p99, max] = [0.5, 0.95, 0.99, 1.0].map(|part| format!("{:?}", series.quantile(part)));
        let met = if series.quantile(0.5) <= *goal { "met" } else { "MISSED" };
        let _ = writeln!(text, "{name:<17} {p50:<10} {p95:<10} {p99:<10} {max:<10} ≤ {goal:?} {met}");
    }
    text
}

fn as_json(rows: &[Row<'_>]) -> String {
    let rows: Vec<String> = rows
        .iter()
        .map(|(name, series, goal)| {
            let [p50, p95, p99, max] = [0.5, 0.95, 0.99, 1.0].map(|part| series.quantile(part).as_micros());
            let goal = goal.as_micros();
            format!(
                r#"{{"receiver_in":"{name}","p50_us":{p50},"p95_us":{p95},"p99_us":{p99},"max_us":{max},"goal_p50_us":{goal}}}"#
            )
        })
        .collect();
    format!("[{}]", rows.join(","))
}
