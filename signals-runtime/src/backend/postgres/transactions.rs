//! sqlx's transaction counter: begin, commit and rollback without a `Transaction` to hold, and what each kind of our own
//! transactions says when it begins.
//!
//! What sqlx 0.9 does with calls that are dropped half-way, and what callers must do for it:
//!
//! - a BEGIN that is dropped leaves the connection inside a transaction that sqlx does not count (launchbadge/sqlx#4394): it
//!   is run to its end, or the connection is thrown away;
//! - a SAVEPOINT that is dropped rolls back the transaction around it: see [`savepoint`];
//! - a ROLLBACK that is started goes behind whatever is still under way.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use signals_core::BoxFuture;
use sqlx::{AssertSqlSafe, Connection as _, Database, PgConnection, Postgres, SqlSafeStr as _, SqlStr};
use sqlx_core::transaction::TransactionManager as _;

type Manager = <Postgres as Database>::TransactionManager;

/// What begins an application's transaction. Not READ WRITE: whoever has made the database read-only shall have it so.
pub(super) const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

/// Commits what is still in order: in an aborted transaction the SELECT fails, where a COMMIT alone would report success
/// and roll back (S4), and outside of one the COMMIT fails. Whoever counts transactions finds one still open, to end.
const COMMIT: &str = "SELECT; COMMIT AND CHAIN";

/// What begins transactions, each with a name.
pub(super) const ALL: &[(&str, &str)] = &[
    ("begin", BEGIN),
    ("begin_quick", Kind::Quick.begin()),
    ("begin_durable", Kind::Durable.begin()),
    ("begin_large", Kind::Large.begin()),
    ("begin_snapshot", Kind::Snapshot.begin()),
];

/// What a transaction of ours is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Claims and renewals: a crash of the database may undo them.
    Quick,
    /// What must not be lost: acknowledgements, failures.
    Durable,
    /// What is rare and large: by hand, upkeep, migrations.
    Large,
    /// Reads from one snapshot.
    Snapshot,
}

impl Kind {
    /// Nothing that a session or a role has set changes what our statements mean. Those that run all the time also say how
    /// they are planned: a plan that was made while a table was empty is kept, and must be the one for millions of rows. That
    /// rows are found key by key is in the statements themselves: what is LATERAL, and locks or has an OFFSET, can be joined in
    /// one way only. The other joins are of lists that look short and are not.
    ///
    /// What must not be lost waits for the disk, here and on a standby that commits wait for, whatever the session says: `on`
    /// is the least. `remote_apply`, which waits until the standby shows it too, stays as it was set.
    ///
    /// The server gives up what is quick before its caller does (`PATIENCE` in `store.rs`): then the connection is in order, and
    /// a sweep that took too long is known to have.
    const fn begin(self) -> &'static str {
        match self {
            Self::Quick => {
                "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL search_path TO pg_catalog, pg_temp; \
                 SET LOCAL statement_timeout TO '6s'; \
                 SET LOCAL synchronous_commit TO off; SET LOCAL enable_seqscan TO off; SET LOCAL enable_bitmapscan TO off; \
                 SET LOCAL enable_nestloop TO off; SET LOCAL jit TO off"
            }
            Self::Durable => {
                "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL search_path TO pg_catalog, pg_temp; \
                 SELECT set_config('synchronous_commit', \
                     CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, true); \
                 SET LOCAL enable_seqscan TO off; SET LOCAL enable_bitmapscan TO off; SET LOCAL enable_nestloop TO off; \
                 SET LOCAL jit TO off"
            }
            Self::Large => {
                "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL search_path TO pg_catalog, pg_temp; \
                 SELECT set_config('synchronous_commit', \
                     CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, true); \
                 SET LOCAL jit TO off"
            }
            Self::Snapshot => {
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL search_path TO pg_catalog, pg_temp; \
                 SET LOCAL jit TO off"
            }
        }
    }

    /// What a session begins with in which single statements are said: the same as its transactions say, where they do. What
    /// must not be lost says in its own statement that it waits for the disk, because what a session asks for may change.
    ///
    /// A worker's statement is planned once, whatever its lists hold: that plan is the one that tests have read.
    pub(super) const fn settings(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Quick => &[
                ("default_transaction_isolation", "read committed"),
                ("search_path", "pg_catalog, pg_temp"),
                ("statement_timeout", "6s"),
                ("synchronous_commit", "off"),
                ("enable_seqscan", "off"),
                ("enable_bitmapscan", "off"),
                ("enable_nestloop", "off"),
                ("jit", "off"),
                ("plan_cache_mode", "force_generic_plan"),
            ],
            Self::Durable => &[
                ("default_transaction_isolation", "read committed"),
                ("search_path", "pg_catalog, pg_temp"),
                ("enable_seqscan", "off"),
                ("enable_bitmapscan", "off"),
                ("enable_nestloop", "off"),
                ("jit", "off"),
                ("plan_cache_mode", "force_generic_plan"),
            ],
            Self::Large => &[],
            Self::Snapshot => &[
                ("default_transaction_isolation", "repeatable read"),
                ("default_transaction_read_only", "on"),
                ("search_path", "pg_catalog, pg_temp"),
                ("jit", "off"),
            ],
        }
    }
}

/// Begins a transaction of ours. Dropped half-way, the connection must be thrown away.
pub(super) async fn begin(conn: &mut PgConnection, kind: Kind, sessions: Sessions) -> Result<(), sqlx::Error> {
    sessions.forget(conn).await?;
    Manager::begin(conn, Some(sessions.begin(kind.begin()))).await
}

/// Whose the server's sessions are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sessions {
    /// A connection is a session, from its beginning to its end.
    Own,
    /// A pooler gives every transaction another one, which somebody else had before.
    Lent,
}

impl Sessions {
    /// What begins a transaction with `begin`. sqlx numbers what it prepares for each connection anew, so in a session that
    /// others have used the names are taken: what was prepared there is forgotten in the same round.
    pub(super) fn begin(self, begin: &'static str) -> SqlStr {
        match self {
            Self::Own => begin.into_sql_str(),
            Self::Lent => AssertSqlSafe(format!("{begin}; DEALLOCATE ALL")).into_sql_str(),
        }
    }

    /// Before that: what the connection believes to have prepared is not there any more.
    pub(super) async fn forget(self, conn: &mut PgConnection) -> Result<(), sqlx::Error> {
        match self {
            Self::Own => Ok(()),
            Self::Lent => conn.clear_cached_statements().await,
        }
    }
}

/// `COMMIT` of a transaction that is in order, or `RELEASE` of the innermost savepoint.
pub(super) async fn commit(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    Manager::commit(conn).await
}

/// Whether sqlx counts the transaction and no savepoint of its own: at any other depth its commit says something else than COMMIT.
pub(super) fn is_outermost(conn: &PgConnection) -> bool {
    Manager::get_transaction_depth(conn) == 1
}

/// Commits the transaction of an application, unless it was aborted or ended; sqlx counts another in its place, which ends
/// when it is dropped.
pub(super) async fn commit_checked(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(COMMIT).execute(conn).await.map(drop)
}

/// Ends the transaction that sqlx counts, and begins one of which it knows nothing: where it is broken on purpose that none is
/// left open. Who begins on this connection again does not notice: a BEGIN inside a transaction is a warning.
pub(super) async fn begin_quietly(conn: &mut PgConnection) {
    if Manager::rollback(conn).await.is_ok() {
        let _ = sqlx::raw_sql(BEGIN).execute(conn).await;
    }
}

/// Back to the innermost savepoint.
pub(super) async fn rollback(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    Manager::rollback(conn).await
}

/// The same without waiting: happens before any later statement.
pub(super) fn start_rollback(conn: &mut PgConnection) {
    Manager::start_rollback(conn);
}

/// Opens a savepoint.
///
/// sqlx's own future, dropped half-way, starts a rollback of what it does not count yet: of the whole transaction. So it is
/// forgotten instead, a few bytes each time: the savepoint may then stand without anybody knowing, which is no more than a
/// part of the transaction. One of that name that is opened later hides it.
pub(super) fn savepoint(conn: &mut PgConnection) -> impl Future<Output = Result<(), sqlx::Error>> + Send {
    Undropped { work: Some(Box::pin(Manager::begin(conn, None))), begun: false }
}

/// A future that must not be dropped once it was polled.
struct Undropped<'c> {
    /// `None` once it has answered.
    work: Option<BoxFuture<'c, Result<(), sqlx::Error>>>,
    begun: bool,
}

impl Future for Undropped<'_> {
    type Output = Result<(), sqlx::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.begun = true;
        let work = self.work.as_mut().expect("a future is not polled after it has answered");
        let polled = work.as_mut().poll(cx);
        if polled.is_ready() {
            self.work = None;
        }
        polled
    }
}

impl Drop for Undropped<'_> {
    fn drop(&mut self) {
        if let Some(work) = self.work.take().filter(|_| self.begun) {
            mem::forget(work);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said differently in the two places would be planned, or waited for, differently behind a pooler.
    #[test]
    fn sessions_begin_with_what_transactions_say() {
        for kind in [Kind::Quick, Kind::Durable, Kind::Snapshot] {
            let said = kind.begin().matches("SET LOCAL").count();
            let same = kind.settings().iter().filter(|(name, value)| {
                [format!("SET LOCAL {name} TO {value}"), format!("SET LOCAL {name} TO '{value}'")]
                    .iter()
                    .any(|set| kind.begin().split("; ").any(|part| part == set))
            });
            assert_eq!(same.count(), said, "{kind:?}");
        }
        assert!(
            Kind::Durable.settings().iter().all(|(name, _)| *name != "synchronous_commit"),
            "its statements say it"
        );
    }
}
