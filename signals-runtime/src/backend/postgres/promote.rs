//! Moves what became due where it can be claimed.
//!
//! What was moved has died at the low end of the index on due times, and stays there as long as somebody pins the horizon. So
//! whoever looks again begins at a floor: the due time up to which everything was moved, and no later than [`TRAILING`] ago,
//! because what is due in a moment may be committed a moment too late. What is later still, the delivery of a transaction that
//! was open past its due time, stands below the floor and is found by a *sweep*, which begins at the bottom. Correctness rests
//! on the sweep, speed on the floor, as with claims (`claim/floors.rs`).

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use signals_core::Result;
use signals_core::clock::Timestamp;
use signals_core::store::Promoted;

use super::connections::{Connections, Transaction};
use super::sweeps::Swept;
use super::time::Moment;
use super::{error, rows, sql};
use crate::broken;

/// How far the floor is behind the server's clock.
const TRAILING: Duration = Duration::from_secs(1);

/// Where the next look begins.
#[derive(Debug, Default)]
pub(super) struct DueFloor {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Everything that was due before was moved; `None`: nobody knows.
    floor: Option<Timestamp>,
    swept: Swept,
}

/// Moves at most `limit`.
pub(super) async fn promote(connections: &Connections, floor: &DueFloor, limit: usize) -> Result<Promoted> {
    // tidy: a duration: how long ago it was swept
    let since = Instant::now();
    // A test's clock stands still and then leaps, so that no interval of the real one is short enough.
    let from = if connections.is_clock_imposed() { None } else { floor.start(since) };
    let mut tx = connections.quick().await?;
    // tidy: a duration: how long the statements take, without the wait for the connection
    let began = Instant::now();
    let looked = look(connections, &mut tx, from, limit).await;
    if from.is_none() {
        // Also when it failed: the next look begins at the floor, and is not the same sweep again.
        floor.swept(since, began.elapsed());
    }
    let Looked { promoted, until } = looked?;
    if promoted.moved > 0 {
        tx.commit().await?;
    }
    if let Some(until) = until {
        floor.rise(until);
    }
    Ok(promoted)
}

/// What a look did.
struct Looked {
    promoted: Promoted,
    /// Up to when everything is moved that could be seen.
    until: Option<Timestamp>,
}

/// Looks from `from` on, or from the bottom.
async fn look(
    connections: &Connections,
    tx: &mut Transaction<'_>,
    from: Option<Timestamp>,
    limit: usize,
) -> Result<Looked> {
    let from = from.map(Moment);
    let (now, next): (Moment, Option<Moment>) = sqlx::query_as(sql::PROMOTE_NEXT)
        .bind(connections.now())
        .bind(from)
        .fetch_one(&mut **tx)
        .await
        .map_err(error::of)?;
    let trailing = |until: Moment| until.0.min(now.0.saturating_sub(TRAILING));
    let next = next.map(|next| next.0);
    if next.is_none_or(|next| next > now.0) {
        return Ok(Looked { promoted: Promoted { moved: 0, next_due: next }, until: Some(trailing(now)) });
    }
    if limit == 0 {
        return Ok(Looked { promoted: Promoted { moved: 0, next_due: next }, until: None });
    }
    let (moved, until, next): (i64, Moment, Option<Moment>) = sqlx::query_as(sql::PROMOTE)
        .bind(connections.now())
        .bind(from)
        .bind(rows::limit(limit))
        .fetch_one(&mut **tx)
        .await
        .map_err(error::of)?;
    let moved = usize::try_from(moved).map_err(error::foreign)?;
    Ok(Looked { promoted: Promoted { moved, next_due: next.map(|next| next.0) }, until: Some(trailing(until)) })
}

impl DueFloor {
    /// Where a look begins now; `None`: at the bottom.
    fn start(&self, now: Instant) -> Option<Timestamp> {
        let inner = self.lock();
        inner.floor.filter(|_| broken::skip_sweep() || !inner.swept.is_long_ago(now))
    }

    /// A look began at the bottom, and its statements took so long.
    fn swept(&self, began: Instant, took: Duration) {
        self.lock().swept = Swept::at(began, took);
    }

    /// Everything that is due before `until` was moved.
    fn rise(&self, until: Timestamp) {
        let floor = &mut self.lock().floor;
        *floor = (*floor).max(Some(until));
    }

    /// The next look begins at the bottom: the database may be another one by now, or have lost what it said.
    pub(super) fn drop_it(&self) {
        *self.lock() = Inner::default();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::sweeps::INTERVAL;
    use super::*;

    #[test]
    fn looks_begin_at_the_floor_and_now_and_then_at_the_bottom() {
        let (floor, now) = (DueFloor::default(), Instant::now());
        let due = Timestamp::from_micros(7_000_000);
        assert_eq!(floor.start(now), None, "before anything is known");
        floor.swept(now, Duration::from_millis(1));
        floor.rise(due);
        floor.rise(due.saturating_sub(TRAILING));
        assert_eq!(floor.start(now), Some(due), "it never falls");
        assert_eq!(floor.start(now + INTERVAL), None, "what stands below is looked for");
        floor.drop_it();
        assert_eq!(floor.start(now), None, "after an error nothing is known");
    }
}
