//! sqlx's transaction counter: begin, commit and rollback without a `Transaction` to hold.
//!
//! What sqlx's thread does with calls that are dropped half-way, and what callers must do for it:
//!
//! - a BEGIN or SAVEPOINT that nobody took over is rolled back by the thread itself;
//! - a COMMIT, RELEASE or ROLLBACK that was dropped after it happened makes the thread skip the next [`start_rollback`];
//!   so a guard whose end was dropped must still call that, once.

use std::future::Future as _;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};

use sqlx::{Database, SqlSafeStr as _, Sqlite, SqliteConnection};
use sqlx_core::transaction::{TransactionManager as _, begin_ansi_transaction_sql};

use super::sql;

type Manager = <Sqlite as Database>::TransactionManager;

/// `BEGIN IMMEDIATE`: takes the write lock, or waits for it as long as the connection's busy time-out says.
pub(super) async fn begin_immediate(conn: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    Manager::begin(conn, Some(BEGIN_IMMEDIATE.into_sql_str())).await
}

/// `BEGIN`, or a savepoint inside a transaction.
pub(super) async fn begin(conn: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    Manager::begin(conn, None).await
}

/// `COMMIT`, or `RELEASE` of the innermost savepoint.
pub(super) async fn commit(conn: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    Manager::commit(conn).await
}

/// `ROLLBACK`, or back to the innermost savepoint.
pub(super) async fn rollback(conn: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    Manager::rollback(conn).await
}

/// The same without waiting: happens before any later statement.
pub(super) fn start_rollback(conn: &mut SqliteConnection) {
    Manager::start_rollback(conn);
}

/// Finds out whether SQLite is in a transaction, without I/O; sqlx only counts. If there is none any more, because a
/// statement of the application ended it or SQLite rolled back by itself, another is begun in its place, with as many
/// savepoints as sqlx counts: nothing commits by itself, every end that sqlx knows finds what it ends, and
/// [`was_lost`] knows.
pub(super) async fn is_lost(conn: &mut SqliteConnection) -> bool {
    // "cannot start a transaction within a transaction"
    if sqlx::query(BEGIN).execute(&mut *conn).await.is_err() {
        return false;
    }
    ANY_LOST.store(true, Ordering::Release);
    let depth = Manager::get_transaction_depth(conn);
    let savepoints = (1..depth).map(begin_ansi_transaction_sql);
    for statement in std::iter::once(sql::LOST.into_sql_str()).chain(savepoints) {
        // Without it, ends fail where they could succeed; the transaction that was begun stands in either case.
        let _ = sqlx::raw_sql(statement).execute(&mut *conn).await;
    }
    true
}

/// Whether the transaction is one that [`is_lost`] began in the place of another. Asked before the commit; while this
/// process has not lost any, which is nearly always, that costs nothing.
pub(super) async fn was_lost(conn: &mut SqliteConnection) -> bool {
    ANY_LOST.load(Ordering::Acquire) && sqlx::query(sql::LOST_END).execute(conn).await.is_ok()
}

/// Whether [`is_lost`] has ever found one.
static ANY_LOST: AtomicBool = AtomicBool::new(false);

/// Runs `statement` behind whatever the connection's thread still does, without waiting for it: for what is undone when a
/// future is dropped.
pub(super) fn start(conn: &mut SqliteConnection, statement: &'static str) {
    // The first poll puts it into the thread's queue; what the thread answers is nobody's business any more.
    let _ = pin!(sqlx::query(statement).execute(conn)).poll(&mut Context::from_waker(Waker::noop()));
}

/// Begins a transaction of which sqlx knows nothing: where it is broken on purpose that none is left open.
pub(super) async fn begin_quietly(conn: &mut SqliteConnection) {
    let _ = sqlx::raw_sql(BEGIN).execute(conn).await;
}

/// Ends it, if there is one.
pub(super) async fn end_quietly(conn: &mut SqliteConnection) {
    let _ = sqlx::raw_sql("ROLLBACK").execute(conn).await;
}

/// What takes the write lock.
pub(super) const BEGIN_IMMEDIATE: &str = "BEGIN IMMEDIATE";

/// What begins a transaction without telling sqlx.
const BEGIN: &str = "BEGIN";
