//! Which lane may run how much: pure arithmetic over slots, queues and rates. No clock of its own, no database.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use signals_core::delivery::Lane;
use signals_core::store::{ClaimLane, Claimed};

use super::rate::Rate;

/// Over how long the rate of a lane is looked at: what it finished in this time is what is claimed ahead.
const WINDOW: Duration = Duration::from_millis(100);

/// The most deliveries of a lane that are claimed ahead.
const MAX_AHEAD: usize = 1_000;

/// How long a lane in which something may wait has to be asked before sends pass it by.
const UNSEEN: Duration = Duration::from_millis(50);

/// The slots of one worker.
#[derive(Debug)]
pub(crate) struct Slots {
    lanes: Vec<LaneSlots>,
    total: usize,
    running: usize,
    /// How many run that shut out every other writer; at most one.
    exclusive_running: usize,
    /// Which lane is asked first next time, and which one starts first: two turns, or lanes would be skipped.
    claim_turn: usize,
    start_turn: usize,
    /// Whether nothing more is promised or queued: the worker stops.
    closed: bool,
}

/// How one receiver's lane may use them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LaneLimits {
    /// Attempts at once.
    pub(crate) slots: usize,
    /// Whether only one of all such lanes' attempts may run at a time.
    pub(crate) exclusive: bool,
}

#[derive(Debug)]
struct LaneSlots {
    /// `None` while the database does not know the receiver, or it is retired.
    lane: Option<Lane>,
    limits: LaneLimits,
    running: usize,
    queue: VecDeque<Claimed>,
    rate: Rate,
    /// Whether asking again may find something: set by hints, polls and full batches, cleared by being asked.
    hopeful: bool,
    /// Since when it has been hopeful.
    since: Option<Instant>,
    /// Whether the last claim left something behind, or none was answered yet.
    behind: bool,
    /// How many sends under way were promised a place.
    promised: usize,
}

/// What a claim should ask for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) lanes: Vec<ClaimLane>,
    pub(crate) limit: usize,
    /// The receiver of each lane that is asked.
    receivers: HashMap<Lane, usize>,
}

impl Wanted {
    /// The receiver of a delivery that a claim for this took.
    pub(crate) fn receiver_of(&self, lane: Lane) -> Option<usize> {
        self.receivers.get(&lane).copied()
    }
}

/// ¾ of `total` for a share of 0.75, rounded up, never less than one; everything when there is only one lane.
pub(crate) fn lane_share(total: usize, share: f64, lanes: usize) -> usize {
    if lanes <= 1 {
        return total;
    }
    ((total as f64 * share).ceil() as usize).clamp(1, total.max(1))
}

impl Slots {
    pub(crate) fn new(total: usize, lanes: impl IntoIterator<Item = LaneLimits>) -> Self {
        let lane = |limits| LaneSlots {
            lane: None,
            limits,
            running: 0,
            queue: VecDeque::new(),
            rate: Rate::over(WINDOW),
            hopeful: true,
            since: None,
            behind: true,
            promised: 0,
        };
        Self {
            lanes: lanes.into_iter().map(lane).collect(),
            total,
            running: 0,
            exclusive_running: 0,
            claim_turn: 0,
            start_turn: 0,
            closed: false,
        }
    }

    /// The lane of receiver number `receiver`, as the database has it now.
    pub(crate) fn set_lane(&mut self, receiver: usize, lane: Option<Lane>) {
        self.lanes[receiver].lane = lane;
    }

    /// Something may have become ready.
    pub(crate) fn hope(&mut self, now: Instant) {
        for lane in &mut self.lanes {
            lane.hopeful = true;
            lane.since.get_or_insert(now);
        }
    }

    /// What to claim now: what can start at once, plus what each lane has been finishing lately, so that fast receivers
    /// come in batches of hundreds and slow ones are never held waiting.
    pub(crate) fn wanted(&mut self, now: Instant) -> Option<Wanted> {
        let exclusive = self.exclusive_running;
        let free = self.free();
        let turnover = self.lanes.iter_mut().any(|lane| lane.rate.per_window(now) > 0);
        let count = self.lanes.len();
        let mut wanted = Wanted { limit: free, ..Wanted::default() };
        for receiver in (0..count).map(|offset| (self.claim_turn + offset) % count) {
            let lane = &mut self.lanes[receiver];
            let Some(id) = lane.lane.filter(|_| lane.hopeful) else { continue };
            let startable = lane.open(exclusive).saturating_sub(lane.queue.len()).min(free);
            let room = lane.room_ahead(now, startable, turnover);
            if startable + room > 0 {
                (lane.hopeful, lane.since) = (false, None);
                wanted.lanes.push(ClaimLane { lane: id, limit: startable + room });
                wanted.receivers.insert(id, receiver);
                wanted.limit += room;
            }
        }
        self.claim_turn = if count == 0 { 0 } else { (self.claim_turn + 1) % count };
        (wanted.limit > 0 && !wanted.lanes.is_empty()).then_some(wanted)
    }

    /// Queues what a claim for `wanted` took. A lane that gave less than was asked waits for the next hint or poll; one
    /// that gave all, or was cut short by the claim's own limit, is asked again.
    pub(crate) fn claimed(&mut self, wanted: &Wanted, claimed: Vec<Claimed>) {
        let cut_short = claimed.len() >= wanted.limit;
        let mut got: HashMap<Lane, usize> = HashMap::new();
        for claimed in claimed {
            if let Some(receiver) = wanted.receiver_of(claimed.held.lane) {
                *got.entry(claimed.held.lane).or_default() += 1;
                self.lanes[receiver].queue.push_back(claimed);
            }
        }
        for asked in &wanted.lanes {
            let full = got.get(&asked.lane).is_some_and(|got| *got >= asked.limit);
            if let Some(receiver) = wanted.receiver_of(asked.lane) {
                let lane = &mut self.lanes[receiver];
                lane.behind = full || cut_short;
                lane.hopeful |= lane.behind;
            }
        }
    }

    /// Promises a send a place for one delivery of this receiver, where it would be claimed at once: the lane, or `None` when
    /// there is no room, or somebody else may wait there.
    pub(crate) fn promise(&mut self, receiver: usize, now: Instant) -> Option<Lane> {
        let exclusive = self.exclusive_running;
        // As with queues: what a lane is promised ahead takes no slot.
        let taken = |lane: &LaneSlots| lane.promised.min(lane.open(exclusive).saturating_sub(lane.queue.len()));
        let free = self.free().saturating_sub(self.lanes.iter().map(taken).sum());
        let lane = &mut self.lanes[receiver];
        let unseen = lane.behind || lane.since.is_some_and(|since| now.saturating_duration_since(since) > UNSEEN);
        let (id, waiting) = (lane.lane?, lane.queue.len() + lane.promised);
        if self.closed || unseen || !lane.has_place(now, free, waiting, exclusive) {
            return None;
        }
        lane.promised += 1;
        Some(id)
    }

    /// A send to which a place was promised needs none.
    pub(crate) fn let_go(&mut self, receiver: usize) {
        self.lanes[receiver].promised -= 1;
    }

    /// Queues what a send claimed to which a place was promised; `false` when all are taken by now and none of them will soon be
    /// free: another worker may run it sooner.
    pub(crate) fn keep(&mut self, receiver: usize, claimed: Claimed, now: Instant) -> bool {
        let free = self.free();
        let lane = &mut self.lanes[receiver];
        lane.promised -= 1;
        let (waiting, is_its_lane) = (lane.queue.len(), lane.lane == Some(claimed.held.lane));
        let kept = !self.closed && is_its_lane && lane.has_place(now, free, waiting, self.exclusive_running);
        if kept {
            lane.queue.push_back(claimed);
        }
        kept
    }

    /// Whether sends are under way to which a place was promised.
    pub(crate) fn has_promised(&self) -> bool {
        self.lanes.iter().any(|lane| lane.promised > 0)
    }

    /// Slots that nothing runs in and nothing waits for. What is queued takes slots only as far as its lane may start it. The
    /// rest was claimed ahead: counted too, one fast lane's queue would keep every other lane from being asked.
    fn free(&self) -> usize {
        let taken = |lane: &LaneSlots| lane.queue.len().min(lane.open(self.exclusive_running));
        (self.total - self.running).saturating_sub(self.lanes.iter().map(taken).sum())
    }

    /// The next delivery that may start, lanes taking turns. Its slot is taken.
    pub(crate) fn start_next(&mut self) -> Option<(usize, Claimed)> {
        if self.running >= self.total {
            return None;
        }
        let count = self.lanes.len();
        for receiver in (0..count).map(|offset| (self.start_turn + offset) % count) {
            let lane = &mut self.lanes[receiver];
            if lane.open(self.exclusive_running) == 0 {
                continue;
            }
            if let Some(claimed) = lane.queue.pop_front() {
                lane.running += 1;
                self.running += 1;
                self.exclusive_running += usize::from(lane.limits.exclusive);
                self.start_turn = (receiver + 1) % count;
                return Some((receiver, claimed));
            }
        }
        None
    }

    /// The slot of a delivery of this receiver is free again.
    pub(crate) fn finished(&mut self, receiver: usize, now: Instant) {
        let lane = &mut self.lanes[receiver];
        lane.running -= 1;
        lane.rate.count(now, 1);
        self.running -= 1;
        self.exclusive_running -= usize::from(lane.limits.exclusive);
    }

    /// Takes everything that was claimed and not started, for good: nothing is promised or queued from here on.
    pub(crate) fn close(&mut self) -> Vec<Claimed> {
        self.closed = true;
        self.lanes.iter_mut().flat_map(|lane| lane.queue.drain(..)).collect()
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.running == 0 && self.lanes.iter().all(|lane| lane.queue.is_empty())
    }
}

impl LaneSlots {
    /// How many more of it may run at once, were all slots free.
    fn open(&self, exclusive_running: usize) -> usize {
        if self.limits.exclusive {
            1usize.saturating_sub(exclusive_running)
        } else {
            self.limits.slots.saturating_sub(self.running)
        }
    }

    /// Whether one more delivery beside the `waiting` ones may start at once, in one of the `free` slots, or soon: it is no
    /// more than what the lane finishes in one window.
    fn has_place(&mut self, now: Instant, free: usize, waiting: usize, exclusive_running: usize) -> bool {
        (free > 0 && waiting < self.open(exclusive_running)) || waiting < self.rate.per_window(now).min(MAX_AHEAD)
    }

    /// How many to claim beyond what can start: what it finishes in one window, and for an idle lane beside busy ones one,
    /// so that it is in the queue when a slot becomes free.
    fn room_ahead(&mut self, now: Instant, startable: usize, turnover: bool) -> usize {
        let next = usize::from(turnover && self.running == 0 && self.queue.is_empty() && startable == 0);
        let ahead = self.rate.per_window(now).min(MAX_AHEAD).max(next);
        let room = ahead.saturating_sub(self.queue.len());
        // Claiming ahead waits until half of it is used up, or every finished delivery would cost a statement.
        if room * 2 >= ahead || startable > 0 { room } else { 0 }
    }
}

#[cfg(test)]
mod tests;
