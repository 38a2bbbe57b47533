//! What the campaign asks of a database: for the application that is over it, and for the nemesis that is after it.

use std::future::Future;
use std::path::Path;
use std::time::Duration;

use signals_cluster::Wire;
use signals_runtime::{Backend, Result, Signals, Tx};

use crate::nemesis::Ill;

/// The application's side.
pub trait Database: Sized + 'static {
    /// What holds the deliveries.
    type Backend: Backend;

    /// Its name on command lines.
    const NAME: &'static str;

    /// Whether one transaction at a time may write: then whoever holds the write lock keeps everybody waiting, and a worker runs
    /// its transactional receivers one after the other.
    const ONE_WRITER: bool;

    /// The application over the database at `address`, with the receivers of `app.rs`.
    ///
    /// # Errors
    ///
    /// Returns the database's error.
    fn open(address: &str) -> impl Future<Output = anyhow::Result<Signals<Self::Backend>>>;

    /// Writes that an order was booked.
    ///
    /// # Errors
    ///
    /// Returns the database's error.
    fn write_order(tx: &mut Tx<Self::Backend>, number: i64, signal: i64) -> impl Future<Output = Result<()>>;

    /// What the application has in its tables.
    ///
    /// # Errors
    ///
    /// Returns the database's error.
    fn read_books(signals: &Signals<Self::Backend>) -> impl Future<Output = anyhow::Result<Books>>;

    /// Whether a transaction of half a second or more keeps dead rows from being removed: it pins the horizon.
    ///
    /// # Errors
    ///
    /// Returns the database's error.
    fn is_pinned(signals: &Signals<Self::Backend>) -> impl Future<Output = anyhow::Result<bool>>;

    /// How many orders and how many effects there are.
    ///
    /// # Errors
    ///
    /// Returns the database's error.
    fn count(signals: &Signals<Self::Backend>) -> impl Future<Output = anyhow::Result<(i64, i64)>>;
}

/// What the application has in its tables, and whether the database is in order.
#[derive(Clone, Debug, Default)]
pub struct Books {
    /// The orders that were booked: number, and the id of the signal sent with it.
    pub orders: Vec<(i64, i64)>,
    /// The numbers in the rows that transactional receivers wrote.
    pub rows: Vec<i64>,
    /// What the database says of itself; `ok` when nothing is damaged.
    pub integrity: String,
}

/// The nemesis's side: a database of this campaign alone.
pub trait Host: Sized {
    /// What it is for the application.
    type Database: Database;

    /// Makes it, with its tables, in `folder` or elsewhere.
    ///
    /// # Errors
    ///
    /// Returns the database's error, or says what is missing.
    fn start(folder: &Path) -> impl Future<Output = anyhow::Result<Self>>;

    /// Its address, on a way that nothing is done to.
    fn address(&self) -> String;

    /// A way there for one process.
    ///
    /// # Errors
    ///
    /// Returns the system's error.
    fn way(&self) -> impl Future<Output = anyhow::Result<Way>>;

    /// What can be done to it.
    fn ills() -> &'static [Ill];

    /// Does `ill` to it, which takes as long as the ill lasts.
    ///
    /// # Errors
    ///
    /// Returns an error when it could not be done, or the database does not come back.
    fn suffer(&mut self, ill: Ill, lasts: Duration) -> impl Future<Output = anyhow::Result<()>>;
}

/// How one process reaches its database.
#[derive(Debug)]
pub struct Way {
    /// What the process is told.
    pub address: String,
    /// What the nemesis can cut, where there is one.
    pub wire: Option<Wire>,
}
