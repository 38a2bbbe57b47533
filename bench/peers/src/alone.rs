//! No queue at all: what the business transaction of `1 to 5` takes by itself, and with five rows that nobody works on. No
//! queue that stores work in that transaction can take less.

use std::sync::Arc;
use std::time::Instant;

use signals_cluster::Server;
use sqlx::PgPool;

use crate::Size;
use crate::measure::{Done, send};
use crate::queue::{PAYMENT, Place};
use crate::work::Work;

/// What is in the transaction beside the application's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beside {
    Nothing,
    FiveRows,
}

impl Beside {
    pub(crate) const ALL: [Self; 2] = [Self::Nothing, Self::FiveRows];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Nothing => "no queue, the transaction alone",
            Self::FiveRows => "no queue, the transaction with five rows",
        }
    }
}

const TABLE: &str = "CREATE TABLE peer_rows (id bigserial PRIMARY KEY, payload text NOT NULL)";

const ROWS: &str = "INSERT INTO peer_rows (payload) SELECT p FROM unnest($1::text[]) AS p";

/// From the first transaction of the clients until the last is committed.
pub(crate) async fn transactions(server: &Server, beside: Beside, size: Size) -> anyhow::Result<Done> {
    let place = Place::new(server).await?;
    sqlx::raw_sql(TABLE).execute(&place.pool).await?;
    let pool = Arc::new(place.pool.clone());
    let began = Instant::now();
    let sent = send(size.facts, size.limit, move |number| fact(Arc::clone(&pool), beside, number)).await?;
    Ok(Done { pieces: 5 * sent, took: began.elapsed() })
}

async fn fact(pool: Arc<PgPool>, beside: Beside, number: i64) -> anyhow::Result<()> {
    let mut tx = pool.begin().await?;
    sqlx::query(PAYMENT).bind(number).execute(&mut *tx).await?;
    if beside == Beside::FiveRows {
        let payload = serde_json::to_string(&Work::new(number))?;
        sqlx::query(ROWS).bind(vec![payload; 5]).execute(&mut *tx).await?;
    }
    Ok(tx.commit().await?)
}
