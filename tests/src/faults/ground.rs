//! What the story needs of a database.

use std::future::Future;

use signals_core::{Backend, Result};
use signals_runtime::Signals;

/// What somebody begins on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Soil {
    /// A database with its tables and no receivers.
    Untouched,
    /// One that a story has [left](Ground::leave) will do.
    Left,
    /// One without the library's tables.
    Bare,
}

/// A database for one run of the story, through which faults are made.
///
/// Its business table has a row for each [`note`](Self::note), and nothing keeps two of them from being the same: what
/// happens twice is seen twice.
pub trait Ground: Sized + Send + Sync + 'static {
    /// How many stories are told at once: most of them wait, for a pause or for a lease.
    const ABREAST: usize;
    /// The names of statements of which one at least must be cut in every sweep.
    const STATEMENTS: &'static [&'static str];
    /// How many deliveries one transaction of a deed on many changes.
    const BATCH: u64;

    /// What the application uses.
    type Backend: Backend + Clone;
    /// What the story's judge uses: the same database, past every fault.
    type Direct: Backend;

    /// The application's backend, whose statements are counted.
    fn backend(&self) -> &Self::Backend;

    /// The same database, without faults.
    fn direct(&self) -> &Signals<Self::Direct>;

    /// Writes a business row, in the transaction that `conn` is in.
    fn note<'c>(
        conn: &'c mut <Self::Backend as Backend>::Conn,
        what: &'static str,
        number: i64,
    ) -> impl Future<Output = Result<()>> + Send + 'c;

    /// Whether there is such a row, as that transaction sees it.
    fn is_noted<'c>(
        conn: &'c mut <Self::Backend as Backend>::Conn,
        what: &'static str,
        number: i64,
    ) -> impl Future<Output = Result<bool>> + Send + 'c;

    /// What there is of tables, indexes and whatever else migrations make, and which of them are noted, without faults.
    fn schema(&self) -> impl Future<Output = Vec<String>> + Send;

    /// What [`schema`](Self::schema) is where nothing was cut.
    fn whole_schema(&self) -> &[String];

    /// Runs what a migration prints, as another tool does, without faults.
    fn run_script(&self, script: String) -> impl Future<Output = ()> + Send;

    /// All committed rows, without faults.
    fn noted(&self) -> impl Future<Output = Vec<(String, i64)>> + Send;

    /// How many connections the application's pool has.
    fn pool_size(&self) -> u32;

    /// Whether every connection that the application has opened is back in its pool. One is on its way back for a moment after
    /// its transaction, and whoever begins within that moment opens another, which says other statements.
    fn is_at_rest(&self) -> bool;

    /// It was told, and went well: what is dear may be used by another one that begins on the same.
    fn leave(self) {}

    /// Why some connection is inside a transaction although nobody is at work; none when all are at rest.
    fn unrest(&self) -> impl Future<Output = Option<String>> + Send;
}
