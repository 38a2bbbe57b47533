//! apalis-postgres: tuned as `examples/basic.rs` of its package is: batches of 100, NOTIFY, tasks of their own, no lock while
//! one runs. <https://docs.rs/apalis-postgres/1.0.0/apalis_postgres/struct.Config.html> says what each setting does.

use apalis::prelude::*;
use apalis_postgres::{Config, PostgresStorage, queries};
use sqlx::PgPool;
use tokio::runtime::Handle;

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
    const TUNED: &'static str = "batches of 100, pubsub, parallelize, lock_tasks off (its examples/basic.rs)";
    const COMPLETIONS: &'static str =
        "an UPDATE for what came together, durable; fenced by the name of the worker, not by the attempt";

    async fn open(place: &Place) -> anyhow::Result<Self> {
        PostgresStorage::setup(&place.pool).await?;
        Ok(Self(place.pool.clone()))
    }

    async fn fill(&self, count: i64, _: bool) -> anyhow::Result<()> {
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
        let (pool, runtime) = (self.0.clone(), Handle::current());
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let (done, ended) = tokio::sync::oneshot::channel::<()>();
        // On a thread of its own: the compiler does not see that this future may move between threads.
        std::thread::spawn(move || {
            let config = Config::default().queue(QUEUE);
            let ended = runtime.block_on(async move {
                let worker = WorkerBuilder::new("peers");
                if tuned {
                    let config = config.batch_size(100).lock_tasks(false);
                    let backend = PostgresStorage::new(&pool).with_config(config).with_pubsub();
                    let worker = worker.backend(backend).parallelize(tokio::spawn).build(run);
                    tokio::select! { ended = worker.run() => ended, _ = stopped => Ok(()) }
                } else {
                    let backend = PostgresStorage::new(&pool).with_config(config);
                    let worker = worker.backend(backend).build(run);
                    tokio::select! { ended = worker.run() => ended, _ = stopped => Ok(()) }
                }
            });
            if let Err(error) = ended {
                eprintln!("{}: {error}", Self::NAME);
            }
            drop(done);
        });
        Ok(Working::until(async move {
            drop(stop);
            // It says so by dropping the other end.
            let _ = ended.await;
        }))
    }

    async fn left(&self) -> anyhow::Result<i64> {
        let left = "SELECT count(*) FROM apalis.jobs WHERE status IN ('Pending', 'Queued', 'Running')";
        Ok(sqlx::query_scalar(left).fetch_one(&self.0).await?)
    }
}
