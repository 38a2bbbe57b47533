//! Opening a database, and checking one that the application opened.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use signals_core::clock::{Clock, SystemClock};
use signals_core::{Error, Result};
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::connections::BUSY_TIMEOUT;
use super::{SqliteBackend, error, sql};

/// The oldest SQLite that is safe: before it, a reset of the WAL could lose commits (D5).
const OLDEST: (u32, u32, u32) = (3, 51, 3);

/// How to open a database.
///
/// | option | default | meaning |
/// |---|---|---|
/// | `max_connections` | 8 | the size of the application's pool |
/// | `clock` | the operating system's | what decides what is due and what has expired |
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    max_connections: u32,
    clock: Arc<dyn Clock>,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self { max_connections: 8, clock: Arc::new(SystemClock) }
    }
}

impl SqliteOptions {
    /// The size of the application's pool.
    #[must_use]
    pub fn max_connections(mut self, connections: u32) -> Self {
        self.max_connections = connections;
        self
    }

    /// Another clock, for tests.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Opens the file at `path`, creating it if it is missing, with WAL, `synchronous=FULL` and a busy time-out of 5 s.
    ///
    /// # Errors
    ///
    /// As [`SqliteBackend::open`].
    ///
    /// # Cancel safety
    ///
    /// As [`SqliteBackend::open`].
    pub async fn open(self, path: impl AsRef<Path>) -> Result<SqliteBackend> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT);
        let pool = connect(&SqlitePoolOptions::new().max_connections(self.max_connections), &options).await?;
        check(&pool).await?;
        Ok(SqliteBackend::assemble(pool, true, self.clock))
    }
}

impl SqliteBackend {
    /// Opens the file at `path`, creating it if it is missing, with WAL, `synchronous=FULL` and a busy time-out of 5 s.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Unavailable`] when the file cannot be opened, [`Error::Contention`] when others keep it locked for
    /// 5 s, and [`Error::Misconfigured`] when it is no file (`:memory:`).
    ///
    /// # Cancel safety
    ///
    /// Dropped before it answers, it may have created the file, empty. Call it again.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::options().open(path).await
    }

    /// How to open a database, to change something about it.
    #[must_use]
    pub fn options() -> SqliteOptions {
        SqliteOptions::default()
    }

    /// Uses the connections that the application has. They keep `foreign_keys` and everything else as it is.
    ///
    /// Beside them, the library opens connections of its own with the pool's connect options.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Misconfigured`] when the pool is not what the guarantees need: a file, WAL, `synchronous=FULL`,
    /// a busy time-out, normal locking, SQLite 3.51.3 or newer. The text says what to change.
    ///
    /// # Cancel safety
    ///
    /// It only reads.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let file = folder.path().join("app.db");
    /// use std::time::Duration;
    ///
    /// use signals_runtime::SqliteBackend;
    /// use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
    ///
    /// let options = SqliteConnectOptions::new()
    ///     .filename(file)
    ///     .create_if_missing(true)
    ///     .journal_mode(SqliteJournalMode::Wal)
    ///     .synchronous(SqliteSynchronous::Full)
    ///     .busy_timeout(Duration::from_secs(5));
    /// let pool = SqlitePoolOptions::new().max_connections(16).connect_with(options).await?;
    /// let backend = SqliteBackend::from_pool(pool).await?;
    /// # drop(backend);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn from_pool(pool: SqlitePool) -> Result<Self> {
        check(&pool).await?;
        Ok(Self::assemble(pool, false, Arc::new(SystemClock)))
    }
}

/// Connects, also while another process is turning a new file into one with a WAL: SQLite refuses that one at once,
/// whatever the busy time-out.
async fn connect(pool: &SqlitePoolOptions, options: &SqliteConnectOptions) -> Result<SqlitePool> {
    // tidy: a duration: how long the file is waited for
    let since = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        match pool.clone().connect_with(options.clone()).await.map_err(error::of) {
            Err(Error::Contention(_)) if since.elapsed() < BUSY_TIMEOUT => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_millis(50));
            }
            other => return other,
        }
    }
}

async fn check(pool: &SqlitePool) -> Result<()> {
    let (version, journal, synchronous, timeout, locking, file): (String, String, i64, i64, String, String) =
        sqlx::query_as(sql::CHECK).fetch_one(pool).await.map_err(error::of)?;
    let refuse = |what: String| Err(Error::Misconfigured(what));
    if file.is_empty() {
        return refuse(
            "an in-memory or temporary SQLite database cannot hold signals: workers open connections of their own; use \
             a file, or `MemoryBackend` in tests"
                .to_owned(),
        );
    }
    if parse(&version) < OLDEST {
        let (major, minor, patch) = OLDEST;
        return refuse(format!(
            "SQLite {version} can lose commits when the WAL is reset: link {major}.{minor}.{patch} or newer (feature \
             `sqlite-bundled` of sqlx brings it)"
        ));
    }
    if !journal.eq_ignore_ascii_case("wal") {
        return refuse(format!(
            "the journal mode is `{journal}`: open the pool with `.journal_mode(SqliteJournalMode::Wal)`"
        ));
    }
    if synchronous < 2 {
        return refuse(format!(
            "`PRAGMA synchronous` is {synchronous}, so a committed send could be lost with the machine: open the pool \
             with `.synchronous(SqliteSynchronous::Full)`"
        ));
    }
    if timeout <= 0 {
        return refuse(
            "the busy time-out is 0, so every second writer would fail at once: open the pool with \
             `.busy_timeout(Duration::from_secs(5))`"
                .to_owned(),
        );
    }
    if !locking.eq_ignore_ascii_case("normal") {
        return refuse(format!(
            "the locking mode is `{locking}`, which shuts workers out: open the pool with \
             `.locking_mode(SqliteLockingMode::Normal)`"
        ));
    }
    Ok(())
}

fn parse(version: &str) -> (u32, u32, u32) {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    let mut part = || parts.next().unwrap_or(0);
    (part(), part(), part())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        assert!(parse("3.51.3") >= OLDEST && parse("3.100.0") > OLDEST && parse("4.0") > OLDEST);
        assert!(parse("3.51.2") < OLDEST && parse("3.9.99") < OLDEST);
    }
}
