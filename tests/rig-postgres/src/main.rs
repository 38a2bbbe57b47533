//! `signals-rig-postgres worker URL LOG LEASE_MS [behind-pooler]`: a worker process, until SIGTERM.
//! `signals-rig-postgres sender URL JOURNAL SLOT FAILING [behind-pooler]`: a sending process, until its standard input ends.
//! `signals-rig-postgres latency FOLDER [--json]`: commit → start, on a private server.
//!
//! A worker whose standard input ends is without its test, and ends at once.

use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::bail;
use signals_rig_postgres::{Log, behind_pooler, latency, over, send_until};
use tracing_subscriber::filter::LevelFilter;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["worker", url, log, lease, ref pooler @ ..] => {
            at_the_end_of_stdin(|| std::process::exit(3));
            tracing_subscriber::fmt()
                .with_max_level(LevelFilter::INFO)
                .with_ansi(false)
                .with_writer(std::io::stderr)
                .init();
            let (log, lease) = (Log(PathBuf::from(log)), Duration::from_millis(lease.parse()?));
            let signals = if pooler.is_empty() { over(url, 20)? } else { behind_pooler(url, 20)? };
            let worker = signals.worker().state(log).lease(lease).timeout(Duration::from_secs(10));
            let report = worker.build()?.run().await?;
            println!("{report:?}");
        }
        ["sender", url, journal, slot, failing, ref pooler @ ..] => {
            let done = Arc::new(AtomicBool::new(false));
            let told = done.clone();
            at_the_end_of_stdin(move || told.store(true, Ordering::SeqCst));
            let signals = if pooler.is_empty() { over(url, 2)? } else { behind_pooler(url, 2)? };
            let journal = Log(PathBuf::from(journal));
            send_until(&signals, &journal, slot.parse()?, failing.parse()?, || done.load(Ordering::SeqCst)).await?;
        }
        ["latency", folder, ref json @ ..] => {
            let met = latency::run(folder.as_ref(), json == ["--json"]).await?;
            return Ok(if met { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        _ => bail!(
            "expected `worker URL LOG LEASE_MS [behind-pooler]`, `sender URL JOURNAL SLOT FAILING [behind-pooler]` or \
             `latency FOLDER [--json]`"
        ),
    }
    Ok(ExitCode::SUCCESS)
}

/// Calls `end` when the standard input ends, which it does at the latest with the process that holds the other end.
fn at_the_end_of_stdin(end: impl FnOnce() + Send + 'static) {
    std::thread::spawn(move || {
        // A pipe that breaks has ended, too.
        let _ = std::io::stdin().lock().read_to_end(&mut Vec::new());
        end();
    });
}
