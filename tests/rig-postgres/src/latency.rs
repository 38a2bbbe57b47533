//! From the end of a commit to the start of its receiver, on a private server whose commits wait for the disk.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use signals_cluster::{Binaries, Cluster, Settings};
use signals_runtime::clock::{Clock as _, SystemClock};
use signals_runtime::{PgBackend, Signal as _, Signals};

use crate::series::{APART, SENDS, Series, are_met, as_json, as_table, started};
use crate::{HOLD, Log, Work, behind_pooler, over, set_up};

/// Measures three ways in `folder` and prints them, as a table or as JSON; whether all goals are met.
///
/// # Errors
///
/// Returns an error when something could not run.
pub async fn run(folder: &Path, json: bool) -> anyhow::Result<bool> {
    let cluster = Cluster::start_with(Binaries::find_or_install()?, Settings::durable())?;
    let database = cluster.server().database().await?;
    set_up(&over(database.url(), 2)?).await?;
    let log = |name: &str| Log(folder.join(name));

    let signals = over(database.url(), 5)?;
    let same = same_process(&signals, &log("same")).await.context("in the same process")?;
    let other = other_process(&signals, &log("other"), &[]).await.context("in another process")?;
    // A pooler hears no hints, and passes none on.
    let mute = behind_pooler(database.url(), 5)?;
    let polling = other_process(&mute, &log("polling"), &["behind-pooler"]).await.context("by polling")?;
    let rows = [
        ("same process", &same, Duration::from_millis(2)),
        ("another process, by NOTIFY", &other, Duration::from_millis(10)),
        ("another process, by polling", &polling, Duration::from_millis(60)),
    ];
    println!("{}", if json { as_json(&rows) } else { as_table("a Postgres server with fsync", &rows) });
    Ok(are_met(&rows))
}

async fn same_process(signals: &Signals<PgBackend>, log: &Log) -> anyhow::Result<Series> {
    let worker = signals.worker().state(log.clone()).only([HOLD]).build()?;
    let (done, stop) = tokio::sync::oneshot::channel::<()>();
    let (report, series) = tokio::join!(
        worker.run_until(async {
            let _ = stop.await;
        }),
        async {
            let series = measure(signals, log).await;
            drop(done);
            series
        }
    );
    report?;
    series
}

/// A worker process, killed when it is dropped.
struct Worker(Child);

impl Drop for Worker {
    fn drop(&mut self) {
        // One that has ended is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn other_process(signals: &Signals<PgBackend>, log: &Log, rest: &[&str]) -> anyhow::Result<Series> {
    let options = signals.backend().pool().connect_options();
    let mut command = Command::new(std::env::current_exe()?);
    command
        .arg("worker")
        .arg(sqlx::ConnectOptions::to_url_lossy(&*options).as_str())
        .arg(&log.0)
        .arg("20000")
        .args(rest);
    let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let _worker = Worker(child);
    measure(signals, log).await
}

/// The first send is not measured: the worker may not be there yet, and nothing is prepared.
async fn measure(signals: &Signals<PgBackend>, log: &Log) -> anyhow::Result<Series> {
    send(signals, -1).await?;
    started(log, 1).await.context("the worker did not start")?;
    let mut commits = Vec::new();
    for number in 0..SENDS {
        // tidy: not a wait: the rate that is measured
        tokio::time::sleep(APART).await;
        send(signals, number).await?;
        commits.push(SystemClock.now().as_micros());
    }
    started(log, commits.len() + 1).await?;
    Ok(Series::of(&commits, log))
}

async fn send(signals: &Signals<PgBackend>, number: i64) -> anyhow::Result<()> {
    let mut tx = signals.begin().await?;
    Work::light(number).send(&mut tx).await?;
    Ok(tx.commit().await?)
}
