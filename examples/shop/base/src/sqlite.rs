//! The shop in a SQLite file.

use std::path::Path;
use std::time::Duration;

use signals_runtime::{Error, Result, Signals, SqliteBackend};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqliteSynchronous};

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

/// Opens a database that is there already, as it is: whoever looks at a file changes nothing of it, not even how its journal is
/// kept.
///
/// # Errors
///
/// Returns [`Error::NotMigrated`] when the file holds no tables of the signals, or older ones, and an error when it cannot be
/// opened or is not set up as the guarantees need it.
pub async fn existing(database: &Path) -> Result<Signals<Db>> {
    let options = SqliteConnectOptions::new()
        .filename(database)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(5));
    let pool = SqlitePool::connect_with(options).await.map_err(|error| Error::Unavailable(error.into()))?;
    // Asked before the library checks how the journal is kept: of another application's file that would be the wrong answer.
    let tables = "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'signals_migration'";
    let tables: i64 =
        sqlx::query_scalar(tables).fetch_one(&pool).await.map_err(|error| Error::Database(error.into()))?;
    if tables == 0 {
        return Err(Error::NotMigrated { found: "none is there".to_owned() });
    }
    let signals = Signals::new(SqliteBackend::from_pool(pool).await?);
    signals.store().resolve(&signals.registry()?.registration()).await?;
    Ok(signals)
}
