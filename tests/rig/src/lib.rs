//! Small applications for tests with real processes over one SQLite file, each with a record outside of it.

pub mod latency;
mod log;
pub mod memory;
pub mod series;
mod work;

use std::path::Path;
use std::time::Duration;

pub use log::{Line, Log};
use signals_runtime::delivery::SignalId;
use signals_runtime::{Result, Signal, Signals, SqliteBackend};
pub use work::{Blockade, Form, Hogging, How, Nothing, Stubborn, Trouble, Work};

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
