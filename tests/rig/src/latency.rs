//! From the end of a commit to the start of its receiver, measured by the log that receivers write.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use signals_runtime::clock::{Clock as _, SystemClock};
use signals_runtime::{Signals, SqliteBackend};

use crate::series::{APART, SENDS, Series, are_met, as_json, as_table, started};
use crate::{Log, open, send};

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
    println!("{}", if json { as_json(&rows) } else { as_table("one SQLite file, synchronous=FULL", &rows) });
    Ok(are_met(&rows))
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
    Ok(Series::of(&commits, log))
}
