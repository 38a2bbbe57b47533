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

use signals_core::store::{Held, Renewed, Store};
use signals_core::{Error, Result};
use tokio::sync::oneshot;

use super::Engine;
use super::backoff::Backoff;
use super::completer::{Finish, store_once};
use super::deadlines::Deadlines;
use super::shutdown::{Phase, end_grace, listen};
use crate::extract::CancelReason;
use crate::{defaults, telemetry};

/// How often deadlines are looked at.
pub(super) const TICK: Duration = Duration::from_millis(250);

/// How often a worker that renews seldom says that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(20);

/// How long the executor has to give back what was cancelled, before the keeper does.
const HAND_BACK: Duration = Duration::from_millis(500);

/// How long the completer has to store what was decided, before the keeper gives it back.
const STORE: Duration = Duration::from_secs(2);

/// How long the keeper waits for a connection at least, however short the lease; otherwise for a quarter of it.
const CONNECT: Duration = Duration::from_secs(2);

/// The thread, from the worker's side.
#[derive(Debug)]
pub(crate) struct Keeper {
    /// `None` once it has stopped.
    stopped: Option<oneshot::Receiver<()>>,
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
                let grace = end_grace(shutdown.clone(), engine.config.grace);
                let signals = async {
                    if signals {
                        listen(shutdown).await;
                    }
                };
                let deadlines = Deadlines::new(engine.clone());
                tokio::select! {
                    () = Keep::new(engine, &deadlines).run() => {}
                    () = deadlines.watch() => {}
                    () = async { tokio::join!(grace, signals); std::future::pending().await } => {}
                }
            });
            // The worker is gone when nobody waits for this.
            let _ = stop.send(());
        };
        thread::Builder::new()
            .name("signals-keeper".to_owned())
            .spawn(body)
            .map_err(|error| Error::Unavailable(error.into()))?;
        Ok(Self { stopped: Some(stopped) })
    }

    /// Waits until the thread is through; returns at once if it panicked, or has stopped before.
    pub(crate) async fn stopped(&mut self) {
        if let Some(stopped) = &mut self.stopped {
            if stopped.await.is_err() {
                telemetry::keeper_panicked();
            }
            self.stopped = None;
        }
    }
}

struct Keep<'d> {
    engine: Arc<Engine>,
    deadlines: &'d Deadlines,
    lease: Duration,
    /// When everything was cancelled.
    cancelled_at: Option<Instant>,
}

impl<'d> Keep<'d> {
    fn new(engine: Arc<Engine>, deadlines: &'d Deadlines) -> Self {
        let lease = engine.config.lease;
        Self { engine, deadlines, lease, cancelled_at: None }
    }

    async fn run(mut self) {
        let mut backoff = Backoff::within(self.lease);
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
                    match self.keep(store.as_ref(), &mut backoff).await {
                        Ok(()) => return,
                        Err(error) => error,
                    }
                }
                Err(error) => error,
            };
            if lost_at.is_none() {
                lost_at = Some(Instant::now());
                telemetry::keeper_disconnected(&error);
            }
            self.engine.link.disconnected(error);
            tokio::select! {
                () = tokio::time::sleep(backoff.next()) => {}
                () = self.engine.shutdown.reached(Phase::Done) => return,
            }
        }
    }

    async fn connect(&self) -> Result<Arc<dyn Store>> {
        // In a black hole nothing answers: whoever waits there hears too late that it is none any more.
        let connecting = tokio::time::timeout((self.lease / 4).max(CONNECT), self.engine.store.dedicated());
        let silence = |_elapsed| Error::Unavailable("the database does not answer the keeper".into());
        let store = connecting.await.map_err(silence)??;
        let incarnation = store.enlist(&self.engine.worker_info()).await?;
        // Leases of the incarnation before are renewed first, and only then is anything claimed.
        self.renew(store.as_ref()).await?;
        telemetry::worker_started(incarnation, self.engine.receivers.len());
        self.engine.link.connected(incarnation);
        Ok(store)
    }

    /// Keeps until the worker is done, or the connection is lost. What is due to be renewed comes before everything else.
    async fn keep(&mut self, store: &dyn Store, backoff: &mut Backoff) -> Result<()> {
        let every = (self.lease / defaults::RENEWALS_PER_LEASE).min(HEARTBEAT);
        let mut due = Instant::now() + every;
        let mut next_beat = due;
        loop {
            let pause = next_beat.saturating_duration_since(Instant::now()).min(TICK);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.engine.shutdown.reached(Phase::Done) => return self.leave(store).await,
            }
            let now = Instant::now();
            if now >= next_beat {
                if self.beat(store, due).await? {
                    due = now + every;
                    next_beat = due;
                } else {
                    // It is late already: the lease runs on.
                    next_beat = Instant::now() + TICK;
                }
                backoff.reset();
            }
            self.fail_overdue(store).await?;
            self.give_back(store).await?;
            if self.engine.link.is_exhausted() {
                let incarnation = store.enlist(&self.engine.worker_info()).await?;
                self.engine.link.connected(incarnation);
            }
        }
    }

    /// Renews what was `due` to be, and says that this worker is alive: two writes, so that one happens whatever is held.
    /// Whether both did.
    ///
    /// Whatever refuses them, or keeps them waiting for so long that leases of others are in danger, does so to other
    /// workers too, and they live: then nobody is stolen from for one lease
    /// (docs/decisions/0012-who-may-steal-after-waiting.md).
    async fn beat(&self, store: &dyn Store, due: Instant) -> Result<bool> {
        let renewed = self.renew(store).await?;
        let alive = match self.engine.link.incarnation() {
            Some(incarnation) => {
                forgiving("heartbeat", store.heartbeat(incarnation, &self.engine.worker_info()).await)?
            }
            None => true,
        };
        if renewed && alive {
            self.engine.link.beat(self.lease);
        }
        if !renewed || !alive || due.elapsed() > self.lease / defaults::RENEWALS_PER_LEASE {
            self.engine.link.unsteady();
        }
        Ok(renewed && alive)
    }

    /// T3. Whether the database took it.
    async fn renew(&self, store: &dyn Store) -> Result<bool> {
        let held = self.engine.table.renewable();
        if held.is_empty() {
            return Ok(true);
        }
        let answers = match store.renew(&held, self.lease).await {
            Ok(answers) => answers,
            Err(error) => return forgiving("renew", Err(error)),
        };
        for (held, _) in held.iter().zip(answers).filter(|(_, answer)| *answer == Renewed::Lost) {
            if let Some(receiver) = self.engine.table.lose(held) {
                telemetry::attempt_abandoned(self.engine.receivers[receiver].def.name, held);
            }
            self.engine.progress.notify_one();
        }
        Ok(true)
    }

    /// Stores that receivers are past their deadline whose executor did not notice.
    async fn fail_overdue(&self, store: &dyn Store) -> Result<()> {
        let failed = self.deadlines.take();
        if let Err(error) = store_once(&self.engine, store, &failed).await {
            // Their outcome is decided: the completer tries again, as soon as the runtime lets it.
            for failed in failed {
                self.engine.complete(Finish::Fail(failed));
            }
            forgiving("fail", Err(error))?;
        }
        Ok(())
    }

    /// What a blocked runtime does not give back itself (L2).
    async fn give_back(&mut self, store: &dyn Store) -> Result<()> {
        if self.engine.shutdown.phase() < Phase::Now {
            return Ok(());
        }
        let since = *self.cancelled_at.get_or_insert_with(Instant::now);
        if since.elapsed() > STORE {
            // Tried again at the next tick, whatever comes of it now.
            let left = self.engine.table.all();
            self.engine.doubts.share(&left);
            let stored = store_once(&self.engine, store, &left).await;
            return forgiving("release", stored).map(drop);
        }
        if since.elapsed() > HAND_BACK {
            let left = self.engine.table.take_undecided(CancelReason::Shutdown);
            return self.release(store, &left).await;
        }
        Ok(())
    }

    async fn release(&self, store: &dyn Store, held: &[Held]) -> Result<()> {
        if let Err(error) = store_once(&self.engine, store, held).await {
            for held in held {
                self.engine.complete(Finish::Release(*held));
            }
            forgiving("release", Err(error))?;
        }
        Ok(())
    }

    /// The last act: whatever is still held goes back, whatever became of the rest of the worker.
    async fn leave(&self, store: &dyn Store) -> Result<()> {
        self.engine.table.take_undecided(CancelReason::Shutdown);
        let left = self.engine.table.all();
        self.engine.doubts.share(&left);
        // The database's leases expire by themselves when it does not answer now.
        let _ = self.release(store, &left).await;
        if let Some(incarnation) = self.engine.link.incarnation() {
            let _ = store.resign(incarnation).await;
            telemetry::worker_stopped(incarnation);
        }
        Ok(())
    }
}

/// Only a lost connection is a reason to enlist anew; another writer in the way is not. Whether it happened.
fn forgiving(verb: &'static str, result: Result<()>) -> Result<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(error) if error.is_connection() => Err(error),
        Err(error) => {
            telemetry::store_failed(verb, &error, TICK);
            Ok(false)
        }
    }
}
