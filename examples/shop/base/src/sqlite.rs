//! The shop in a SQLite file.

use std::path::Path;

use signals_runtime::{Result, Signals, SqliteBackend};

/// The shop's database.
pub type Db = SqliteBackend;

/// Opens the shop's database; its file is created when there is none.
///
/// # Errors
///
/// Returns an error when the file cannot be opened or is not set up as the guarantees need it.
pub async fn open(database: &Path) -> Result<Signals<Db>> {
    Ok(Signals::new(SqliteBackend::open(database).await?))
}
