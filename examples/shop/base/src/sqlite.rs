//! The shop in a SQLite file.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use signals_runtime::clock::Timestamp;
use signals_runtime::{Error, Signals, SqliteBackend};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqliteSynchronous};
use tempfile::TempDir;

/// The shop's database.
pub type Db = SqliteBackend;

/// Where the shop's database is: a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place(PathBuf);

impl Place {
    /// The option that names it.
    pub const OPTION: &str = "database";

    /// What `--help` says of that option.
    pub const HELP: &str = "  --database PATH    the SQLite file [./shop.db]; mails and exports are kept beside it";

    /// Whether the story can be told in a database that somebody names: it makes a file of its own.
    pub const STORY_TAKES_ONE: bool = false;

    /// The one that the option's value names.
    ///
    /// # Errors
    ///
    /// None here.
    pub fn named(value: OsString) -> Result<Self> {
        Ok(Self(value.into()))
    }

    /// The one that is meant when none is named.
    ///
    /// # Errors
    ///
    /// None here.
    pub fn usual() -> Result<Option<Self>> {
        Ok(Some(Self("shop.db".into())))
    }

    /// The option's value for another process.
    pub fn value(&self) -> &OsStr {
        self.0.as_os_str()
    }

    /// What the shop keeps in files is kept beside this one.
    pub fn beside(&self) -> &Path {
        &self.0
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

/// A database for a while: a file in a folder of its own.
#[derive(Debug)]
pub struct Scratch {
    place: Place,
    folder: TempDir,
}

impl Scratch {
    /// Makes one.
    ///
    /// # Errors
    ///
    /// Returns an error when no folder can be made.
    pub async fn new(_: Option<&Place>) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("shop-").tempdir().context("no folder for the story's files")?;
        Ok(Self { place: Place(folder.path().join("shop.db")), folder })
    }

    /// Where it is.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Keeps it, to be looked at; answers where.
    pub fn keep(self) -> String {
        self.folder.keep().display().to_string()
    }

    /// Removes it, and what is beside it.
    ///
    /// # Errors
    ///
    /// Returns an error when something of it cannot be removed.
    pub fn remove(self) -> Result<()> {
        self.folder.close().context("the story's files could not be removed")
    }
}

/// Opens the shop's database; its file is created when there is none.
///
/// # Errors
///
/// Returns an error when the file cannot be opened or is not set up as the guarantees need it.
pub async fn open(place: &Place) -> Result<Signals<Db>> {
    Ok(Signals::new(SqliteBackend::open(&place.0).await?))
}

/// Opens a database that is there already, as it is: whoever looks at a file changes nothing of it, not even how its journal is
/// kept.
///
/// # Errors
///
/// Returns [`Error::NotMigrated`] when the file holds no tables of the signals, or older ones, and an error when there is none,
/// or it cannot be opened or is not set up as the guarantees need it.
pub async fn existing(place: &Place) -> Result<Signals<Db>> {
    let Place(file) = place;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.exists()) {
        bail!("there is no folder {}: make it, or name another file with --database", folder.display());
    }
    if !file.exists() {
        bail!("there is no database {place}: `shop serve` or `shop worker` creates it");
    }
    let options = SqliteConnectOptions::new()
        .filename(file)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(5));
    let pool = SqlitePool::connect_with(options).await.map_err(|error| Error::Unavailable(error.into()))?;
    // Asked before the library checks how the journal is kept: of another application's file that would be the wrong answer.
    let tables = "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'signals_migration'";
    let tables: i64 =
        sqlx::query_scalar(tables).fetch_one(&pool).await.map_err(|error| Error::Database(error.into()))?;
    if tables == 0 {
        bail!(Error::NotMigrated { found: "none is there".to_owned() });
    }
    let signals = Signals::new(SqliteBackend::from_pool(pool).await?);
    signals.store().resolve(&signals.registry()?.registration()).await?;
    Ok(signals)
}

/// What the database takes the time to be.
///
/// # Errors
///
/// None here.
pub async fn now(shop: &Signals<Db>) -> Result<Timestamp> {
    Ok(shop.backend().clock().now())
}

/// The migrations as SQL, for another tool. They are the backend's, whatever its file holds: none is kept for the sake of
/// printing.
///
/// # Errors
///
/// Returns an error when no file can be made.
pub async fn scripts() -> Result<Vec<String>> {
    let scratch = Scratch::new(None).await?;
    let migrations = open(scratch.place()).await?.migrations();
    Ok(migrations.iter().map(ToString::to_string).collect())
}
