//! An application for tests with real processes over a Postgres server: what it sends, what its receivers do, and its record
//! outside of the database.

// The same record as that of the rig over SQLite, whose package links receivers that take another database's transactions.
pub mod latency;
#[path = "../../rig/src/log.rs"]
mod log;
mod sender;
#[path = "../../rig/src/series.rs"]
pub mod series;
mod work;

use std::time::Duration;

pub use log::{Line, Log};
pub use sender::{Sent, book, prepare, send_until};
use signals_runtime::{PgBackend, Result, Signals};
use sqlx::postgres::PgPoolOptions;
pub use work::{EFFECT, HOLD, How, WORK, Work};

/// The application's own tables: what was booked, and what came of it. Nothing keeps either from being there twice.
pub const TABLES: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS booking (number bigint NOT NULL, signal bigint NOT NULL)",
    "CREATE TABLE IF NOT EXISTS effect (number bigint NOT NULL)",
];

/// Makes the tables, and registers the receivers.
///
/// # Errors
///
/// Returns the database's error.
pub async fn set_up(signals: &Signals<PgBackend>) -> anyhow::Result<()> {
    signals.setup().await?;
    for table in TABLES {
        sqlx::query(table).execute(signals.backend().pool()).await?;
    }
    Ok(())
}

/// The application over the database at `url`, with so many connections; connects when it must.
///
/// # Errors
///
/// Returns an error when `url` is none.
pub fn over(url: &str, connections: u32) -> Result<Signals<PgBackend>, sqlx::Error> {
    // Whoever waits longer than this for a connection is better told.
    let pool = PgPoolOptions::new().max_connections(connections).acquire_timeout(Duration::from_secs(5));
    Ok(Signals::new(PgBackend::new(pool.connect_lazy(url)?)))
}

/// The same behind a pooler that gives every transaction another session.
///
/// # Errors
///
/// As [`over`].
pub fn behind_pooler(url: &str, connections: u32) -> Result<Signals<PgBackend>, sqlx::Error> {
    Ok(Signals::new(over(url, connections)?.backend().clone().behind_pooler()))
}
