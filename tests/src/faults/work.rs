//! A worker, and an operator who repairs what it could not do.

use std::time::{Duration, Instant};

use signals_core::Error;
use signals_core::delivery::State;
use signals_core::store::DeliverySummary;
use signals_runtime::Signals;
use tokio::sync::watch;

use super::story::{PATIENCE, again};
use super::{Ground, Story};
use crate::stage::until_every;

/// How long what a cut worker held is its own. What was claimed by a statement whose answer is lost waits for it.
const LEASE: Duration = Duration::from_secs(2);

/// How often somebody looks whether something was said.
const PAUSE: Duration = Duration::from_millis(20);

/// How soon somebody looks again what has happened: each look reads all deliveries, beside the worker on the same processors, and
/// what has not come by the third comes behind a lease. So each pause is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(160);

/// How soon a worker asks again. Most stories wait for a lease, and whoever asks more often takes the processors from the others.
const POLL: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(200));

/// How many renewals are waited for: the first, and one behind which the keeper knows the database already.
const RENEWALS: u32 = 2;

impl<G: Ground> Story<G> {
    /// A worker, while an operator retries what it refused, until everything is done. W13: it goes on by itself; only when it
    /// could not begin does somebody start it again, as a service manager does.
    ///
    /// When what shall be cut has not come by the time that it has renewed its leases, it is asked to stop while a receiver runs,
    /// and another takes its place: so what is given back is said, too.
    pub(super) async fn work(&self) {
        let (done, is_done) = watch::channel(false);
        let until_done = async || is_done.clone().wait_for(|done| *done).await.map_or((), drop);
        let workers = async {
            again("a worker", async |_| {
                let has_renewed = async {
                    while !(self.meter.is_waiting() && self.meter.has_said("renew", RENEWALS)) {
                        // tidy: not a wait: the pause between two looks at a condition that another future ends with
                        tokio::time::sleep(PAUSE).await;
                    }
                };
                let stop = async {
                    tokio::select! { () = has_renewed => {}, () = until_done() => {} }
                };
                self.run_until(stop).await
            })
            .await;
            again("another worker", async |_| self.run_until(until_done()).await).await;
        };
        tokio::join!(workers, async {
            self.repair().await;
            done.send_replace(true);
        });
    }

    /// Runs a worker, which gives back at once what runs when it is asked to stop.
    async fn run_until(&self, stop: impl Future<Output = ()> + Send) -> signals_core::Result<()> {
        let worker = self.signals.worker().state(self.ran.clone()).state(self.meter.clone());
        let worker = worker.concurrency(4).lease(LEASE).grace(Duration::ZERO);
        let worker = worker.poll(POLL.0, POLL.1);
        worker.build().expect("it lacks nothing").run_until(stop).await.map(drop)
    }

    /// Runs what waits, uncounted: how a short tale ends.
    pub(super) async fn drain(&self, signals: &Signals<G::Backend>) {
        self.aside(async || {
            let worker = signals.worker().state(self.ran.clone()).build().expect("it lacks nothing");
            worker.drain().await.map(drop).map_err(|error| Error::Database(error.into()))
        })
        .await;
    }

    async fn repair(&self) {
        until_seen("the audit to be refused", async || self.refused().await.is_some()).await;
        again("a retry by hand", async |_| match self.refused().await {
            Some(refused) => match self.signals.operate("ops").retry(refused.id).await {
                // It has happened since the look, of the retry whose answer was lost.
                Err(Error::WrongState { .. }) => Ok(()),
                retried => retried,
            },
            None => Ok(()), // it happened, although the answer was lost
        })
        .await;
        // What comes by the clock, such as a heartbeat, comes within a lease.
        let linger = Instant::now() + LEASE;
        until_every(PAUSE, PATIENCE, "the fault", async || !self.meter.is_waiting() || Instant::now() > linger).await;
        until_seen("everything to be done", async || {
            self.deliveries().await.iter().all(|delivery| delivery.state == State::Done)
        })
        .await;
    }

    async fn refused(&self) -> Option<DeliverySummary> {
        self.deliveries().await.into_iter().find(|delivery| delivery.state == State::Dead)
    }
}

/// Waits for what is dear to look at.
async fn until_seen(what: &str, seen: impl AsyncFn() -> bool) {
    let began = Instant::now();
    let mut pause = FIRST_PAUSE;
    while !seen().await {
        assert!(began.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        // tidy: not a wait: the pause of a poll with a deadline
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
