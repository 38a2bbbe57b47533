//! Where the claims of a lane begin: above what was claimed before, so that they do not walk over dead rows again and again.
//!
//! Ids commit out of order, so nothing below a floor may be forgotten. Two floors are kept for each lane, and the higher is
//! where a claim begins:
//!
//! - The *proven* one. When a claim has seen id `h`, every lower id was drawn by a transaction that was running by then: one
//!   holds a transaction id before it draws (see `send.sql`). All of these are lower than `own`, the claim's own. So a later
//!   claim whose snapshot has nothing running below `own` sees all ids up to `h` that will ever be, and what it leaves
//!   below its last one is nobody's any more: the floor rises to there. That takes milliseconds, unless somebody keeps a
//!   transaction open. (What a snapshot says is *finished* is no bound: shown to fail.)
//! - The *trailing* one, where a claim ended a second ago, or where something stood that a send has claimed: it keeps claims
//!   fast behind a long transaction.
//!
//! What stands below is found by a *sweep*, a claim from the bottom of its lanes: stragglers of long transactions, what was
//! given back, expired leases. A sweep that found such and had no room for more is followed by another as soon as there is
//! room: otherwise a batch for each interval would be all that is taken over of a dead worker's thousands. Correctness rests on
//! the sweep, speed on the floors. So they may be dropped at any time, and are after every error of the connection.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use signals_core::delivery::Lane;
use signals_core::store::{ClaimLane, Held};

use super::super::sweeps::Swept;

/// How far back in time the trailing floor is.
const TRAILING: Duration = Duration::from_secs(1);

/// How close together the marks are that the trailing floor rises by.
const MARKS: Duration = Duration::from_millis(100);

/// The floors of one store.
#[derive(Debug, Default)]
pub(in super::super) struct Floors {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    lanes: HashMap<Lane, Floor>,
    /// When somebody asked for a sweep of all of them.
    asked: Option<Instant>,
}

#[derive(Debug, Default)]
struct Floor {
    proven: i64,
    /// An id that was seen, and the transaction below which everybody must have ended for the floor to rise to it.
    candidate: Option<(i64, i64)>,
    trailing: i64,
    /// Where claims ended, oldest first.
    marks: VecDeque<(Instant, i64)>,
    swept: Swept,
    /// Whether the last sweep had no room for all that stands below.
    unfinished: bool,
}

/// How a claim found one lane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Looked {
    /// Where it began.
    pub(super) from: i64,
    /// The last id that it took.
    pub(super) last: i64,
    /// Whether it took everything that it saw.
    pub(super) short: bool,
    /// Whether it took a lease over.
    pub(super) stole: bool,
    /// The lowest transaction that its snapshot saw running.
    pub(super) oldest: i64,
    /// Its own transaction.
    pub(super) own: i64,
}

impl Floors {
    /// Where claims of these lanes begin now.
    pub(super) fn starts(&self, lanes: &[ClaimLane], now: Instant) -> Vec<i64> {
        let mut inner = self.lock();
        lanes.iter().map(|lane| inner.lanes.entry(lane.lane).or_default().start(now)).collect()
    }

    /// Whether one of these lanes is due to be swept.
    pub(super) fn is_sweep_due(&self, lanes: &[ClaimLane], now: Instant) -> bool {
        let inner = self.lock();
        let is_due = |floor: &Floor| floor.unfinished || floor.swept.is_due(inner.asked, now);
        lanes.iter().any(|lane| inner.lanes.get(&lane.lane).is_none_or(is_due))
    }

    /// These lanes were swept, by a statement that took so long.
    pub(super) fn swept(&self, lanes: &[ClaimLane], now: Instant, took: Duration) {
        let mut inner = self.lock();
        for lane in lanes {
            let floor = inner.lanes.entry(lane.lane).or_default();
            floor.swept.note(now, took);
            floor.unfinished = false;
        }
    }

    /// A claim took something of `lane`.
    pub(super) fn looked(&self, lane: Lane, looked: Looked, now: Instant) {
        self.lock().lanes.entry(lane).or_default().looked(looked, now);
    }

    /// What sends have claimed stands here: nothing that a claim would have raised the floor by.
    pub(in super::super) fn passed(&self, held: &[Held], now: Instant) {
        let mut inner = self.lock();
        for held in held {
            inner.lanes.entry(held.lane).or_default().mark(held.position, now);
        }
    }

    /// The next claim of each lane is a sweep.
    pub(in super::super) fn ask(&self, now: Instant) {
        self.lock().asked = Some(now);
    }

    /// Every claim begins at the bottom again: the database may be another one by now, or have lost what it said.
    pub(in super::super) fn drop_all(&self) {
        *self.lock() = Inner::default();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Floor {
    fn start(&mut self, now: Instant) -> i64 {
        while let Some(&(at, id)) = self.marks.front() {
            if now.saturating_duration_since(at) < TRAILING {
                break;
            }
            self.trailing = self.trailing.max(id);
            self.marks.pop_front();
        }
        self.proven.max(self.trailing)
    }

    fn looked(&mut self, looked: Looked, now: Instant) {
        let Looked { from, last, short, stole, oldest, own } = looked;
        // Of what a claim from the floor would have found, nothing is left that needs a sweep.
        self.unfinished = from == 0 && !short && (stole || last < self.start(now));
        match self.candidate {
            // Begun above the proven floor, it knows nothing of what is between the two.
            Some((seen, until)) if oldest >= until && from <= self.proven => {
                let end = if short { seen.max(last) } else { last };
                self.proven = self.proven.max(end.min(seen).saturating_add(1));
                self.candidate = Some((last, own));
            }
            Some(_) => {}
            None => self.candidate = Some((last, own)),
        }
        self.mark(last, now);
    }

    /// Everything up to `last` was looked at.
    fn mark(&mut self, last: i64, now: Instant) {
        if self.marks.back().is_none_or(|&(at, _)| now.saturating_duration_since(at) >= MARKS) {
            self.marks.push_back((now, last.saturating_add(1)));
        }
    }
}

#[cfg(test)]
mod tests {
    use signals_core::delivery::ReceiverId;

    use super::super::super::sweeps::INTERVAL;
    use super::*;

    const LANE: ClaimLane = ClaimLane { lane: Lane { receiver: ReceiverId(1), version: 1 }, limit: 10 };

    fn start(floors: &Floors, now: Instant) -> i64 {
        floors.starts(&[LANE], now)[0]
    }

    fn other() -> ClaimLane {
        ClaimLane { lane: Lane { receiver: ReceiverId(2), version: 1 }, ..LANE }
    }

    fn look(floors: &Floors, now: Instant, last: i64, oldest: i64, own: i64) {
        let from = start(floors, now);
        floors.looked(LANE.lane, Looked { from, last, short: true, stole: false, oldest, own }, now);
    }

    /// S13: a floor rises to what was seen only when nobody runs any more who could have drawn a lower id.
    #[test]
    fn s13_a_floor_is_proven_when_all_who_could_be_below_it_have_ended() {
        let (floors, now) = (Floors::default(), Instant::now());
        look(&floors, now, 100, 40, 50);
        assert_eq!(start(&floors, now), 0, "a transaction below 50 may have drawn 99");
        look(&floors, now, 200, 49, 60);
        assert_eq!(start(&floors, now), 0, "49 is still running");
        look(&floors, now, 300, 50, 70);
        assert_eq!(start(&floors, now), 101, "up to what was seen first, and no further");
        look(&floors, now, 400, 80, 90);
        assert_eq!(start(&floors, now), 301);
    }

    #[test]
    fn a_claim_that_took_less_than_it_saw_raises_the_floor_to_where_it_ended() {
        let (floors, now) = (Floors::default(), Instant::now());
        look(&floors, now, 100, 40, 50);
        floors.looked(LANE.lane, Looked { from: 0, last: 30, short: false, stole: false, oldest: 50, own: 60 }, now);
        assert_eq!(start(&floors, now), 31);
    }

    #[test]
    fn behind_a_long_transaction_claims_begin_where_they_ended_a_second_ago() {
        let (floors, now) = (Floors::default(), Instant::now());
        look(&floors, now, 100, 1, 50);
        assert_eq!(start(&floors, now + TRAILING / 2), 0);
        let later = now + TRAILING;
        assert_eq!(start(&floors, later), 101);
        look(&floors, later, 200, 1, 70);
        look(&floors, later, 300, 80, 90);
        assert_eq!(start(&floors, later), 101, "begun above the proven floor it proves nothing");
        floors.looked(LANE.lane, Looked { from: 0, last: 400, short: true, stole: false, oldest: 80, own: 95 }, later);
        assert_eq!(start(&floors, later), 101, "a sweep does: up to 100, which was seen first");
    }

    #[test]
    fn l1_a_sweep_that_had_no_room_for_all_that_stands_below_is_followed_by_another() {
        let (floors, now) = (Floors::default(), Instant::now());
        look(&floors, now, 100, 40, 50);
        look(&floors, now, 200, 50, 60);
        assert_eq!(start(&floors, now), 101);
        let is_due_after = |last, short, stole| {
            floors.swept(&[LANE], now, Duration::from_millis(1));
            floors.looked(LANE.lane, Looked { from: 0, last, short, stole, oldest: 1, own: 70 }, now);
            floors.is_sweep_due(&[LANE], now)
        };
        assert!(is_due_after(99, false, false), "there may be more stragglers");
        assert!(is_due_after(300, false, true), "there may be more leases that have expired");
        assert!(!is_due_after(300, false, false), "what is left a claim from the floor finds");
        assert!(!is_due_after(99, true, true), "there was no more");
        assert!(is_due_after(99, false, true));
        floors.swept(&[LANE], now, Duration::from_millis(1));
        assert!(!floors.is_sweep_due(&[LANE], now), "the one that followed found nothing");
    }

    #[test]
    fn a_lane_is_swept_when_its_own_last_sweep_is_long_ago() {
        let (floors, now) = (Floors::default(), Instant::now());
        assert!(floors.is_sweep_due(&[LANE], now), "before anything is known");
        for _ in 0..4 {
            floors.swept(&[LANE], now, Duration::from_secs(7));
            floors.swept(&[other()], now, Duration::from_millis(2));
        }
        assert!(!floors.is_sweep_due(&[LANE], now + INTERVAL), "it takes long");
        assert!(floors.is_sweep_due(&[other()], now + INTERVAL), "what one lane costs is not waited for in another");
        floors.ask(now + INTERVAL / 2);
        assert!(floors.is_sweep_due(&[LANE], now + INTERVAL), "somebody wants to know of everything");
        floors.swept(&[LANE], now + INTERVAL, Duration::from_secs(7));
        assert!(!floors.is_sweep_due(&[LANE], now + INTERVAL), "it was told");
        floors.drop_all();
        assert!(floors.is_sweep_due(&[LANE], now) && start(&floors, now) == 0);
    }
}
