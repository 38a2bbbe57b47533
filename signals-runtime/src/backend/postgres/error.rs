//! The backend's edge: what Postgres and sqlx report becomes the library's own error here, and nowhere else.

mod refusal;

use signals_core::{BoxError, Error};

/// What an error of a statement means to the caller.
pub(super) fn of(error: sqlx::Error) -> Error {
    let error = refusal::without_values(error);
    let lost = matches!(
        error,
        sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed
    );
    if lost {
        return Error::Unavailable(Box::new(error));
    }
    let Some(refusal) = error.as_database_error() else { return Error::Database(Box::new(error)) };
    match meaning(refusal.code().as_deref().unwrap_or_default()) {
        Meaning::Contention => Error::Contention(Box::new(error)),
        Meaning::Unavailable => Error::Unavailable(Box::new(error)),
        Meaning::NotWritable => Error::NotWritable(Box::new(error)),
        Meaning::NotMigrated if is_ours(refusal.message()) => {
            Error::NotMigrated { found: refusal.message().to_owned() }
        }
        Meaning::Forbidden => Error::Misconfigured(format!(
            "{}: grant this role what it needs (`PgBackend::roles()` prints a script), or connect as another",
            refusal.message()
        )),
        Meaning::NotMigrated | Meaning::Refused => Error::Database(Box::new(error)),
    }
}

/// What an error of a COMMIT means: when the connection failed under it, nobody knows.
pub(super) fn of_commit(error: sqlx::Error) -> Error {
    let error = of(error);
    if let Error::Unavailable(source) = error { Error::CommitUnknown(source) } else { error }
}

/// Something in the tables that this library did not write.
pub(super) fn foreign(what: impl Into<BoxError>) -> Error {
    Error::Database(what.into())
}

/// The database did not answer in time: whether it will, nobody knows.
pub(super) fn silence(verb: &str) -> Error {
    Error::Unavailable(format!("the database did not answer in time ({verb})").into())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Contention,
    Unavailable,
    NotWritable,
    NotMigrated,
    Forbidden,
    Refused,
}

fn meaning(code: &str) -> Meaning {
    match code {
        // Serialization failure, deadlock, lock not available, query cancelled (a statement time-out, or somebody's
        // decision), object in use.
        "40001" | "40P01" | "55P03" | "57014" | "55006" => Meaning::Contention,
        // Idle for too long inside a transaction or outside; too many connections; out of memory; shut down, crashed, or
        // starting.
        "25P03" | "57P05" | "53300" | "53200" | "57P01" | "57P02" | "57P03" => Meaning::Unavailable,
        // Read-only transaction; disk full.
        "25006" | "53100" => Meaning::NotWritable,
        // Undefined table, column or schema.
        "42P01" | "42703" | "3F000" => Meaning::NotMigrated,
        "42501" => Meaning::Forbidden,
        _ if code.starts_with("08") => Meaning::Unavailable,
        _ => Meaning::Refused,
    }
}

/// Whether a message about something missing is about our tables.
fn is_ours(message: &str) -> bool {
    message.contains("\"signals.") || message.contains("\"signals\"") || message.starts_with("column ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s9_what_another_transaction_was_in_the_way_of_may_begin_again() {
        for code in ["40001", "40P01", "55P03", "57014"] {
            assert_eq!(meaning(code), Meaning::Contention, "{code}");
        }
        for code in ["08006", "57P01", "53300"] {
            assert_eq!(meaning(code), Meaning::Unavailable, "{code}");
        }
        assert_eq!((meaning("25006"), meaning("53100")), (Meaning::NotWritable, Meaning::NotWritable));
        assert_eq!(meaning("23505"), Meaning::Refused);
    }

    #[test]
    fn missing_tables_of_the_application_are_its_own_affair() {
        assert!(is_ours("relation \"signals.delivery\" does not exist"));
        assert!(!is_ours("relation \"orders\" does not exist"));
    }
}
