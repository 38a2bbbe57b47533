//! What the server says when it refuses, without the values that it quotes.
//!
//! A row that somebody's constraint, index or trigger refuses comes back in the detail of the error, payload and all, and what
//! a type cannot read comes back in its message. Whoever prints the error with `{:?}` would tell it; so it is not kept. The
//! server's own log has it, for those who may read that.

use std::borrow::Cow;
use std::fmt;

use signals_core::BoxError;
use sqlx::error::{DatabaseError, ErrorKind};
use sqlx::postgres::PgDatabaseError;

/// In the place of a message that quotes a value.
const QUOTES_A_VALUE: &str =
    "a value is none that a column, constraint or trigger can take; the server's log quotes it";

/// `error`, of which the code, the message and the names of table, column and constraint are left when a server has sent it.
pub(super) fn without_values(error: sqlx::Error) -> sqlx::Error {
    let sqlx::Error::Database(refusal) = error else { return error };
    sqlx::Error::Database(match refusal.try_downcast::<PgDatabaseError>() {
        Ok(refusal) => Box::new(Refusal(refusal)),
        Err(other) => other,
    })
}

struct Refusal(Box<PgDatabaseError>);

impl fmt::Debug for Refusal {
    /// Neither detail, hint nor context.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusal")
            .field("code", &self.0.code())
            .field("message", &self.message())
            .field("table", &self.0.table())
            .field("column", &self.0.column())
            .field("constraint", &self.0.constraint())
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for Refusal {}

impl DatabaseError for Refusal {
    fn message(&self) -> &str {
        // Data exceptions: "invalid input syntax for type integer: …", "value … is out of range".
        if self.0.code().starts_with("22") { QUOTES_A_VALUE } else { self.0.message() }
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        Some(self.0.code().into())
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

    fn is_transient_in_connect_phase(&self) -> bool {
        self.0.is_transient_in_connect_phase()
    }

    fn constraint(&self) -> Option<&str> {
        self.0.constraint()
    }

    fn table(&self) -> Option<&str> {
        self.0.table()
    }

    fn kind(&self) -> ErrorKind {
        self.0.kind()
    }
}
