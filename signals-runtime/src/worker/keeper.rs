//! Keeps leases alive, on a thread, a runtime and a connection of its own, so that a receiver which blocks the
//! application's runtime costs no other delivery its lease (W10).
//!
//! ```text
//! connect + enlist ──► every third of a lease: heartbeat, renew ──► lost? cancel it
//!        ▲             every 250 ms: past its deadline? fail it (T5)
//!        └── connection lost: no claims; a new incarnation
//! ```
//!
//! It also watches the shutdown: it hears SIGTERM, ends the grace, and gives back what a blocked runtime cannot.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use signals_core::store::{Renewed, Store};
use signals_core::{Error, Result};
use tokio::sync::oneshot;

use super::backoff::Backoff;
use super::completer::Finish;
use super::shutdown::{Phase, listen};
use super::{Engine, executor};
use crate::extract::CancelReason;
use crate::{defaults, telemetry};

/// How often deadlines are looked at.
const TICK: Duration = Duration::from_millis(250);

/// How long after a deadline the keeper fails what the executor should have failed itself.
const MARGIN: Duration = Duration::from_millis(250);

/// How long the executor has to give back what was cancelled, before the keeper does.
const HAND_BACK: Duration = Duration::from_millis(500);

/// How long the completer has to store what was decided, before the keeper gives it back.
const STORE: Duration = Duration::from_secs(2);

/// The thread, from the worker's side.
#[derive(Debug)]
pub(crate) struct Keeper {
    stopped: oneshot::Receiver<()>,
}

impl Keeper {
    /// Starts the thread. With `signals` it listens to those of the operating system.
    pub(crate) fn start(engine: Arc<Engine>, signals: bool) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Error::Unavailable(error.into()))?;
        let (stop, stopped) = oneshot::channel();
        let body = move || {
            runtime.block_on(async {
                let shutdown = engine.shutdown.clone();
                let keep = Keep::new(engine).run();
                if signals {
                    tokio::select! {
                        () = keep => {}
                        () = async { listen(shutdown).await; std::future::pending().await } => {}
                    }
                } else {
                    keep.await;
                }
            });
            // The worker is gone when nobody waits for this.
            let _ = stop.send(());
        };
        thread::Builder::new()
            .name("signals-keeper".to_owned())
            .spawn(body)
            .map_err(|error| Error::Unavailable(error.into()))?;
        Ok(Self { stopped })
    }

    /// Waits until the thread is through; returns at once if it panicked.
    pub(crate) async fn stopped(&mut self) {
        if (&mut self.stopped).await.is_err() {
            telemetry::keeper_panicked();
        }
    }
}

struct Keep {
    engine: Arc<Engine>,
    lease: Duration,
    /// When the grace is over, once the worker is stopping.
    grace_until: Option<Instant>,
    /// When everything was cancelled.
    cancelled_at: Option<Instant>,
}

impl Keep {
    fn new(engine: Arc<Engine>) -> Self {
        let lease = engine.config.lease;
        Self { engine, lease, grace_until: None, cancelled_at: None }
    }

    async fn run(mut self) {
        let mut backoff = Backoff::new();
        let mut lost_at: Option<Instant> = None;
        loop {
            let connected = tokio::select! {
                connected = self.connect() => connected,
                () = self.engine.shutdown.reached(Phase::Done) => return,
            };
            let error = match connected {
                Ok(store) => {
                    if let (Some(lost), Some(incarnation)) = (lost_at.take(), self.engine.link.incarnation()) {
                        telemetry::keeper_reconnected(incarnation, lost.elapsed());
                    }
                    backoff.reset();
                    match self.keep(store.as_ref()).await {
                        Ok(()) => return,
                        Err(error) => error,
                    }
                }
                Err(error) => error,
            };
            self.engine.link.disconnected();
            if lost_at.is_none() {
                lost_at = Some(Instant::now());
                telemetry::keeper_disconnected(&error);
            }
            tokio::select! {
                () = tokio::time::sleep(backoff.next()) => self.watch_shutdown(),
                () = self.engine.shutdown.reached(Phase::Done) => return,
            }
        }
    }

    async fn connect(&self) -> Result<Arc<dyn Store>> {
        let store = self.engine.store.dedicated().await?;
        let incarnation = store.enlist(&self.engine.worker_info()).await?;
        // Leases of the incarnation before are renewed first, and only then is anything claimed.
        self.renew(store.as_ref()).await?;
        telemetry::worker_started(incarnation, self.engine.receivers.len());
        self.engine.link.connected(incarnation);
        Ok(store)
    }

    /// Keeps until the worker is done, or the connection is lost.
    async fn keep(&mut self, store: &dyn Store) -> Result<()> {
        let every = self.lease / defaults::RENEWALS_PER_LEASE;
        let mut next_beat = Instant::now() + every;
        loop {
            let pause = next_beat.saturating_duration_since(Instant::now()).min(TICK);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.engine.shutdown.reached(Phase::Done) => return self.leave(store).await,
            }
            self.watch_shutdown();
            self.fail_overdue(store).await?;
            self.give_back(store).await?;
            if self.engine.link.is_exhausted() {
                let incarnation = store.enlist(&self.engine.worker_info()).await?;
                self.engine.link.connected(incarnation);
            }
            let now = Instant::now();
            if now >= next_beat {
                next_beat = now + every;
                self.beat(store).await?;
                if now.elapsed() > every {
                    self.engine.link.unsteady();
                }
            }
        }
    }

    async fn beat(&self, store: &dyn Store) -> Result<()> {
        self.renew(store).await?;
        match self.engine.link.incarnation() {
            Some(incarnation) => forgiving(store.heartbeat(incarnation, &self.engine.worker_info()).await),
            None => Ok(()),
        }
    }

    async fn renew(&self, store: &dyn Store) -> Result<()> {
        let held = self.engine.table.renewable();
        if held.is_empty() {
            return Ok(());
        }
        let answers = match store.renew(&held, self.lease).await {
            Ok(answers) => answers,
            Err(error) => return forgiving(Err(error)),
        };
        for (held, _) in held.iter().zip(answers).filter(|(_, answer)| *answer == Renewed::Lost) {
            if let Some(receiver) = self.engine.table.lose(held) {
                telemetry::attempt_abandoned(self.engine.receivers[receiver].def.name, held);
            }
            self.engine.progress.notify_one();
        }
        Ok(())
    }

    /// Receivers past their deadline whose executor did not notice, because they block it.
    async fn fail_overdue(&self, store: &dyn Store) -> Result<()> {
        for overdue in self.engine.table.overdue(MARGIN) {
            let receiver = &self.engine.receivers[overdue.receiver];
            let Finish::Fail(failed) = executor::timed_out(receiver, overdue.held, overdue.counters, overdue.ran)
            else {
                unreachable!("a time-out is a failure");
            };
            match store.fail(std::slice::from_ref(&failed)).await {
                Ok(_) => {
                    self.engine.tell_failed(&failed);
                    self.engine.settled(&overdue.held);
                }
                Err(error) => {
                    // The completer tries again, as soon as the runtime lets it.
                    self.engine.complete(Finish::Fail(failed));
                    forgiving(Err(error))?;
                }
            }
        }
        Ok(())
    }

    fn watch_shutdown(&mut self) {
        let phase = self.engine.shutdown.phase();
        if phase >= Phase::Stop {
            let until = *self.grace_until.get_or_insert_with(|| Instant::now() + self.engine.config.grace);
            if Instant::now() >= until {
                self.engine.shutdown.advance(Phase::Now);
            }
        }
        if self.engine.shutdown.phase() >= Phase::Now {
            self.cancelled_at.get_or_insert_with(Instant::now);
        }
    }

    /// What a blocked runtime does not give back itself (L2).
    async fn give_back(&self, store: &dyn Store) -> Result<()> {
        let Some(since) = self.cancelled_at else { return Ok(()) };
        let mut left = Vec::new();
        if since.elapsed() > HAND_BACK {
            left = self.engine.table.take_undecided(CancelReason::Shutdown);
        }
        if since.elapsed() > STORE {
            left = self.engine.table.all();
        }
        self.release(store, &left).await
    }

    async fn release(&self, store: &dyn Store, held: &[signals_core::store::Held]) -> Result<()> {
        if held.is_empty() {
            return Ok(());
        }
        store.release(held).await?;
        for held in held {
            self.engine.tally.released();
            self.engine.settled(held);
        }
        Ok(())
    }

    /// The last act: whatever is still held goes back, whatever became of the rest of the worker.
    async fn leave(&self, store: &dyn Store) -> Result<()> {
        self.engine.table.take_undecided(CancelReason::Shutdown);
        let left = self.engine.table.all();
        // The database's leases expire by themselves when it does not answer now.
        let _ = self.release(store, &left).await;
        if let Some(incarnation) = self.engine.link.incarnation() {
            let _ = store.resign(incarnation).await;
            telemetry::worker_stopped(incarnation);
        }
        Ok(())
    }
}

/// Only a lost connection is a reason to enlist anew; another writer in the way is not.
fn forgiving(result: Result<()>) -> Result<()> {
    match result {
        Err(error) if !error.is_connection() => {
            telemetry::store_failed("renew", &error, TICK);
            Ok(())
        }
        other => other,
    }
}
