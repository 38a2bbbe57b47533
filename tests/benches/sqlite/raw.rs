//! What a program without the library would write: SQL by hand, in its tables, through the same driver.

use sqlx::sqlite::SqliteSynchronous;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, QueryBuilder, Sqlite, SqliteConnection, SqlitePool};

use crate::Result;
use crate::facts::One;

/// Deliveries of one claim, and of one acknowledgement.
const BATCH: i64 = 100;

/// How a claim by hand takes what it has claimed.
const CLAIM: &str = "UPDATE signals_delivery SET token = ?1, lease_until = ?2, attempt = attempt + 1
    WHERE (receiver, version, id) IN (
        SELECT receiver, version, id FROM signals_delivery
        WHERE receiver = ?3 AND version = ?4 AND token IS NULL ORDER BY id LIMIT +?5)
    RETURNING id";

/// The batch is what lies below the highest id of it: nobody else works on the lane.
const DELETE: &str = "DELETE FROM signals_delivery WHERE receiver = ?1 AND version = ?2 AND id <= ?3 AND token = ?4";

/// Keeps the completions before they are deleted.
const KEEP: &str = "INSERT INTO signals_settled
        (signal, receiver, version, life, attempt, lost_leases, refunds, outcome, ran, settled_at, name, sent_at)
    SELECT d.signal, d.receiver, d.version, d.life, d.attempt, d.lost_leases, d.refunds, 'done', 1, ?5, s.name, s.sent_at
    FROM signals_delivery AS d CROSS JOIN signals_signal AS s ON s.id = d.signal
    WHERE d.receiver = ?1 AND d.version = ?2 AND d.id <= ?3 AND d.token = ?4";

/// Claims and deletes everything, lane by lane, 100 at a time: claims with `synchronous=NORMAL` and deletes with `FULL`,
/// on a connection each, as a worker does. Says how many there were.
pub(crate) async fn drain(pool: &SqlitePool, history: bool) -> Result<usize> {
    let options = (*pool.connect_options()).clone().disable_statement_logging();
    let mut quick = options.clone().synchronous(SqliteSynchronous::Normal).connect().await?;
    let mut durable = options.synchronous(SqliteSynchronous::Full).connect().await?;
    let lanes: Vec<(i64, i64)> =
        sqlx::query_as("SELECT DISTINCT receiver, version FROM signals_delivery").fetch_all(&mut quick).await?;
    let (mut token, mut done) = (0, 0);
    for lane in lanes {
        loop {
            token += 1;
            let claimed = claim(&mut quick, lane, token).await?;
            let Some(highest) = claimed.iter().max() else { break };
            done += claimed.len();
            finish(&mut durable, lane, *highest, token, history).await?;
        }
    }
    quick.close().await?;
    durable.close().await?;
    Ok(done)
}

async fn claim(conn: &mut SqliteConnection, (receiver, version): (i64, i64), token: i64) -> Result<Vec<i64>> {
    let claim = sqlx::query_scalar(CLAIM).bind(token).bind(i64::MAX).bind(receiver).bind(version).bind(BATCH);
    Ok(claim.fetch_all(conn).await?)
}

#[expect(clippy::disallowed_methods, reason = "what the library is compared with; it is not dropped")]
async fn finish(
    conn: &mut SqliteConnection,
    (receiver, version): (i64, i64),
    highest: i64,
    token: i64,
    history: bool,
) -> Result {
    let mut tx = conn.begin_with("BEGIN IMMEDIATE").await?;
    if history {
        let keep =
            sqlx::query(KEEP).bind(receiver).bind(version).bind(highest).bind(token).bind(1_700_000_000_000_000_i64);
        keep.execute(&mut *tx).await?;
    }
    sqlx::query(DELETE).bind(receiver).bind(version).bind(highest).bind(token).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(())
}

/// The rows that a send to so many receivers stores, in the library's tables: two statements in one round, and no counter, for
/// the signal's id serves its deliveries too. Receivers are those with the first ids, which a program by hand would know.
pub(crate) struct Rows {
    insert: String,
    fanout: Vec<i64>,
}

impl Rows {
    pub(crate) fn of(receivers: usize) -> Self {
        let rows = (0..receivers)
            .map(|at| format!("(?{}, 1, last_insert_rowid(), last_insert_rowid(), 0, 0, 0, 0)", at + 5))
            .collect::<Vec<_>>();
        let insert = format!(
            "INSERT INTO signals_signal (name, version, payload, build, fanout, sent_at)
             VALUES ('bench.one', 1, ?1, ?2, ?3, ?4);
             INSERT INTO signals_delivery (receiver, version, id, signal, life, attempt, lost_leases, refunds)
             VALUES {}",
            rows.join(", ")
        );
        Self { insert, fanout: (1..=receivers as i64).collect() }
    }

    /// Stores those of `fact`.
    pub(crate) async fn store(&self, conn: &mut SqliteConnection, fact: &One) -> Result {
        let insert = sqlx::query(AssertSqlSafe(self.insert.as_str()))
            .bind(serde_json::to_string(fact)?)
            .bind("bench")
            .bind(serde_json::to_string(&self.fanout)?)
            .bind(1_700_000_000_000_000_i64);
        self.fanout.iter().fold(insert, |insert, receiver| insert.bind(receiver)).execute(conn).await?;
        Ok(())
    }
}

/// Signals of one INSERT.
const CHUNK: usize = 500;

/// The rows that `send_all` stores of `facts`, as INSERTs of many rows.
pub(crate) async fn insert(pool: &SqlitePool, facts: &[One]) -> Result {
    #[expect(clippy::disallowed_methods, reason = "what the library is compared with; it is not dropped")]
    let mut tx = pool.begin_with("BEGIN IMMEDIATE").await?;
    let (receiver, version): (i64, i64) =
        sqlx::query_as("SELECT id, 1 FROM signals_receiver WHERE name = 'bench.one.1'").fetch_one(&mut *tx).await?;
    let last = facts.len() as i64;
    sqlx::query("UPDATE signals_counter SET signal = ?1, delivery = ?1").bind(last).execute(&mut *tx).await?;
    for (facts, first) in facts.chunks(CHUNK).zip((1_i64..).step_by(CHUNK)) {
        let rows = || facts.iter().zip(first..);
        let into = "INSERT INTO signals_signal (id, name, version, payload, build, fanout, sent_at) ";
        let mut insert = QueryBuilder::<Sqlite>::new(into);
        insert.push_values(rows(), |mut row, (fact, id)| {
            let payload = serde_json::to_string(fact).expect("a fact is JSON");
            row.push_bind(id).push_bind("bench.one").push_bind(version).push_bind(payload);
            row.push_bind("bench").push_bind("[1]").push_bind(1_700_000_000_000_000_i64);
        });
        insert.build().execute(&mut *tx).await?;
        let into = "INSERT INTO signals_delivery (receiver, version, id, signal, life, attempt, lost_leases, refunds) ";
        let mut insert = QueryBuilder::<Sqlite>::new(into);
        insert.push_values(rows(), |mut row, (_, id)| {
            row.push_bind(receiver).push_bind(version).push_bind(id).push_bind(id);
            row.push("0").push("0").push("0").push("0");
        });
        insert.build().execute(&mut *tx).await?;
    }
    tx.commit().await?;
    Ok(())
}
