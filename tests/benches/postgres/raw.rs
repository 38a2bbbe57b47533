//! Raw SQL that does what a drain does, on the library's tables.

use sqlx::PgPool;

use crate::{Result, turns};

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
        SELECT receiver, version, id FROM signals.delivery WHERE token IS NULL
        ORDER BY receiver, version, id LIMIT $1 FOR UPDATE SKIP LOCKED)
    RETURNING id";
const FINISH: &str = "DELETE FROM signals.delivery WHERE id = ANY ($1) AND receiver = $2 AND version = 1 AND token = 1";

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

/// One by one, on so many connections. Claims do not wait for the disk, deletes do, as in a worker.
pub(crate) async fn one_by_one(pool: &PgPool, receiver: i64, clients: usize) -> Result {
    turns::at_once(clients, |_| {
        let pool = pool.clone();
        async move {
            let (mut quick, mut durable) = (pool.acquire().await?, pool.acquire().await?);
            sqlx::query("SET synchronous_commit TO off").execute(&mut *quick).await?;
            loop {
                let ids: Vec<i64> = sqlx::query_scalar(CLAIM).bind(1_i64).fetch_all(&mut *quick).await?;
                if ids.is_empty() {
                    break;
                }
                sqlx::query(FINISH).bind(&ids).bind(receiver).execute(&mut *durable).await?;
            }
            // Its settings are this test's own.
            quick.detach();
            Ok(())
        }
    })
    .await
}
