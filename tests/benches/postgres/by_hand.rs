//! What a program without the library would write: transactions of sqlx's own, and the rows of a send in one statement.

use sqlx::{PgConnection, PgPool, Postgres, Transaction};

use crate::Result;
use crate::facts::One;

/// The rows of a send, whose receivers the program would know.
const STORE: &str = "
    WITH stored AS (
        INSERT INTO signals.signal (name, version, payload, fanout, build, sent_at)
        VALUES ('bench.one', 1, $1, $2, 'bench', statement_timestamp())
        RETURNING id
    )
    INSERT INTO signals.delivery (receiver, version, signal)
    SELECT r.id, 1, s.id FROM stored AS s CROSS JOIN unnest($2::bigint[]) AS r (id)";

/// A transaction of sqlx's own.
pub(crate) async fn begin(pool: &PgPool) -> Result<Transaction<'static, Postgres>> {
    #[expect(clippy::disallowed_methods, reason = "what the library is compared with; it is not dropped")]
    Ok(pool.begin().await?)
}

/// The row that the application writes.
pub(crate) async fn business(conn: &mut PgConnection, number: i64) -> Result {
    let insert = "INSERT INTO payment (id, amount, reference) VALUES ($1, $2, $3)";
    sqlx::query(insert).bind(number).bind(129_900_i64).bind("a reference of some length").execute(conn).await?;
    Ok(())
}

/// The ids of the receivers whose names begin so.
pub(crate) async fn receivers(pool: &PgPool, prefix: &str) -> Result<Vec<i64>> {
    let query = "SELECT id FROM signals.receiver WHERE starts_with(name, $1) ORDER BY id";
    Ok(sqlx::query_scalar(query).bind(prefix).fetch_all(pool).await?)
}

/// The rows that a send to `receivers` stores.
pub(crate) async fn store(conn: &mut PgConnection, number: i64, receivers: &[i64]) -> Result {
    let payload = payload(number)?;
    sqlx::query(STORE).bind(payload).bind(receivers).execute(conn).await?;
    Ok(())
}

/// What a fact is stored as.
pub(crate) fn payload(number: i64) -> Result<String> {
    let One { payment_id, order_id, amount_cents, succeeded, reference } = One::new(number);
    Ok(serde_json::to_string(&serde_json::json!({
        "payment_id": payment_id,
        "order_id": order_id,
        "amount_cents": amount_cents,
        "succeeded": succeeded,
        "reference": reference,
    }))?)
}
