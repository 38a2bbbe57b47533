//! L1: how long it took until a delivery that a dead or stopped worker held was taken over by another.
//!
//! The promise counts from the last renewal, which nobody outside can see, so from the kill; or from the moment the one
//! that recovers it was connected, whichever is later; and only while the database answers: a worker that is stopped inside
//! its transaction holds the write lock, and everybody stands still until it is continued. A worker that waited for the
//! lock tells so, and then may take as long again, or a lease after a long wait (docs/decisions/0012).

use std::time::Duration;

use signals_runtime::clock::micros;

use super::LEASE;
use super::facts::{Facts, Lost, Receiver};
use super::fleet::What;

/// What L1 allows beyond the lease.
const BEYOND: Duration = Duration::from_secs(1);

/// A wait for the lock that is shorter is not told.
const UNTOLD: i64 = 500_000;

/// A silence of everybody as long as this, from the moment that a worker is stopped, means that it holds the lock.
const SILENCE: i64 = 300_000;

/// A delivery that changed hands: when its worker was hit, and when another took it over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Change {
    lost: Lost,
    hit: i64,
}

/// How long each recovery took, sorted.
pub(super) fn times(facts: &Facts) -> Vec<Duration> {
    let deaf = deaf(facts);
    let undisturbed = |change: &&Change| !deaf.iter().any(|(from, to)| change.hit < *to && *from < change.lost.at);
    let mut times: Vec<Duration> = changes(facts)
        .iter()
        .filter(undisturbed)
        .map(|change| Duration::from_micros((change.lost.at - change.hit).unsigned_abs()))
        .collect();
    times.sort_unstable();
    times
}

/// The recoveries that took longer than promised, in words.
pub(super) fn late(facts: &Facts) -> Vec<String> {
    let deaf = deaf(facts);
    let lives = lives(facts);
    // L1 is within the limits set: what has lost a lease before is taken over when no other such is held, and a
    // transactional delivery when the one slot is free that a worker has for all of them.
    let owed = |change: &Change| !change.lost.again && change.lost.receiver == Receiver::Plain;
    let late = changes(facts).into_iter().filter(owed).filter_map(|change| {
        let by = lives
            .iter()
            .filter(|life| life.pid != change.lost.pid)
            .filter_map(|life| Some(due(facts, &deaf, life, change.hit)).filter(|by| *by <= life.to));
        let by = by.min()?;
        let over = u64::try_from(change.lost.at - by).ok().filter(|over| *over > 0).map(Duration::from_micros)?;
        Some(format!("{over:?} late: {change:?}"))
    });
    late.collect()
}

/// By when `life` must have recovered what was lost at `hit`, in the course of events as they were.
fn due(facts: &Facts, deaf: &[(i64, i64)], life: &Life, hit: i64) -> i64 {
    let mut from = hit.max(life.from);
    let earliest = from - micros(LEASE);
    let mut allowed = micros(LEASE + BEYOND);
    let long = micros(LEASE / 3);
    let waits =
        facts.waits.iter().filter(|wait| wait.pid == life.pid).map(|wait| (wait.until - wait.lasted, wait.until));
    for (begin, end) in merged(deaf.iter().copied().chain(waits)).into_iter().filter(|(_, end)| *end > earliest) {
        if begin >= from + allowed {
            break;
        }
        if end - begin > long {
            from = from.max(end);
        } else {
            allowed = allowed.max(micros(LEASE + BEYOND) + end - begin);
        }
    }
    from + allowed
}

/// Spans in their order; those that are closer than [`UNTOLD`] are one. A keeper waits twice for each renewal, and is late by
/// the sum.
fn merged(spans: impl Iterator<Item = (i64, i64)>) -> Vec<(i64, i64)> {
    let mut spans: Vec<(i64, i64)> = spans.collect();
    spans.sort_unstable();
    let mut merged: Vec<(i64, i64)> = Vec::new();
    for (begin, end) in spans {
        match merged.last_mut() {
            Some(last) if begin <= last.1 + UNTOLD => last.1 = last.1.max(end),
            _ => merged.push((begin, end)),
        }
    }
    merged
}

/// A worker while it is connected and not stopped.
struct Life {
    pid: u32,
    from: i64,
    to: i64,
}

/// Each worker from its connection, or its continuation, to the next thing that happened to it.
fn lives(facts: &Facts) -> Vec<Life> {
    let mut lives = Vec::new();
    for connected in &facts.workers {
        let mut from = Some(connected.at);
        for fate in facts.fates.iter().filter(|fate| fate.pid == connected.pid && fate.at >= connected.at) {
            match fate.what {
                What::Continued => from = Some(fate.at),
                What::Killed | What::Stopped | What::Asked | What::Spared => {
                    lives.extend(from.take().map(|from| Life { pid: connected.pid, from, to: fate.at }));
                }
            }
        }
    }
    lives
}

/// When a stopped worker kept everybody from writing: nobody started anything while it was stopped.
fn deaf(facts: &Facts) -> Vec<(i64, i64)> {
    let mut deaf = Vec::new();
    for (at, stopped) in facts.fates.iter().enumerate().filter(|(_, fate)| fate.what == What::Stopped) {
        let end = facts.fates[at..].iter().find(|fate| fate.pid == stopped.pid && fate.what != What::Stopped);
        let Some(end) = end else { continue };
        let heard = facts.effects.iter().any(|line| line.at > stopped.at + SILENCE && line.at < end.at);
        if !heard && end.at > stopped.at + SILENCE {
            deaf.push((stopped.at, end.at));
        }
    }
    deaf
}

/// The leases whose holder was hit before they were taken over.
fn changes(facts: &Facts) -> Vec<Change> {
    let hit = |lost: &Lost| {
        let fates = facts.fates.iter().filter(|fate| fate.pid == lost.pid && fate.at < lost.at);
        let mut hits = fates.filter(|fate| matches!(fate.what, What::Killed | What::Stopped));
        // A zombie that was stopped and is killed before it wakes was gone from the first on.
        hits.next().map(|fate| fate.at)
    };
    facts.lost.iter().filter_map(|lost| Some(Change { lost: *lost, hit: hit(lost)? })).collect()
}

/// How many leases were lost by workers that nothing had happened to.
pub(super) fn robbed(facts: &Facts) -> usize {
    facts.lost.len() - changes(facts).len()
}

#[cfg(test)]
mod tests {
    use signals_runtime::delivery::{DeliveryId, ReceiverId, SignalId};

    use super::super::facts::{Connected, Waited};
    use super::super::fleet::Fate;
    use super::*;
    use crate::Line;

    const SECOND: i64 = 1_000_000;
    const ALLOWED: i64 = 5 * SECOND;

    fn start(pid: u32, at: i64) -> Line {
        Line { what: "plain".to_owned(), number: 1, attempt: 1, at, pid }
    }

    fn lost(pid: u32, at: i64) -> Lost {
        let delivery = DeliveryId { signal: SignalId(1), receiver: ReceiverId(1) };
        Lost { delivery, receiver: Receiver::Plain, pid, incarnation: pid, at, again: false }
    }

    fn connected(pid: u32, at: i64) -> Connected {
        Connected { pid, incarnation: pid, at }
    }

    fn fate(pid: u32, what: What, at: i64) -> Fate {
        Fate { pid, what, at }
    }

    /// Process 1 is killed at second 10; process 2 takes its delivery over `after` that.
    fn recovered_after(after: i64) -> Facts {
        Facts {
            lost: vec![lost(1, 10 * SECOND + after)],
            fates: vec![fate(1, What::Killed, 10 * SECOND), fate(2, What::Spared, 60 * SECOND)],
            workers: vec![connected(1, 0), connected(2, SECOND)],
            ..Facts::default()
        }
    }

    #[test]
    fn l1_a_recovery_within_the_lease_and_a_second_is_in_time() {
        let facts = recovered_after(ALLOWED);
        assert_eq!((late(&facts), times(&facts)), (vec![], vec![LEASE + BEYOND]));
        let late = late(&recovered_after(ALLOWED + 1));
        assert!(late.len() == 1 && late[0].contains("1µs late"), "{late:?}");
    }

    #[test]
    fn l1_who_was_not_connected_for_that_long_owes_nothing() {
        let mut facts = recovered_after(ALLOWED + 2 * SECOND);
        facts.workers[1].at = 12 * SECOND;
        assert_eq!(late(&facts), Vec::<String>::new());
        facts.workers[1].at = 11 * SECOND;
        assert_eq!(late(&facts).len(), 1);
        facts.fates[1].at = 15 * SECOND;
        assert_eq!(late(&facts), Vec::<String>::new(), "it was gone before it was due");
    }

    #[test]
    fn l1_what_waits_for_a_slot_is_not_late() {
        let mut facts = recovered_after(ALLOWED + 1);
        facts.lost[0].receiver = Receiver::Transactional;
        assert_eq!((late(&facts).len(), times(&facts).len()), (0, 1));
        facts.lost[0] = Lost { again: true, receiver: Receiver::Plain, ..facts.lost[0] };
        assert_eq!(late(&facts).len(), 0);
    }

    #[test]
    fn t9_a_lease_lost_by_somebody_unhurt_is_robbed_and_no_recovery() {
        let mut facts = recovered_after(SECOND);
        facts.lost.push(lost(2, 20 * SECOND));
        assert_eq!((robbed(&facts), times(&facts).len()), (1, 1));
    }

    #[test]
    fn l1_who_waited_for_the_lock_may_take_as_long_again_and_no_longer() {
        let waited = |pid, lasted, late| {
            let mut facts = recovered_after(ALLOWED + late);
            facts.waits.push(Waited { pid, until: 12 * SECOND, lasted });
            super::late(&facts).len()
        };
        assert_eq!([waited(2, SECOND, SECOND), waited(2, SECOND, SECOND + 1), waited(3, SECOND, 1)], [0, 1, 1]);
        assert_eq!([waited(2, 2 * SECOND, 2 * SECOND), waited(2, 2 * SECOND, 2 * SECOND + 1)], [0, 1], "a long one");
    }

    #[test]
    fn waits_one_after_the_other_are_one() {
        let spans = [(900_000, 1_000_000), (0, 400_000), (100_000, 300_000), (2_000_000, 2_100_000)];
        assert_eq!(merged(spans.into_iter()), [(0, 1_000_000), (2_000_000, 2_100_000)]);
    }

    #[test]
    fn l1_a_database_that_is_kept_shut_is_not_up() {
        let mut facts = recovered_after(ALLOWED + 5 * SECOND);
        facts.fates.extend([fate(3, What::Stopped, 11 * SECOND), fate(3, What::Continued, 15 * SECOND)]);
        assert_eq!(late(&facts), Vec::<String>::new());
        facts.effects.push(start(4, 13 * SECOND));
        assert_eq!(late(&facts).len(), 1, "somebody worked meanwhile");
    }
}
