//! The backend's edge: what SQLite and sqlx report becomes the library's own error here, and nowhere else.

use signals_core::{BoxError, Error};

/// SQLite's primary result codes that mean more than "refused".
mod code {
    pub(super) const BUSY: i32 = 5;
    pub(super) const LOCKED: i32 = 6;
    pub(super) const READONLY: i32 = 8;
    pub(super) const IOERR: i32 = 10;
    pub(super) const FULL: i32 = 13;
    pub(super) const CANTOPEN: i32 = 14;
    pub(super) const PROTOCOL: i32 = 15;
}

/// What an error of a statement means to the caller.
pub(super) fn of(error: sqlx::Error) -> Error {
    let lost = matches!(
        error,
        sqlx::Error::Io(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::Tls(_)
    );
    if lost {
        return Error::Unavailable(Box::new(error));
    }
    if let Some(table) = missing_table(&error) {
        return Error::NotMigrated { found: format!("no table `{table}`") };
    }
    match primary_code(&error) {
        Some(code::BUSY | code::LOCKED | code::PROTOCOL) => Error::Contention(Box::new(error)),
        Some(code::READONLY | code::FULL) => Error::NotWritable(Box::new(error)),
        Some(code::CANTOPEN | code::IOERR) => Error::Unavailable(Box::new(error)),
        Some(_) | None => Error::Database(Box::new(error)),
    }
}

/// What an error of a COMMIT means: when the disk or the connection failed under it, nobody knows.
pub(super) fn of_commit(error: sqlx::Error) -> Error {
    let error = of(error);
    if let Error::Unavailable(source) = error { Error::CommitUnknown(source) } else { error }
}

/// Something in the tables that this library did not write.
pub(super) fn foreign(what: impl Into<BoxError>) -> Error {
    Error::Database(what.into())
}

/// Whether this is SQLite's answer to `RELEASE` of a savepoint that is not there.
pub(super) fn is_missing_savepoint(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| error.message().contains("no such savepoint"))
}

fn primary_code(error: &sqlx::Error) -> Option<i32> {
    let code: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}

fn missing_table(error: &sqlx::Error) -> Option<&str> {
    let table = error.as_database_error()?.message().strip_prefix("no such table: ")?;
    let table = table.strip_prefix("main.").unwrap_or(table);
    table.starts_with("signals_").then_some(table)
}
