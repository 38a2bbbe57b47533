//! What is asked for, what is promised to sends, and whose turn it is.

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
    slots.hope(Instant::now());
    let wanted = slots.wanted(Instant::now()).expect("one is free");
    assert_eq!((wanted.lanes, wanted.limit), (vec![ClaimLane { lane: lane(1), limit: 1 }], 1));
}

/// A claim of everything that was asked, as from lanes without end, for `lanes` of `backlogged`.
fn fill(slots: &mut Slots, backlogged: impl Fn(i64) -> bool, next: &mut i64, now: Instant) {
    slots.hope(Instant::now());
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
    slots.hope(Instant::now());
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
    slots.hope(Instant::now());
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
    slots.hope(Instant::now());
    assert_eq!(slots.wanted(now + WINDOW * 3).map(|wanted| wanted.limit), Some(2), "what was fast long ago is not");
}

/// Slots whose lanes were asked and had nothing.
fn caught_up(total: usize, limits: &[(usize, bool)], now: Instant) -> Slots {
    let mut slots = slots(total, limits);
    let wanted = slots.wanted(now).expect("everything is free");
    slots.claimed(&wanted, vec![]);
    slots
}

#[test]
fn a_send_is_promised_no_more_than_could_start_at_once() {
    let now = Instant::now();
    let mut slots = caught_up(3, &[(2, false), (2, false)], now);
    let promised: Vec<_> = [0, 0, 0, 1, 1].map(|receiver| slots.promise(receiver, now).is_some()).into();
    assert_eq!(promised, [true, true, false, true, false], "two of a lane, three in all");
    slots.let_go(0);
    assert!(slots.promise(1, now).is_some(), "a place that was let go is free");
    assert!(slots.keep(1, claimed(1, 1), now));
    assert_eq!(slots.start_next().map(|(receiver, _)| receiver), Some(1));
    assert!(slots.promise(0, now).is_none(), "what runs takes a place");
}

#[test]
fn a_lane_that_turns_over_fast_is_promised_ahead() {
    let now = Instant::now();
    let mut slots = caught_up(1, &[(1, false)], now);
    for n in 0..10 {
        assert!(slots.promise(0, now).is_some() && slots.keep(0, claimed(0, n), now));
        slots.start_next().expect("a slot is free");
        slots.finished(0, now);
    }
    let promised = (0..20).filter(|_| slots.promise(0, now).is_some()).count();
    assert_eq!(promised, 10, "as many as it finishes in a window");
    assert!(slots.promise(0, now + WINDOW * 3).is_none(), "and none while it finishes nothing");
}

#[test]
fn l1_sends_do_not_pass_by_what_waits_to_be_claimed() {
    let now = Instant::now();
    let mut slots = slots(4, &[(4, false)]);
    assert!(slots.promise(0, now).is_none(), "nobody has looked yet");
    let wanted = slots.wanted(now).expect("four are free");
    slots.claimed(&wanted, (0..4).map(|n| claimed(0, n)).collect());
    for _ in 0..4 {
        slots.start_next().expect("a slot is free");
        slots.finished(0, now + WINDOW * 3);
    }
    assert!(slots.promise(0, now + WINDOW * 3).is_none(), "the claim took all it asked for: there may be more");
    let wanted = slots.wanted(now + WINDOW * 3).expect("four are free");
    slots.claimed(&wanted, vec![]);
    assert!(slots.promise(0, now + WINDOW * 3).is_some());
    let now = now + WINDOW * 3;
    slots.hope(now);
    assert!(slots.promise(0, now + UNSEEN).is_some(), "a claim is about to look");
    assert!(slots.promise(0, now + UNSEEN * 2).is_none(), "nobody has looked for long");
}

#[test]
fn what_a_send_claimed_waits_behind_what_is_fast_and_not_behind_what_is_slow() {
    let now = Instant::now();
    let mut slots = caught_up(1, &[(1, false)], now);
    for expected in [false, true] {
        slots.promise(0, now).expect("a place is free");
        slots.lanes[0].queue.push_back(claimed(0, 1));
        slots.start_next().expect("somebody else was sooner");
        if expected {
            slots.lanes[0].rate.count(now, 1);
        }
        assert_eq!(slots.keep(0, claimed(0, 2), now), expected);
        slots.running = 0;
        slots.lanes[0].running = 0;
    }
}

#[test]
fn l2_a_worker_that_stops_promises_and_takes_nothing_more() {
    let now = Instant::now();
    let mut slots = caught_up(2, &[(2, false)], now);
    assert!(slots.promise(0, now).is_some() && slots.promise(0, now).is_some());
    assert!(slots.keep(0, claimed(0, 1), now));
    assert_eq!(slots.close().len(), 1);
    assert!(!slots.keep(0, claimed(0, 2), now));
    assert!(slots.promise(0, now).is_none());
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
