//! The shop on a Postgres server.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};
use signals_cluster::{Binaries, Cluster, Database, Server, Settings};
use signals_runtime::clock::Timestamp;
use signals_runtime::{PgBackend, Signals};
use sqlx::postgres::{PgPool, PgPoolOptions};
use tempfile::TempDir;

/// The shop's database.
pub type Db = PgBackend;

/// Where the shop's database is: on a server; and where its files are, which no server keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    url: String,
    files: PathBuf,
}

impl Place {
    /// The option that names it.
    pub const OPTION: &str = "database-url";

    /// What `--help` says of that option.
    pub const HELP: &str =
        "  --database-url URL the database, postgres://user:password@host/name [DATABASE_URL]; the story
                     makes one of its own beside it, and needs none where it can start a server;
                     mails and exports are kept in ./shop-mail and ./shop-exports";

    /// Whether the story can be told in a database that somebody names: on its server.
    pub const STORY_TAKES_ONE: bool = true;

    /// The one that the option's value names.
    ///
    /// # Errors
    ///
    /// Returns an error when it is no URL.
    pub fn named(value: OsString) -> Result<Self> {
        let url = value.into_string().map_err(|_| anyhow!("this is no URL"))?;
        Server::at(&url)?;
        Ok(Self { url, files: PathBuf::from("shop") })
    }

    /// The one that is meant when none is named: that of `DATABASE_URL`.
    ///
    /// # Errors
    ///
    /// Returns an error when that is no URL.
    pub fn usual() -> Result<Option<Self>> {
        env::var_os("DATABASE_URL").map(|url| Self::named(url).context("DATABASE_URL")).transpose()
    }

    /// The option's value for another process.
    pub fn value(&self) -> &OsStr {
        self.url.as_ref()
    }

    /// What the shop keeps in files is kept beside this one, which is none itself.
    pub fn beside(&self) -> &Path {
        &self.files
    }
}

/// Without the password: it is for the screen.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.url.split_once("://"), self.url.rsplit_once('@')) {
            (Some((scheme, _)), Some((_, server))) => write!(f, "{scheme}://{server}"),
            _ => f.write_str(&self.url),
        }
    }
}

/// A database for a while, on a server that was named or on a private one, and a folder.
#[derive(Debug)]
pub struct Scratch {
    place: Place,
    folder: TempDir,
    // The order matters: the database goes before its server.
    database: Database,
    _cluster: Option<Cluster>,
}

impl Scratch {
    /// Makes one on the server of `place`, or starts a private server where nobody names any.
    ///
    /// # Errors
    ///
    /// Returns an error that says what is missing when there is no server and none can be started, or when the server does not
    /// make a database.
    pub async fn new(place: Option<&Place>) -> Result<Self> {
        let (server, cluster) = match place {
            Some(place) => (Server::at(&place.url)?, None),
            None => {
                let binaries = Binaries::find().context("the story needs a Postgres; name one with --database-url")?;
                let cluster = Cluster::start_with(binaries, Settings::durable())?;
                (cluster.server(), Some(cluster))
            }
        };
        let database = server.database().await.context("the story makes a database of its own, and may not")?;
        let folder = tempfile::Builder::new().prefix("shop-").tempdir().context("no folder for the story's files")?;
        let place = Place { url: database.url().to_owned(), files: folder.path().join("shop") };
        Ok(Self { place, folder, database, _cluster: cluster })
    }

    /// Where it is.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Keeps it, to be looked at; answers where. A private server ends with the process all the same.
    pub fn keep(self) -> String {
        let kept = self.folder.keep().display().to_string();
        if self._cluster.is_some() { kept } else { format!("{kept} and the database {}", self.database.keep()) }
    }

    /// Removes it, and the folder.
    ///
    /// # Errors
    ///
    /// Returns an error when something of it cannot be removed.
    pub fn remove(self) -> Result<()> {
        self.folder.close().context("the story's files could not be removed")
    }
}

/// Connects to the shop's database.
///
/// # Errors
///
/// Returns an error when it cannot be reached.
pub async fn open(place: &Place) -> Result<Signals<Db>> {
    // A worker's slots, and some for whoever looks: docs/operations.md says how many.
    let pool = PgPoolOptions::new().max_connections(20).connect(&place.url).await?;
    Ok(Signals::new(PgBackend::new(pool)))
}

/// Connects to a database that has the tables already, and changes nothing of it.
///
/// # Errors
///
/// Returns `Error::NotMigrated` when it has no tables of the signals, or older ones, and an error when it cannot be reached.
pub async fn existing(place: &Place) -> Result<Signals<Db>> {
    let signals = open(place).await?;
    signals.store().resolve(&signals.registry()?.registration()).await?;
    Ok(signals)
}

/// What the server takes the time to be.
///
/// # Errors
///
/// Returns an error when it does not answer.
pub async fn now(shop: &Signals<Db>) -> Result<Timestamp> {
    let now = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
    Ok(Timestamp::from_micros(sqlx::query_scalar(now).fetch_one(shop.backend().pool()).await?))
}

/// The migrations as SQL, for another tool. They are the backend's: no server is asked.
///
/// # Errors
///
/// None here.
pub async fn scripts() -> Result<Vec<String>> {
    let signals = Signals::new(PgBackend::new(PgPool::connect_lazy("postgres://localhost")?));
    Ok(signals.migrations().iter().map(ToString::to_string).collect())
}
