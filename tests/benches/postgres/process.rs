//! This program again, as a process of its own over a database of the bench.
//!
//! ```text
//! process drain URL SLOTS     works off what waits, prints its processor time, ends
//! process worker URL          works as it comes until its standard input ends
//! process application URL     the same without a worker: an application with a connection
//! ```

use std::process::Stdio;
use std::time::Duration;

use signals_runtime::{PgBackend, Signals};
use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncReadExt as _, stdin};
use tokio::process::{Child, Command};

use crate::Result;
use crate::bed::{Place, over};
use crate::facts::One;
use crate::series::Watch;

/// The word by which the program knows what it is.
pub(crate) const PROCESS: &str = "process";

/// Connections of one process.
const CONNECTIONS: u32 = 5;

/// What a process does that was started with these words.
pub(crate) async fn run(words: &[String]) -> Result {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["drain", url, slots] => {
            let watch = Watch::start();
            let worker = signals(url)?.worker().only([One::RECEIVERS]).concurrency(slots.parse()?).build()?;
            worker.drain().await?;
            println!("{}", watch.stop().processor.as_nanos());
        }
        ["worker", url] => {
            let worker = signals(url)?.worker().only([One::RECEIVERS]).build()?;
            worker.run_until(told()).await?;
        }
        ["application", url] => {
            let signals = signals(url)?;
            sqlx::query("SELECT").execute(signals.backend().pool()).await?;
            told().await;
        }
        _ => return Err(format!("no process does `{}`", words.join(" ")).into()),
    }
    Ok(())
}

fn signals(url: &str) -> Result<Signals<PgBackend>> {
    Ok(Signals::new(over(url.parse::<PgConnectOptions>()?, CONNECTIONS)))
}

/// Waits until the other end of the standard input is closed, as it is when the bench ends.
async fn told() {
    // A pipe that breaks has ended, too.
    let _ = stdin().read_to_end(&mut Vec::new()).await;
}

/// One such process, killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn drain(place: &Place, slots: usize) -> Result<Self> {
        Self::start(&["drain", place.database.url(), &slots.to_string()])
    }

    /// One that works, or one without a worker.
    pub(crate) fn idle(place: &Place, works: bool) -> Result<Self> {
        Self::start(&[if works { "worker" } else { "application" }, place.database.url()])
    }

    fn start(words: &[&str]) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(PROCESS).args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        Ok(Self(command.spawn()?))
    }

    /// What it says of itself when it has drained.
    pub(crate) async fn processor_time(self) -> Result<Duration> {
        let output = self.0.wait_with_output().await?;
        if !output.status.success() {
            return Err(format!("a process that drains ended with {}", output.status).into());
        }
        Ok(Duration::from_nanos(String::from_utf8(output.stdout)?.trim().parse()?))
    }

    /// Its memory that no file backs, in MiB.
    pub(crate) fn anonymous(&self) -> Result<f64> {
        let id = self.0.id().ok_or("a process that was looked at has ended")?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).ok_or("no RssAnon in /proc")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1024.0)
    }
}
