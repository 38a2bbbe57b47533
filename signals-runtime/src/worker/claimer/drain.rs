//! A worker that ends: until nothing is due.

use std::time::{Duration, Instant};

use signals_core::store::Claims;
use signals_core::{Error, Result};

use super::{Claimer, UnderWay};
use crate::defaults;
use crate::worker::shutdown::Phase;
use crate::worker::slots::Wanted;

/// How often in a row a drain takes no for an answer.
const DRAIN_TRIES: u32 = 5;

/// How long a drain waits for the keeper to be connected, each time.
const DRAIN_PATIENCE: Duration = Duration::from_secs(1);

/// What a drain has just done.
enum Step {
    /// The database answered a claim, or had something to promote.
    Claimed,
    /// Something ended, or a hint or a poll came.
    Waited,
    /// Nothing is due, and nothing runs.
    Drained,
}

impl Claimer {
    /// Runs what is due, what that causes, and so on, until nothing is.
    ///
    /// # Errors
    ///
    /// Returns the database's error when it keeps refusing.
    pub(crate) async fn drain(mut self) -> Result<()> {
        let engine = self.engine.clone();
        let mut under_way: Option<UnderWay> = None;
        let mut refusals = 0;
        let result = loop {
            self.start_queued();
            if engine.shutdown.phase() > Phase::Run {
                break Ok(());
            }
            let step = if under_way.is_none() && self.slots().is_idle() && engine.table.is_empty() {
                self.probe().await
            } else {
                self.step(&mut under_way).await
            };
            match step {
                Ok(Step::Drained) => break Ok(()),
                Ok(Step::Claimed) => refusals = 0,
                Ok(Step::Waited) => {}
                Err(_) if refusals < DRAIN_TRIES => {
                    refusals += 1;
                    tokio::time::sleep(self.backoff.next()).await;
                }
                Err(error) => break Err(error),
            }
        };
        self.await_last_claim(under_way).await;
        // What still waits for the database gives up now, and the grace begins.
        engine.shutdown.advance(Phase::Stop);
        self.wind_down().await;
        result
    }

    /// Claims, if there is room for more, and sees to whatever happens next.
    async fn step(&mut self, under_way: &mut Option<UnderWay>) -> Result<Step> {
        if under_way.is_none() {
            *under_way = self.claim_wanted().await?;
        }
        let engine = self.engine.clone();
        tokio::select! {
            Some(receiver) = self.freed.recv() => self.freed(receiver),
            claims = async { under_way.as_mut().expect("checked").claims.as_mut().await }, if under_way.is_some() => {
                let UnderWay { wanted, .. } = under_way.take().expect("it has just resolved");
                self.refilled(&wanted, claims)?;
                return Ok(Step::Claimed);
            }
            Ok(()) = self.commits.changed() => self.slots().hope(Instant::now()),
            () = engine.progress.notified() => {}
            () = engine.shutdown.reached(Phase::Stop) => {}
            Some(_) = self.tasks.join_next(), if !self.tasks.is_empty() => {}
            () = tokio::time::sleep(defaults::POLL_IDLE) => self.slots().hope(Instant::now()),
        }
        Ok(Step::Waited)
    }

    /// Whether there is nothing left to do, asked while nothing runs. What there is, is queued.
    async fn probe(&mut self) -> Result<Step> {
        // A drain before this one, or a worker beside it, has left marks above which both would begin.
        self.engine.store.look_everywhere();
        let promoted = self.engine.store.promote(defaults::PROMOTE_BATCH).await?;
        self.slots().hope(Instant::now());
        let found = match self.claim_wanted().await? {
            Some(UnderWay { wanted, claims }) => self.refilled(&wanted, claims.await)?,
            None => false,
        };
        Ok(if promoted.moved == 0 && !found { Step::Drained } else { Step::Claimed })
    }

    /// A claim, if there is room for more.
    async fn claim_wanted(&mut self) -> Result<Option<UnderWay>> {
        // Asked first: without a connection nothing that runs can be stored either.
        let connected = tokio::time::timeout(DRAIN_PATIENCE, self.engine.link.connection()).await.is_ok();
        if !connected {
            return Err(self.not_connected());
        }
        let Some(wanted) = self.slots().wanted(Instant::now()) else { return Ok(None) };
        let Some(claims) = self.claim_for(&wanted) else {
            self.slots().hope(Instant::now());
            return Err(self.not_connected());
        };
        Ok(Some(UnderWay { wanted, claims }))
    }

    /// Queues what a claim of a drain took. Whether it was anything.
    fn refilled(&mut self, wanted: &Wanted, claims: Result<Claims>) -> Result<bool> {
        match claims {
            Ok(claims) => {
                let found = !claims.claimed.is_empty() || !claims.lost.is_empty();
                self.claimed(wanted, Ok(claims));
                Ok(found)
            }
            Err(error) => {
                self.slots().hope(Instant::now());
                Err(error)
            }
        }
    }

    fn not_connected(&self) -> Error {
        let trouble = self.engine.link.take_trouble();
        trouble.unwrap_or_else(|| Error::Unavailable("the worker's keeper is not connected".into()))
    }
}
