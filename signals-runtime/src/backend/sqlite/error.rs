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

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::fmt;

    use sqlx::error::{DatabaseError, ErrorKind};

    use super::*;

    /// An error with this extended code.
    #[derive(Debug)]
    struct Coded(i32);

    impl fmt::Display for Coded {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "code {}", self.0)
        }
    }

    impl std::error::Error for Coded {}

    impl DatabaseError for Coded {
        fn message(&self) -> &str {
            "refused"
        }

        fn code(&self) -> Option<Cow<'_, str>> {
            Some(self.0.to_string().into())
        }

        fn as_error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
            self
        }

        fn as_error_mut(&mut self) -> &mut (dyn std::error::Error + Send + Sync + 'static) {
            self
        }

        fn into_error(self: Box<Self>) -> BoxError {
            self
        }

        fn kind(&self) -> ErrorKind {
            ErrorKind::Other
        }
    }

    #[test]
    fn d4_whoever_meets_another_in_the_way_may_begin_again() {
        let of = |code| super::of(sqlx::Error::Database(Box::new(Coded(code))));
        // SQLITE_BUSY_SNAPSHOT, SQLITE_LOCKED, and SQLITE_PROTOCOL: others kept the WAL's index from being locked.
        for code in [5, 5 | (2 << 8), 6, 15] {
            assert!(matches!(of(code), Error::Contention(_)), "{code}");
        }
        assert!(matches!(of(13), Error::NotWritable(_)) && matches!(of(10), Error::Unavailable(_)));
        assert!(matches!(of(1), Error::Database(_)));
    }
}
