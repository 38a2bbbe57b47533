//! A small application for tests with real processes: two receivers, and a log outside the database of what they did.

pub mod latency;

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use signals_runtime::clock::{Clock as _, SystemClock};
use signals_runtime::delivery::SignalId;
use signals_runtime::{Delivery, Result, Signal, Signals, SqliteBackend, SqliteTx, State, receiver, signal};

/// Something to work on.
#[signal(name = "rig.work")]
#[derive(Debug)]
pub struct Work {
    /// Which.
    pub number: i64,
    /// How long the plain receiver holds it, in milliseconds.
    pub hold_ms: u64,
}

/// Something that is done in a way that a worker must survive.
#[signal(name = "rig.trouble")]
#[derive(Debug)]
pub struct Trouble {
    /// Which.
    pub number: i64,
    /// How it is done.
    pub how: How,
    /// For how long, in milliseconds.
    pub hold_ms: u64,
}

/// The ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum How {
    /// An async receiver blocks the thread of its runtime.
    Block,
    /// The process aborts.
    Abort,
}

/// Something that blocks the runtime for a long time, and may.
#[signal(name = "rig.blockade")]
#[derive(Debug)]
pub struct Blockade {
    /// Which.
    pub number: i64,
}

/// Something that a blocking receiver works on, longer than it may.
#[signal(name = "rig.stubborn")]
#[derive(Debug)]
pub struct Stubborn {
    /// Which.
    pub number: i64,
    /// For how long, in milliseconds.
    pub hold_ms: u64,
}

/// Where receivers write what they do.
#[derive(Clone, Debug)]
pub struct Log(pub PathBuf);

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// `start`, `end` or `effect`.
    pub what: String,
    /// The number of the [`Work`].
    pub number: i64,
    /// The attempt.
    pub attempt: u32,
    /// When, in microseconds since the epoch.
    pub at: i64,
    /// The process.
    pub pid: u32,
}

impl Log {
    /// Appends a line in one write.
    ///
    /// # Errors
    ///
    /// Returns the file system's error.
    pub fn write(&self, what: &str, number: i64, attempt: u32) -> std::io::Result<()> {
        let (at, pid) = (SystemClock.now().as_micros(), std::process::id());
        let line = format!("{what} {number} {attempt} {at} {pid}\n");
        OpenOptions::new().create(true).append(true).open(&self.0)?.write_all(line.as_bytes())
    }

    /// What was written so far; a line that is cut off is not there yet.
    #[must_use]
    pub fn read(&self) -> Vec<Line> {
        let text = std::fs::read_to_string(&self.0).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().filter_map(Line::parse).collect()
    }
}

impl Line {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        Some(Self {
            what: words.next()?.to_owned(),
            number: words.next()?.parse().ok()?,
            attempt: words.next()?.parse().ok()?,
            at: words.next()?.parse().ok()?,
            pid: words.next()?.parse().ok()?,
        })
    }
}

/// A plain receiver that holds its delivery for as long as it is told.
#[receiver(signal = Work, name = "rig.hold")]
async fn hold(work: &Work, State(log): State<Log>, delivery: Delivery) -> std::io::Result<()> {
    log.write("start", work.number, delivery.attempt)?;
    // tidy: not a wait: it is the work
    tokio::time::sleep(Duration::from_millis(work.hold_ms)).await;
    log.write("end", work.number, delivery.attempt)
}

/// Makes trouble, as told.
#[receiver(signal = Trouble, name = "rig.trouble", timeout = "500ms", max_attempts = 1)]
async fn trouble(trouble: &Trouble, State(log): State<Log>, delivery: Delivery) -> std::io::Result<()> {
    log.write("start", trouble.number, delivery.attempt)?;
    match trouble.how {
        // tidy: not a wait: it is the work
        How::Block => std::thread::sleep(Duration::from_millis(trouble.hold_ms)),
        How::Abort => std::process::abort(),
    }
    log.write("end", trouble.number, delivery.attempt)
}

/// Blocks a thread of the runtime for longer than any test runs.
#[receiver(signal = Blockade, name = "rig.blockade", timeout = "5m")]
async fn blockade(blockade: &Blockade, State(log): State<Log>, delivery: Delivery) -> std::io::Result<()> {
    log.write("start", blockade.number, delivery.attempt)?;
    // tidy: not a wait: it is the work
    std::thread::sleep(Duration::from_secs(60));
    Ok(())
}

/// A blocking receiver that does not look at the clock.
#[receiver(signal = Stubborn, name = "rig.stubborn", timeout = "300ms", max_attempts = 1, concurrency = 1)]
fn stubborn(stubborn: &Stubborn, State(log): State<Log>, delivery: Delivery) -> std::io::Result<()> {
    log.write("start", stubborn.number, delivery.attempt)?;
    // tidy: not a wait: it is the work
    std::thread::sleep(Duration::from_millis(stubborn.hold_ms));
    log.write("end", stubborn.number, delivery.attempt)
}

/// A transactional receiver with one effect: a row that a second effect would violate.
#[receiver(signal = Work, name = "rig.effect", timeout = "300ms")]
async fn effect(work: &Work, tx: &mut SqliteTx, State(log): State<Log>, delivery: Delivery) -> anyhow::Result<()> {
    log.write("effect", work.number, delivery.attempt)?;
    sqlx::query("INSERT INTO effect (number) VALUES ($1)").bind(work.number).execute(&mut **tx).await?;
    Ok(())
}

/// Opens the file, with the application's own table in it.
///
/// # Errors
///
/// Returns the database's error.
pub async fn open(path: &Path) -> anyhow::Result<Signals<SqliteBackend>> {
    let signals = Signals::new(SqliteBackend::open(path).await?);
    signals.setup().await?;
    let create = "CREATE TABLE IF NOT EXISTS effect (number INTEGER PRIMARY KEY) STRICT";
    sqlx::query(create).execute(signals.backend().pool()).await?;
    Ok(signals)
}

/// Sends one signal in a transaction of its own.
///
/// # Errors
///
/// Returns the database's error.
pub async fn send_one(signals: &Signals<SqliteBackend>, signal: &impl Signal) -> Result<SignalId> {
    let mut tx = signals.begin().await?;
    let receipt = signal.send(&mut tx).await?;
    tx.commit().await?;
    Ok(receipt.signal_id)
}

/// Sends a [`Work`] for each of `numbers`, in a transaction each.
///
/// # Errors
///
/// Returns the database's error.
pub async fn send(signals: &Signals<SqliteBackend>, numbers: std::ops::Range<i64>, hold: Duration) -> Result<()> {
    for number in numbers {
        send_one(signals, &Work { number, hold_ms: u64::try_from(hold.as_millis()).unwrap_or(u64::MAX) }).await?;
    }
    Ok(())
}
