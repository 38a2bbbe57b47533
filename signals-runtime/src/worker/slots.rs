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
        };
        Self {
            lanes: lanes.into_iter().map(lane).collect(),
            total,
            running: 0,
            exclusive_running: 0,
            claim_turn: 0,
            start_turn: 0,
        }
    }

    /// The lane of receiver number `receiver`, as the database has it now.
    pub(crate) fn set_lane(&mut self, receiver: usize, lane: Option<Lane>) {
        self.lanes[receiver].lane = lane;
    }

    /// Something may have become ready.
    pub(crate) fn hope(&mut self) {
        for lane in &mut self.lanes {
            lane.hopeful = true;
        }
    }

    /// What to claim now: what can start at once, plus what each lane has been finishing lately, so that fast receivers
    /// come in batches of hundreds and slow ones are never held waiting.
    pub(crate) fn wanted(&mut self, now: Instant) -> Option<Wanted> {
        let exclusive = self.exclusive_running;
        // What is queued takes slots only as far as its lane may start it. The rest was claimed ahead: counted too, one
        // fast lane's queue would keep every other lane from being asked.
        let promised: usize = self.lanes.iter().map(|lane| lane.queue.len().min(lane.open(exclusive))).sum();
        let free = (self.total - self.running).saturating_sub(promised);
        let turnover = self.lanes.iter_mut().any(|lane| lane.rate.per_window(now) > 0);
        let count = self.lanes.len();
        let mut wanted = Wanted { limit: free, ..Wanted::default() };
        for receiver in (0..count).map(|offset| (self.claim_turn + offset) % count) {
            let lane = &mut self.lanes[receiver];
            let Some(id) = lane.lane.filter(|_| lane.hopeful) else { continue };
            let startable = lane.open(exclusive).saturating_sub(lane.queue.len()).min(free);
            let room = lane.room_ahead(now, startable, turnover);
            if startable + room > 0 {
                lane.hopeful = false;
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
            if (full || cut_short)
                && let Some(receiver) = wanted.receiver_of(asked.lane)
            {
                self.lanes[receiver].hopeful = true;
            }
        }
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

    /// Takes everything that was claimed and not started.
    pub(crate) fn take_queued(&mut self) -> Vec<Claimed> {
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
mod tests {
    use std::sync::Arc;

    use signals_core::clock::Timestamp;
    use signals_core::delivery::{Counters, DeliveryId, ReceiverId, SignalId};
    use signals_core::store::{Held, StoredSignal};
    use signals_core::token::Token;

    use super::*;

    fn lane(receiver: i64) -> Lane {
        Lane { receiver: ReceiverId(receiver), version: 1 }
    }

    fn claimed(receiver: i64, position: i64) -> Claimed {
        let delivery = DeliveryId { signal: SignalId(position), receiver: ReceiverId(receiver) };
        let held = Held { delivery, lane: lane(receiver), position, life: 0, token: Token::from_bits(1) };
        let signal = StoredSignal {
            id: delivery.signal,
            name: "a".into(),
            version: 1,
            payload: Vec::new(),
            headers: Default::default(),
            sent_at: Timestamp::default(),
        };
        Claimed { held, counters: Counters::default().claimed(), signal: Arc::new(signal) }
    }

    fn slots(total: usize, limits: &[(usize, bool)]) -> Slots {
        let mut slots = Slots::new(total, limits.iter().map(|&(slots, exclusive)| LaneLimits { slots, exclusive }));
        for receiver in 0..limits.len() {
            slots.set_lane(receiver, Some(lane(receiver as i64)));
        }
        slots
    }

    #[test]
    fn w19_one_lane_never_takes_all_slots_unless_it_is_alone() {
        assert_eq!(
            [(16, 2), (16, 1), (1, 5), (2, 2), (3, 2)].map(|(n, lanes)| lane_share(n, 0.75, lanes)),
            [12, 16, 1, 2, 3]
        );
        let mut slots = slots(4, &[(3, false), (3, false)]);
        let wanted = slots.wanted(Instant::now()).expect("everything is free");
        slots.claimed(&wanted, (0..3).map(|n| claimed(0, n)).collect());
        while slots.start_next().is_some() {}
        assert_eq!(slots.running, 3);
        slots.hope();
        let wanted = slots.wanted(Instant::now()).expect("one is free");
        assert_eq!((wanted.lanes, wanted.limit), (vec![ClaimLane { lane: lane(1), limit: 1 }], 1));
    }

    /// A claim of everything that was asked, as from lanes without end, for `lanes` of `backlogged`.
    fn fill(slots: &mut Slots, backlogged: impl Fn(i64) -> bool, next: &mut i64, now: Instant) {
        slots.hope();
        if let Some(wanted) = slots.wanted(now) {
            let mut taken = Vec::new();
            for asked in wanted.lanes.iter().filter(|asked| backlogged(asked.lane.receiver.0)) {
                for _ in 0..asked.limit.min(wanted.limit - taken.len()) {
                    *next += 1;
                    taken.push(claimed(asked.lane.receiver.0, *next));
                }
            }
            slots.claimed(&wanted, taken);
        }
    }

    #[test]
    fn w19_lanes_with_a_backlog_share_the_slots_evenly() {
        for lanes in [2, 4, 6] {
            let mut slots = slots(1, &vec![(1, false); lanes]);
            let (mut next, mut starts) = (0, vec![0; lanes]);
            for _ in 0..600 {
                fill(&mut slots, |_| true, &mut next, Instant::now());
                let (receiver, _) = slots.start_next().expect("there is a backlog");
                starts[receiver] += 1;
                slots.finished(receiver, Instant::now());
            }
            let fair = 600 / lanes;
            assert!(starts.iter().all(|&starts| (fair / 2..fair * 2).contains(&starts)), "{starts:?}");
        }
    }

    #[test]
    fn w19_a_lane_that_is_claimed_far_ahead_keeps_no_other_waiting() {
        let mut slots = slots(4, &[(3, false), (3, false)]);
        let (mut next, now) = (0, Instant::now());
        // A fast lane alone, until hundreds of it are claimed ahead.
        for _ in 0..2_000 {
            fill(&mut slots, |lane| lane == 0, &mut next, now);
            let (receiver, _) = slots.start_next().expect("there is a backlog");
            slots.finished(receiver, now);
        }
        assert!(slots.lanes[0].queue.len() > 100);
        while slots.start_next().is_some() {}
        // Then another lane gets something, while the first goes on.
        fill(&mut slots, |_| true, &mut next, now);
        assert!(!slots.lanes[1].queue.is_empty(), "the other lane is asked");
        slots.finished(0, now);
        let started: Vec<usize> = std::iter::from_fn(|| slots.start_next()).map(|(receiver, _)| receiver).collect();
        assert!(started.contains(&1), "and gets a slot: {started:?}");
    }

    #[test]
    fn a_hint_during_a_claim_is_not_lost() {
        let mut slots = slots(4, &[(4, false)]);
        let now = Instant::now();
        let wanted = slots.wanted(now).expect("four are free");
        assert_eq!(slots.wanted(now), None, "it has been asked");
        slots.hope();
        slots.claimed(&wanted, vec![]);
        assert!(slots.wanted(now).is_some(), "what was committed after the claim had looked");
    }

    #[test]
    fn a_short_batch_waits_for_a_hint_and_a_full_one_does_not() {
        let mut slots = slots(4, &[(4, false)]);
        let now = Instant::now();
        let wanted = slots.wanted(now).expect("four are free");
        slots.claimed(&wanted, vec![claimed(0, 1)]);
        assert_eq!(slots.wanted(now), None);
        slots.hope();
        assert_eq!(slots.wanted(now).map(|wanted| wanted.limit), Some(3));
    }

    #[test]
    fn fast_lanes_are_claimed_ahead_by_what_they_finish() {
        let mut slots = slots(2, &[(2, false)]);
        let now = Instant::now();
        for n in 0..300 {
            slots.lanes[0].queue.push_back(claimed(0, n));
            let (receiver, _) = slots.start_next().expect("a slot is free");
            slots.finished(receiver, now);
        }
        assert_eq!(slots.wanted(now).map(|wanted| wanted.limit), Some(302));
        slots.hope();
        assert_eq!(slots.wanted(now + WINDOW * 3).map(|wanted| wanted.limit), Some(2), "what was fast long ago is not");
    }

    #[test]
    fn exclusive_lanes_run_one_at_a_time() {
        let mut slots = slots(8, &[(6, true), (6, true), (6, false)]);
        let wanted = slots.wanted(Instant::now()).expect("everything is free");
        assert_eq!(wanted.lanes.iter().map(|lane| lane.limit).collect::<Vec<_>>(), [1, 1, 6]);
        slots.claimed(&wanted, vec![claimed(0, 1), claimed(1, 2), claimed(2, 3)]);
        let started: Vec<usize> = std::iter::from_fn(|| slots.start_next()).map(|(receiver, _)| receiver).collect();
        assert_eq!(started.len(), 2, "{started:?}");
        let exclusive = started.into_iter().find(|&receiver| receiver < 2).expect("one of the two");
        slots.finished(exclusive, Instant::now());
        assert!(slots.start_next().is_some());
        assert!(slots.start_next().is_none());
    }
}
