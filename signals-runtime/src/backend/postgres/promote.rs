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
    /// When somebody asked for a sweep.
    asked: Option<Instant>,
}

/// Moves at most `limit`.
pub(super) async fn promote(connections: &Connections, floor: &DueFloor, limit: usize) -> Result<Promoted> {
    // tidy: a duration: how long ago it was swept
    let since = Instant::now();
    // A test's clock stands still and then leaps, so that no interval of the real one is short enough.
    let from = if connections.is_clock_imposed() { None } else { floor.start(since) };
    let mut tx = connections.quick_single().await?;
    // tidy: a duration: how long the statements take, without the wait for the connection
    let began = Instant::now();
    let looked = look(connections, &mut tx, from, limit).await;
    if from.is_none() {
        // Also when it failed: the next look begins at the floor, and is not the same sweep again.
        floor.swept(since, began.elapsed());
    }
    let looked = looked?;
    if looked.promoted.moved > 0 {
        tx.commit().await?;
    } else {
        tx.end();
    }
    floor.looked(from, looked);
    Ok(looked.promoted)
}

/// What a look did.
#[derive(Clone, Copy, Debug)]
struct Looked {
    promoted: Promoted,
    /// Up to when everything is moved that could be seen, from where it began; `None`: it was not to move anything.
    until: Option<Timestamp>,
    /// When that was, by the server's clock.
    now: Timestamp,
}

/// Looks from `from` on, or from the bottom: a statement that only reads, and when something is due another.
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
    let (now, next) = (now.0, next.map(|next| next.0));
    let nothing = Promoted { moved: 0, next_due: next };
    if next.is_none_or(|next| next > now) {
        return Ok(Looked { promoted: nothing, until: Some(now), now });
    }
    if limit == 0 {
        return Ok(Looked { promoted: nothing, until: None, now });
    }
    let (moved, until, next): (i64, Moment, Option<Moment>) = sqlx::query_as(sql::PROMOTE)
        .bind(connections.now())
        .bind(from)
        .bind(rows::limit(limit))
        .fetch_one(&mut **tx)
        .await
        .map_err(|error| tx.error(error))?;
    let moved = usize::try_from(moved).map_err(error::foreign)?;
    Ok(Looked { promoted: Promoted { moved, next_due: next.map(|next| next.0) }, until: Some(until.0), now })
}

impl DueFloor {
    /// Where a look begins now; `None`: at the bottom.
    fn start(&self, now: Instant) -> Option<Timestamp> {
        let inner = self.lock();
        inner.floor.filter(|_| broken::skip_sweep() || !inner.swept.is_due(inner.asked, now))
    }

    /// A look began at the bottom, and its statements took so long.
    fn swept(&self, began: Instant, took: Duration) {
        self.lock().swept.note(began, took);
    }

    /// The next look is a sweep.
    pub(super) fn ask(&self, now: Instant) {
        self.lock().asked = Some(now);
    }

    /// A look began at `from`, or at the bottom.
    fn looked(&self, from: Option<Timestamp>, looked: Looked) {
        let floor = &mut self.lock().floor;
        let reached = match (from, *floor) {
            // A sweep that was full has left what lies above its last, also below where the floor was: the floor falls, and
            // the looks that follow move the rest, as fast as they come.
            (None, floor) => looked.until.or(floor),
            (Some(from), Some(floor)) if from <= floor => Some(floor).max(looked.until),
            // The floor has fallen meanwhile, or was dropped: what lies between the two was not looked at.
            (Some(_), floor) => floor,
        };
        // A clock that was set back takes the floor with it: what is sent from then on is due before what was moved.
        *floor = reached.min(Some(looked.now.saturating_sub(TRAILING)));
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

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    /// At second `now`, of what is due until second `until`.
    fn looked(until: i64, now: i64) -> Looked {
        Looked { promoted: Promoted::default(), until: Some(at(until)), now: at(now) }
    }

    /// One that was just swept, at second `now`, and where its floor is looked for.
    fn swept(now: i64) -> (DueFloor, Instant) {
        let (floor, instant) = (DueFloor::default(), Instant::now());
        floor.swept(instant, Duration::from_millis(1));
        floor.looked(None, looked(now, now));
        (floor, instant)
    }

    #[test]
    fn looks_begin_at_the_floor_and_now_and_then_at_the_bottom() {
        assert_eq!(DueFloor::default().start(Instant::now()), None, "before anything is known");
        let (floor, now) = swept(8);
        assert_eq!(floor.start(now), Some(at(7)), "what is due in a moment may be committed a moment too late");
        floor.looked(Some(at(7)), looked(9, 20));
        assert_eq!(floor.start(now), Some(at(9)), "of a batch that was full up to its last");
        floor.looked(Some(at(9)), Looked { until: None, ..looked(0, 20) });
        assert_eq!(floor.start(now), Some(at(9)), "who was to move nothing takes nothing back");
        assert_eq!(floor.start(now + INTERVAL), None, "what stands below is looked for");
        floor.ask(now);
        assert_eq!(floor.start(now), None, "and when somebody asks");
        floor.swept(now + INTERVAL, Duration::ZERO);
        assert_eq!(floor.start(now + INTERVAL), Some(at(9)), "once");
        floor.drop_it();
        assert_eq!(floor.start(now), None, "after an error nothing is known");
        floor.looked(None, looked(20, 20));
        assert_eq!(floor.start(now), None, "nor when it was swept last");
        floor.drop_it();
        floor.looked(Some(at(9)), looked(20, 20));
        floor.swept(now, Duration::ZERO);
        assert_eq!(floor.start(now), None, "who began before it teaches nothing");
    }

    #[test]
    fn a_sweep_that_was_full_takes_the_floor_down_to_where_it_ended() {
        let (floor, now) = swept(60);
        floor.looked(None, looked(5, 60));
        assert_eq!(floor.start(now), Some(at(5)));
        floor.looked(Some(at(59)), looked(60, 60));
        assert_eq!(floor.start(now), Some(at(5)), "who began above knows nothing of what is left");
        floor.looked(Some(at(5)), looked(60, 60));
        assert_eq!(floor.start(now), Some(at(59)));
    }

    #[test]
    fn a_clock_that_is_set_back_takes_the_floor_with_it() {
        let (floor, now) = swept(60);
        floor.looked(Some(at(59)), looked(30, 30));
        assert_eq!(floor.start(now), Some(at(29)), "whoever finds nothing learns what time it is");
        floor.looked(None, Looked { until: None, ..looked(0, 20) });
        assert_eq!(floor.start(now), Some(at(19)));
    }
}
