//! Statements on their way: kept prepared on their connection, or prepared anew each time.
//!
//! sqlx numbers the statements of each of its connections from one. Behind a pool that gives every transaction another
//! session of the server, two clients' numbers meet in one session. Which of the two a connection is, sqlx does not say,
//! and a transaction of the application's own has no backend that could: so it is chosen for the process.

use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::{Query, QueryAs, QueryScalar};
use sqlx::{FromRow, Postgres};

/// Whether statements stay prepared on their connections.
static KEPT: AtomicBool = AtomicBool::new(true);

/// Chooses for this process.
pub(super) fn keep(kept: bool) {
    KEPT.store(kept, Ordering::Relaxed);
}

/// A statement that answers rows, or none.
pub(super) fn query<'q>(sql: &'static str) -> Query<'q, Postgres, PgArguments> {
    sqlx::query(sql).persistent(KEPT.load(Ordering::Relaxed))
}

/// A statement that answers tuples.
pub(super) fn query_as<'q, O>(sql: &'static str) -> QueryAs<'q, Postgres, O, PgArguments>
where
    O: for<'r> FromRow<'r, PgRow>,
{
    sqlx::query_as(sql).persistent(KEPT.load(Ordering::Relaxed))
}

/// A statement that answers single values.
pub(super) fn query_scalar<'q, O>(sql: &'static str) -> QueryScalar<'q, Postgres, O, PgArguments>
where
    (O,): for<'r> FromRow<'r, PgRow>,
{
    sqlx::query_scalar(sql).persistent(KEPT.load(Ordering::Relaxed))
}
