//! Workers that work until told to stop, and how long they take for what waits for them.

use std::time::{Duration, Instant};

use signals_runtime::{PgBackend, Worker, WorkerBuilder};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::bed::{Bed, Both, Place};
use crate::facts::One;
use crate::{Result, meter};

/// The longest that the last acknowledgement is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// Workers in tasks of their own.
#[derive(Debug)]
pub(crate) struct Crew {
    stop: Vec<oneshot::Sender<()>>,
    workers: JoinSet<Result>,
}

impl Crew {
    pub(crate) fn start(workers: impl IntoIterator<Item = Worker>) -> Self {
        let mut crew = Self { stop: Vec::new(), workers: JoinSet::new() };
        for worker in workers {
            let (stop, stopped) = oneshot::channel::<()>();
            crew.stop.push(stop);
            crew.workers.spawn(async move {
                let until = async {
                    // Dropped is told, too.
                    let _ = stopped.await;
                };
                worker.run_until(until).await?;
                Ok(())
            });
        }
        crew
    }

    /// Stops them, and waits until they have ended.
    pub(crate) async fn stop(mut self) -> Result {
        self.stop.clear();
        while let Some(ended) = self.workers.join_next().await {
            ended??;
        }
        Ok(())
    }
}

/// Drains `count` deliveries of receivers that do nothing. Wall time is that from the first start to the last
/// acknowledgement, so that nobody's connecting is in it; processor time is all of it.
pub(crate) async fn drain(bed: &Bed, place: &Place, count: usize, workers: Vec<Worker>) -> Result<Both> {
    meter::reset();
    let watch = bed.watch()?;
    let crew = Crew::start(workers);
    let began = meter::wait_for(count).await?;
    emptied(place).await?;
    let wall = began.elapsed();
    let mut both = watch.stop()?;
    both.own.wall = wall;
    crew.stop().await?;
    Ok(both)
}

/// A worker of an application of its own over the same database, as in another process, of the receivers of [`One`].
pub(crate) fn worker(
    place: &Place,
    settings: impl FnOnce(WorkerBuilder<PgBackend>) -> WorkerBuilder<PgBackend>,
) -> Result<Worker> {
    Ok(settings(place.another(2).worker().only([One::RECEIVERS])).build()?)
}

/// Waits until no delivery is left.
pub(crate) async fn emptied(place: &Place) -> Result {
    let asked = Instant::now();
    while sqlx::query_scalar("SELECT EXISTS (SELECT FROM signals.delivery)").fetch_one(place.pool()).await? {
        if asked.elapsed() > PATIENCE {
            return Err("all ran, but not all was acknowledged".into());
        }
        tokio::time::sleep(Duration::from_millis(1)).await; // tidy: not a wait: a poll with a deadline
    }
    Ok(())
}
