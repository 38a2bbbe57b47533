//! graphile_worker: tuned as the pages `guides/local-queue` and `configuration/worker-options` ("Throughput-oriented worker") of
//! its documentation advise, which is in its package: <https://docs.rs/crate/graphile_worker/0.14.1/source/docs/src/>. They say
//! to try larger values; these were its fastest of those tried here.

use std::sync::Arc;
use std::time::Duration;

use graphile_worker::{
    IntoTaskHandlerResult, JobSpec, LocalQueueConfig, RawJobSpec, TaskHandler, WorkerContext, WorkerOptions,
    WorkerUtils,
};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;

use crate::meter;
use crate::queue::{PAYMENT, Place, Queue, Working};
use crate::work::{Work, chunks};

#[derive(Clone, Deserialize, Serialize)]
struct Job(Work);

impl TaskHandler for Job {
    const IDENTIFIER: &'static str = "job";

    async fn run(self, _: WorkerContext) -> impl IntoTaskHandlerResult {
        meter::ran(self.0.number);
        Ok::<(), String>(())
    }
}

/// The Rust port of graphile-worker.
pub(crate) struct Graphile {
    pool: PgPool,
    utils: WorkerUtils,
}

fn spec(number: i64) -> anyhow::Result<RawJobSpec> {
    let payload = serde_json::to_value(Job(Work::new(number)))?;
    Ok(RawJobSpec { identifier: Job::IDENTIFIER.to_owned(), payload, spec: JobSpec::default() })
}

impl Queue for Graphile {
    const NAME: &'static str = "graphile_worker 0.14.1";
    const TUNED: &'static str =
        "concurrency 64, local queue of 500, completions batched over 5 ms (its docs: worker-options, local-queue)";
    const COMPLETIONS: &'static str =
        "a DELETE of what came within 5 ms (one for each job as it comes), durable; fenced by the name of the worker";

    async fn open(place: &Place) -> anyhow::Result<Self> {
        let pool = place.pool.clone();
        let utils = WorkerUtils::new(pool.clone(), "graphile_worker");
        utils.migrate().await?;
        Ok(Self { pool, utils })
    }

    async fn fill(&self, count: i64, _: bool) -> anyhow::Result<()> {
        for numbers in chunks(count) {
            let specs: Vec<_> = numbers.map(spec).collect::<anyhow::Result<_>>()?;
            self.utils.add_raw_jobs(&specs).await?;
        }
        Ok(())
    }

    async fn fact(&self, number: i64) -> anyhow::Result<()> {
        let mut tx = self.pool.begin().await?;
        sqlx::query(PAYMENT).bind(number).execute(&mut *tx).await?;
        let specs = [spec(number)?, spec(number)?, spec(number)?, spec(number)?, spec(number)?];
        self.utils.clone().with_executor(&mut tx).add_raw_jobs(&specs).await?;
        Ok(tx.commit().await?)
    }

    async fn one(&self, number: i64) -> anyhow::Result<()> {
        let mut tx = self.pool.begin().await?;
        self.utils.clone().with_executor(&mut tx).add_job(Job(Work::new(number)), JobSpec::default()).await?;
        Ok(tx.commit().await?)
    }

    async fn work(&self, tuned: bool) -> anyhow::Result<Working> {
        let options = WorkerOptions::default()
            .pg_pool(self.pool.clone())
            .schema("graphile_worker")
            .listen_os_shutdown_signals(false)
            .define_job::<Job>();
        let options = if tuned {
            options
                .concurrency(64)
                .local_queue(LocalQueueConfig::default().with_size(500))
                .complete_job_batch_delay(Duration::from_millis(5))
        } else {
            options
        };
        let worker = Arc::new(options.init().await?);
        let running = Arc::clone(&worker);
        let running = tokio::spawn(async move { running.run().await });
        Ok(Working::until(async move {
            worker.request_shutdown();
            // How it ended is no matter of the measurement that is over.
            let _ = running.await;
        }))
    }

    async fn left(&self) -> anyhow::Result<i64> {
        Ok(sqlx::query_scalar("SELECT count(*) FROM graphile_worker._private_jobs").fetch_one(&self.pool).await?)
    }
}
