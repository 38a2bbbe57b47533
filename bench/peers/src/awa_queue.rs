//! awa: tuned as its own throughput benchmarks are. It has its own version of sqlx.

use std::time::Duration;

use awa::{Client, InsertOpts, InsertParams, JobArgs, JobResult, QueueConfig};
use serde::{Deserialize, Serialize};
use sqlx08::PgPool;
use sqlx08::postgres::PgPoolOptions;
use tokio::runtime::Handle;

use crate::meter;
use crate::queue::{CONNECTIONS, PAYMENT, Place, Queue, Working};
use crate::work::{Work, chunks};

const QUEUE: &str = "peers";

#[derive(Clone, Deserialize, Serialize, JobArgs)]
struct AwaJob {
    work: Work,
}

/// awa.
pub(crate) struct Awa(PgPool);

fn params(number: i64) -> anyhow::Result<InsertParams> {
    let opts = InsertOpts { queue: QUEUE.into(), ..InsertOpts::default() };
    Ok(awa::model::insert::params_with(&AwaJob { work: Work::new(number) }, opts)?)
}

impl Queue for Awa {
    const NAME: &'static str = "awa 0.6.9";
    const TUNED: &'static str = "256 workers, polls every 50 ms";

    async fn open(place: &Place) -> anyhow::Result<Self> {
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS).connect(place.database.url()).await?;
        // In place: the compiler does not see that this future may move between threads.
        tokio::task::block_in_place(|| Handle::current().block_on(awa::model::migrations::run(&pool)))?;
        Ok(Self(pool))
    }

    async fn fill(&self, count: i64) -> anyhow::Result<()> {
        for numbers in chunks(count) {
            let jobs: Vec<_> = numbers.map(params).collect::<anyhow::Result<_>>()?;
            awa::model::insert_many_copy_from_pool(&self.0, &jobs).await?;
        }
        Ok(())
    }

    async fn fact(&self, number: i64) -> anyhow::Result<()> {
        let mut tx = self.0.begin().await?;
        sqlx08::query(PAYMENT).bind(number).execute(&mut *tx).await?;
        let jobs = [params(number)?, params(number)?, params(number)?, params(number)?, params(number)?];
        awa::model::insert_many(&mut *tx, &jobs).await?;
        Ok(tx.commit().await?)
    }

    async fn one(&self, number: i64) -> anyhow::Result<()> {
        let mut tx = self.0.begin().await?;
        awa::model::insert_many(&mut *tx, &[params(number)?]).await?;
        Ok(tx.commit().await?)
    }

    async fn work(&self, tuned: bool) -> anyhow::Result<Working> {
        let config = if tuned {
            QueueConfig { max_workers: 256, poll_interval: Duration::from_millis(50), ..QueueConfig::default() }
        } else {
            QueueConfig::default()
        };
        let client = Client::builder(self.0.clone())
            .queue(QUEUE, config)
            .register::<AwaJob, _, _>(|job, _| async move {
                meter::ran(job.work.number);
                Ok(JobResult::Completed)
            })
            .build()?;
        client.start().await?;
        Ok(Working::until(move || {
            tokio::spawn(async move { client.shutdown(Duration::from_secs(1)).await });
        }))
    }

    async fn left(&self) -> anyhow::Result<i64> {
        let left = "SELECT count(*) FROM (SELECT FROM awa.jobs WHERE state IN ('available', 'running') LIMIT 1) AS j";
        Ok(sqlx08::query_scalar(left).fetch_one(&self.0).await?)
    }
}
