//! Raw SQL that does what a drain does, on the library's tables.

use sqlx::{Connection as _, PgConnection, PgPool};

use crate::{Result, by_hand};

/// All rows in two statements: the most that the database can do.
const UPDATE: &str =
    "UPDATE signals.delivery SET token = 1, attempt = attempt + 1, lease_until = now() + interval '20 s'";
const DELETE: &str = "DELETE FROM signals.delivery";
const KEEP: &str = "
    INSERT INTO signals.settled (signal, receiver, version, life, attempt, lost_leases, refunds, outcome, ran, settled_at,
                                 name, sent_at, build)
    SELECT d.signal, d.receiver, d.version, d.life, d.attempt, d.lost_leases, d.refunds, 'done', 1, now(),
           s.name, s.sent_at, s.build
    FROM signals.delivery AS d JOIN signals.signal AS s ON s.id = d.signal";

/// What many programs do: take so many past what others hold, and delete them.
const CLAIM: &str = "
    UPDATE signals.delivery SET token = 1, attempt = attempt + 1, lease_until = now() + interval '20 s'
    WHERE (receiver, version, id) IN (
        SELECT receiver, version, id FROM signals.delivery WHERE receiver = $2 AND version = 1 AND token IS NULL
        ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED)
    RETURNING id";
const FINISH: &str = "DELETE FROM signals.delivery WHERE id = ANY ($1) AND receiver = $2 AND version = 1 AND token = 1";
const FINISH_AND_KEEP: &str = "
    WITH gone AS (
        DELETE FROM signals.delivery WHERE id = ANY ($1) AND receiver = $2 AND version = 1 AND token = 1 RETURNING *
    )
    INSERT INTO signals.settled (signal, receiver, version, life, attempt, lost_leases, refunds, outcome, ran, settled_at,
                                 name, sent_at, build)
    SELECT d.signal, d.receiver, d.version, d.life, d.attempt, d.lost_leases, d.refunds, 'done', 1, now(),
           s.name, s.sent_at, s.build
    FROM gone AS d JOIN signals.signal AS s ON s.id = d.signal";

/// Rows of one claim, where not one by one.
const SOME: i64 = 10;

/// In two statements; three when history is kept.
pub(crate) async fn at_once(pool: &PgPool, history: bool) -> Result<u64> {
    let mut conn = pool.acquire().await?;
    let rows = sqlx::query(UPDATE).execute(&mut *conn).await?.rows_affected();
    if history {
        sqlx::query(KEEP).execute(&mut *conn).await?;
    }
    sqlx::query(DELETE).execute(&mut *conn).await?;
    Ok(rows)
}

/// Two sessions of a client: claims do not wait for the disk, deletes do, as in a worker.
#[derive(Debug)]
pub(crate) struct Pair {
    quick: PgConnection,
    durable: PgConnection,
}

impl Pair {
    pub(crate) async fn open(pool: &PgPool) -> Result<Self> {
        let (mut quick, durable) = (pool.acquire().await?.detach(), pool.acquire().await?.detach());
        sqlx::query("SET synchronous_commit TO off").execute(&mut quick).await?;
        Ok(Self { quick, durable })
    }

    /// Claims one and deletes it, until there is none.
    pub(crate) async fn one_by_one(mut self, receiver: i64, history: bool) -> Result {
        let finish = if history { FINISH_AND_KEEP } else { FINISH };
        loop {
            let ids = self.claim(receiver, 1).await?;
            if ids.is_empty() {
                return Ok(());
            }
            sqlx::query(finish).bind(&ids).bind(receiver).execute(&mut self.durable).await?;
        }
    }

    /// Claims some, and does a transaction for each: a row of the application, and the delete.
    pub(crate) async fn in_transactions(mut self, receiver: i64, history: bool) -> Result {
        let finish = if history { FINISH_AND_KEEP } else { FINISH };
        loop {
            let ids = self.claim(receiver, SOME).await?;
            if ids.is_empty() {
                return Ok(());
            }
            for id in ids {
                #[expect(clippy::disallowed_methods, reason = "what the library is compared with; it is not dropped")]
                let mut tx = self.durable.begin().await?;
                by_hand::business(&mut tx, id).await?;
                sqlx::query(finish).bind([id].as_slice()).bind(receiver).execute(&mut *tx).await?;
                tx.commit().await?;
            }
        }
    }

    async fn claim(&mut self, receiver: i64, limit: i64) -> Result<Vec<i64>> {
        Ok(sqlx::query_scalar(CLAIM).bind(limit).bind(receiver).fetch_all(&mut self.quick).await?)
    }
}
