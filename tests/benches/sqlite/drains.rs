//! A worker that drains what is due, to receivers that do nothing, beside raw SQL that claims and deletes the same rows,
//! 100 at a time.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use signals_runtime::{Signal, Signals, SqliteBackend, defaults, send_all};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};

use crate::facts::{self, One, Ten, Three};
use crate::series::{Series, Took, Watch, micros};
use crate::{Result, Size, raw};

/// Attempts at once, so that a claim can take 100, as the raw one does.
const SLOTS: usize = 100;

/// Signals of one transaction when a file is filled.
const FILL: usize = 5_000;

/// Deliveries whose commits are counted.
const COUNTED: usize = 5_000;

/// One drain: a name, what is kept, and what the worker may do at once.
#[derive(Clone, Copy, Debug)]
struct Case {
    name: &'static str,
    history: Duration,
    slots: usize,
}

pub(crate) async fn measure(place: &Path, size: Size, series: &mut Series) -> Result {
    let total = size.deliveries;
    for (what, history) in [("without history", Duration::ZERO), ("with history", defaults::HISTORY)] {
        let case = |name, slots| Case { name, history, slots };
        compare(place, what, case("R=1", SLOTS), total, One::RECEIVERS, One::new, series).await?;
        compare(place, what, case("R=3", SLOTS), total / 3, Three::RECEIVERS, Three::new, series).await?;
        compare(place, what, case("R=10", SLOTS), total / 10, Ten::RECEIVERS, Ten::new, series).await?;
        let default = case("R=1, 16 slots", defaults::CONCURRENCY);
        compare(place, what, default, total, One::RECEIVERS, One::new, series).await?;
        commits(place, what, history, series).await?;
    }
    Ok(())
}

/// Drains `signals` signals once by hand and once by a worker.
async fn compare<S: Signal>(
    place: &Path,
    what: &str,
    case: Case,
    count: usize,
    receivers: &str,
    new: impl Fn(i64) -> S,
    series: &mut Series,
) -> Result {
    let signals = filled(place, count, &new).await?;
    let watch = Watch::start();
    let by_hand = raw::drain(signals.backend().pool(), !case.history.is_zero()).await?;
    let raw = watch.stop();
    emptied(signals).await?;

    let signals = filled(place, count, &new).await?;
    let worker = signals.worker().only([receivers]).concurrency(case.slots).history(case.history).build()?;
    let watch = Watch::start();
    let done = worker.drain().await?.done;
    let own = watch.stop();
    emptied(signals).await?;

    if by_hand as u64 != done {
        return Err(format!("{by_hand} deliveries by hand, {done} by the worker").into());
    }
    let name = case.name;
    let mut push = |side: &str, took: Took| {
        series.push(format!("{side} {what}, {name}"), "deliveries/s", done as f64 / took.wall.as_secs_f64());
        series.push(format!("{side} {what}, {name}, processor"), "us each", micros(took.processor, by_hand));
    };
    push("raw drain", raw);
    push("drain", own);
    let ratio = own.wall.as_secs_f64() / raw.wall.as_secs_f64();
    series.push(format!("drain / raw drain {what}, {name}, time"), "x", ratio);
    Ok(())
}

/// A file that no other drain has used: connections of one that is over may still be closing.
fn fresh(place: &Path) -> PathBuf {
    static FILES: AtomicUsize = AtomicUsize::new(0);
    place.join(format!("drain-{}.db", FILES.fetch_add(1, Ordering::Relaxed)))
}

/// A new file with `count` signals in it.
async fn filled<S: Signal>(place: &Path, count: usize, new: impl Fn(i64) -> S) -> Result<Signals<SqliteBackend>> {
    let signals = facts::open(&fresh(place)).await?;
    fill(&signals, count, new).await?;
    Ok(signals)
}

async fn fill<S: Signal>(signals: &Signals<SqliteBackend>, count: usize, new: impl Fn(i64) -> S) -> Result {
    let facts: Vec<S> = (0..count as i64).map(new).collect();
    for facts in facts.chunks(FILL) {
        let mut tx = signals.begin().await?;
        send_all(facts, &mut tx).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Checks that nothing is left.
async fn emptied(signals: Signals<SqliteBackend>) -> Result {
    let pool = signals.backend().pool();
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM signals_delivery").fetch_one(pool).await?;
    if left > 0 {
        return Err(format!("{left} deliveries were left").into());
    }
    pool.close().await;
    Ok(())
}

/// Commits and bytes of the write-ahead log for each delivery, counted in a log that is never checkpointed.
async fn commits(place: &Path, what: &str, history: Duration, series: &mut Series) -> Result {
    let path = fresh(place);
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .pragma("wal_autocheckpoint", "0");
    let pool = SqlitePoolOptions::new().connect_with(options).await?;
    let signals = Signals::new(SqliteBackend::from_pool(pool).await?);
    signals.setup().await?;
    fill(&signals, COUNTED, One::new).await?;
    let log = path.with_extension("db-wal");
    let before = std::fs::read(&log)?.len();
    let worker = signals.worker().only([One::RECEIVERS]).concurrency(SLOTS).history(history).build()?;
    worker.drain().await?;
    let wal = std::fs::read(&log)?;
    series.push(format!("commits {what}"), "each", commit_frames(&wal[before..]) as f64 / COUNTED as f64);
    series.push(format!("log {what}"), "bytes each", (wal.len() - before) as f64 / COUNTED as f64);
    emptied(signals).await
}

/// How many of these frames end a transaction: <https://www.sqlite.org/fileformat2.html#the_write_ahead_log>. A frame is a
/// header of 24 bytes and a page of 4,096; the second word of a commit's is the size of the database, of others zero.
fn commit_frames(frames: &[u8]) -> usize {
    frames.chunks(24 + 4096).filter(|frame| frame.get(4..8).is_some_and(|size| size != [0; 4])).count()
}
