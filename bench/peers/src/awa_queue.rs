//! awa: tuned as its own throughput benchmarks are (`tests/benchmark_test.rs` of its package): more workers, a faster poll, no
//! deadlines, and bulk by COPY into its queue storage, which the documentation of `insert_many_copy` recommends for many:
//! <https://docs.rs/awa-model/0.6.9/awa_model/insert/fn.insert_many_copy.html>. That begins a transaction of its own, so work
//! inside the application's goes by `insert_many` both ways. It has its own version of sqlx.

use std::time::Duration;

use awa::model::{QueueStorage, QueueStorageConfig};
use awa::{Client, InsertOpts, InsertParams, JobArgs, JobResult, QueueConfig};
use serde::{Deserialize, Serialize};
use sqlx08::PgPool;
use sqlx08::postgres::PgPoolOptions;
use tokio::runtime::Handle;

use crate::meter;
use crate::queue::{CONNECTIONS, OPEN, PAYMENT, Place, Queue, Working};
use crate::work::{Work, chunks};

const QUEUE: &str = "peers";

#[derive(Clone, Deserialize, Serialize, JobArgs)]
struct AwaJob {
    work: Work,
}

/// awa.
pub(crate) struct Awa {
    pool: PgPool,
    storage: QueueStorage,
}

fn params(number: i64) -> anyhow::Result<InsertParams> {
    let opts = InsertOpts { queue: QUEUE.into(), ..InsertOpts::default() };
    Ok(awa::model::insert::params_with(&AwaJob { work: Work::new(number) }, opts)?)
}

impl Queue for Awa {
    const NAME: &'static str = "awa 0.6.9";
    const TUNED: &'static str =
        "256 workers, polls every 50 ms, no deadlines (its benchmarks); bulk by COPY (its docs: insert_many_copy)";
    const COMPLETIONS: &'static str =
        "one statement for up to 512 within 1 ms, durable; fenced by the lease of the run";

    async fn open(place: &Place) -> anyhow::Result<Self> {
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .min_connections(OPEN)
            .connect(place.database.url())
            .await?;
        // In place: the compiler does not see that this future may move between threads.
        tokio::task::block_in_place(|| Handle::current().block_on(awa::model::migrations::run(&pool)))?;
        let storage = QueueStorage::new(QueueStorageConfig::default())?;
        // As the first worker over a new database does; one that finds work there already stays on the tables of old.
        let fresh: bool = sqlx08::query_scalar("SELECT awa.storage_auto_finalize_if_fresh($1)")
            .bind(storage.schema())
            .fetch_one(&pool)
            .await?;
        anyhow::ensure!(fresh, "awa does not take an empty database for a new one");
        Ok(Self { pool, storage })
    }

    async fn fill(&self, count: i64, tuned: bool) -> anyhow::Result<()> {
        for numbers in chunks(count) {
            let jobs: Vec<_> = numbers.map(params).collect::<anyhow::Result<_>>()?;
            if tuned {
                self.storage.enqueue_params_copy(&self.pool, &jobs).await?;
            } else {
                awa::model::insert_many_copy_from_pool(&self.pool, &jobs).await?;
            }
        }
        Ok(())
    }

    async fn fact(&self, number: i64) -> anyhow::Result<()> {
        let mut tx = self.pool.begin().await?;
        sqlx08::query(PAYMENT).bind(number).execute(&mut *tx).await?;
        let jobs = [params(number)?, params(number)?, params(number)?, params(number)?, params(number)?];
        awa::model::insert_many(&mut *tx, &jobs).await?;
        Ok(tx.commit().await?)
    }

    async fn one(&self, number: i64) -> anyhow::Result<()> {
        let mut tx = self.pool.begin().await?;
        awa::model::insert_many(&mut *tx, &[params(number)?]).await?;
        Ok(tx.commit().await?)
    }

    async fn work(&self, tuned: bool) -> anyhow::Result<Working> {
        let config = if tuned {
            QueueConfig {
                max_workers: 256,
                poll_interval: Duration::from_millis(50),
                deadline_duration: Duration::ZERO,
                ..QueueConfig::default()
            }
        } else {
            QueueConfig::default()
        };
        let client = Client::builder(self.pool.clone())
            .queue(QUEUE, config)
            .register::<AwaJob, _, _>(|job, _| async move {
                meter::ran(job.work.number);
                Ok(JobResult::Completed)
            })
            .build()?;
        client.start().await?;
        Ok(Working::until(async move { client.shutdown(Duration::from_secs(1)).await }))
    }

    async fn left(&self) -> anyhow::Result<i64> {
        let counts = self.storage.queue_counts(&self.pool, QUEUE).await?;
        Ok(counts.available + counts.running)
    }
}
