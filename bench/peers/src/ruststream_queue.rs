//! ruststream-sqlx: tuned as its page on batches advises, and woken by NOTIFY:
//! <https://powersemmi.github.io/ruststream-sqlx/latest/components/subscriptions/batches/>.

use ruststream::OutgoingMessage;
use ruststream_sqlx::prelude::*;
use sqlx::postgres::{PgConnection, PgPool, Postgres};

use crate::meter;
use crate::queue::{PAYMENT, Place, Queue, Working};
use crate::work::{Work, chunks};

const TABLE: &str = "
    CREATE TABLE peer_jobs (id bigserial PRIMARY KEY, name text NOT NULL, payload bytea NOT NULL);
    CREATE INDEX peer_jobs_claim ON peer_jobs (name, id)";

/// Rows of one statement.
const INSERT: &str = "INSERT INTO peer_jobs (name, payload) SELECT 'jobs', p FROM unnest($1::bytea[]) AS p";

#[derive(Inbox, sqlx::FromRow)]
#[inbox(table = "peer_jobs")]
struct PeerJob {
    #[field(id, generated)]
    id: i64,
    #[field(group)]
    name: String,
    #[field(payload)]
    payload: Vec<u8>,
}

impl Publish<Postgres> for PeerJob {
    async fn publish(conn: &mut PgConnection, message: &OutgoingMessage<'_>) -> Result<(), sqlx::Error> {
        let insert = sqlx::query("INSERT INTO peer_jobs (name, payload) VALUES ($1, $2)");
        insert.bind(message.name()).bind(message.payload()).execute(conn).await?;
        Ok(())
    }
}

#[subscriber(InboxQueue::<PeerJob>::new("jobs"))]
async fn one_by_one(work: &Work) -> HandlerOutcome {
    meter::ran(work.number);
    HandlerOutcome::ack()
}

#[subscriber(InboxQueue::<PeerJob>::new("jobs"))]
async fn in_batches(batch: &[Work]) -> Vec<HandlerOutcome> {
    let run = |work: &Work| {
        meter::ran(work.number);
        HandlerOutcome::ack()
    };
    batch.iter().map(run).collect()
}

/// RustStream's inbox over Postgres.
pub(crate) struct RustStream(PgPool);

async fn insert(conn: &mut PgConnection, numbers: impl Iterator<Item = i64>) -> anyhow::Result<()> {
    let payloads: Vec<Vec<u8>> =
        numbers.map(|number| serde_json::to_vec(&Work::new(number))).collect::<Result<_, _>>()?;
    sqlx::query(INSERT).bind(payloads).execute(conn).await?;
    Ok(())
}

/// As its trigger does.
async fn notify(conn: &mut PgConnection) -> anyhow::Result<()> {
    sqlx::query("SELECT pg_notify('peer_jobs', 'jobs')").execute(conn).await?;
    Ok(())
}

impl Queue for RustStream {
    const NAME: &'static str = "ruststream-sqlx 0.7.1";
    const TUNED: &'static str = "batches of 100, woken by NOTIFY (its docs: subscriptions/batches)";
    const COMPLETIONS: &'static str =
        "DELETEs in the transaction that claimed the rows and holds their locks, durable; fenced by the lock";

    async fn open(place: &Place) -> anyhow::Result<Self> {
        sqlx::raw_sql(TABLE).execute(&place.pool).await?;
        Ok(Self(place.pool.clone()))
    }

    async fn fill(&self, count: i64, _: bool) -> anyhow::Result<()> {
        let mut conn = self.0.acquire().await?;
        for numbers in chunks(count) {
            insert(&mut conn, numbers).await?;
        }
        Ok(())
    }

    async fn fact(&self, number: i64) -> anyhow::Result<()> {
        let mut tx = self.0.begin().await?;
        sqlx::query(PAYMENT).bind(number).execute(&mut *tx).await?;
        insert(&mut tx, std::iter::repeat_n(number, 5)).await?;
        notify(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    async fn one(&self, number: i64) -> anyhow::Result<()> {
        let mut tx = self.0.begin().await?;
        insert(&mut tx, std::iter::once(number)).await?;
        notify(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    async fn work(&self, tuned: bool) -> anyhow::Result<Working> {
        let app = ruststream::RustStream::new(AppInfo::new("peers", "0.1.0"));
        let broker = SqlxBroker::new(self.0.clone());
        let running = if tuned {
            let broker = broker.listen_notify().route::<PeerJob>("jobs");
            app.with_broker(broker, |b| {
                b.include(in_batches.batch(nonzero!(100)));
            })
            .start()
            .await
        } else {
            app.with_broker(broker.route::<PeerJob>("jobs"), |b| {
                b.include(one_by_one);
            })
            .start()
            .await
        };
        let running = running.map_err(|error| anyhow::anyhow!("{error}"))?;
        Ok(Working::until(async move {
            // How it ended is no matter of the measurement that is over.
            let _ = running.shutdown().await;
        }))
    }

    async fn left(&self) -> anyhow::Result<i64> {
        Ok(sqlx::query_scalar("SELECT count(*) FROM peer_jobs").fetch_one(&self.0).await?)
    }
}
