//! apalis-postgres: tuned as its first example is: batches of 100, NOTIFY, tasks of their own, no lock while one runs.

use apalis::prelude::*;
use apalis_postgres::{Config, PostgresStorage, queries};
use sqlx::PgPool;

use crate::meter;
use crate::queue::{PAYMENT, Place, Queue, Working};
use crate::work::{Work, chunks};

const QUEUE: &str = "peers";

/// apalis over Postgres.
pub(crate) struct Apalis(PgPool);

fn task(number: i64) -> anyhow::Result<apalis_postgres::PgTask> {
    Ok(TaskBuilder::new(serde_json::to_vec(&Work::new(number))?).build())
}

async fn run(work: Work) -> Result<(), BoxDynError> {
    meter::ran(work.number);
    Ok(())
}

impl Queue for Apalis {
    const NAME: &'static str = "apalis-postgres 1.0.0";
    const TUNED: &'static str = "batches of 100, pubsub, parallelize, lock_tasks off";

    async fn open(place: &Place) -> anyhow::Result<Self> {
        PostgresStorage::setup(&place.pool).await?;
        Ok(Self(place.pool.clone()))
    }

    async fn fill(&self, count: i64) -> anyhow::Result<()> {
        let mut conn = self.0.acquire().await?;
        for numbers in chunks(count) {
            let tasks = numbers.map(task).collect::<anyhow::Result<_>>()?;
            queries::push_tasks(&mut *conn, QUEUE, tasks).await?;
        }
        Ok(())
    }

    async fn fact(&self, number: i64) -> anyhow::Result<()> {
        let mut tx = self.0.begin().await?;
        sqlx::query(PAYMENT).bind(number).execute(&mut *tx).await?;
        let tasks = (0..5).map(|_| task(number)).collect::<anyhow::Result<_>>()?;
        queries::push_tasks(&mut *tx, QUEUE, tasks).await?;
        Ok(tx.commit().await?)
    }

    async fn one(&self, number: i64) -> anyhow::Result<()> {
        let mut tx = self.0.begin().await?;
        queries::push_tasks(&mut *tx, QUEUE, vec![task(number)?]).await?;
        Ok(tx.commit().await?)
    }

    async fn work(&self, tuned: bool) -> anyhow::Result<Working> {
        let config = Config::default().queue(QUEUE);
        let task = if tuned {
            let backend = PostgresStorage::new(&self.0)
                .with_config(config.batch_size(100).lock_tasks(false))
                .with_pubsub();
            let worker = WorkerBuilder::new("peers").backend(backend).parallelize(tokio::spawn).build(run);
            tokio::spawn(async move { worker.run().await.map_err(|error| eprintln!("apalis: {error}")) })
        } else {
            let backend = PostgresStorage::new(&self.0).with_config(config);
            let worker = WorkerBuilder::new("peers").backend(backend).build(run);
            tokio::spawn(async move { worker.run().await.map_err(|error| eprintln!("apalis: {error}")) })
        };
        Ok(Working::task(task))
    }

    async fn left(&self) -> anyhow::Result<i64> {
        let left = "SELECT count(*) FROM (
            SELECT FROM apalis.jobs WHERE status IN ('Pending', 'Queued', 'Running') LIMIT 1) AS j";
        Ok(sqlx::query_scalar(left).fetch_one(&self.0).await?)
    }
}
