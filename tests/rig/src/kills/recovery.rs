//! L1: how long it took until a delivery that a dead or stopped worker held was started by another.
//!
//! The promise counts from the last renewal, which nobody outside can see, so from the kill; or from the moment the one
//! that recovers it was connected, whichever is later; and only while the database answers: a worker that is stopped inside
//! its transaction holds the write lock, and everybody stands still until it is continued. A worker that waited for the
//! lock tells so, and then may take as long again, or a lease after a long wait (docs/decisions/0012).

use std::collections::BTreeMap;
use std::time::Duration;

use signals_runtime::clock::micros;

use super::LEASE;
use super::facts::Facts;
use super::fleet::What;
use crate::Line;

/// What L1 allows beyond the lease.
const BEYOND: Duration = Duration::from_secs(1);

/// A silence of everybody as long as this, from the moment that a worker is stopped, means that it holds the lock.
const SILENCE: i64 = 300_000;

/// A delivery that changed hands: the order, when its worker was hit, and when it started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Change {
    number: i64,
    pid: u32,
    hit: i64,
    again: i64,
}

/// How long each recovery took, sorted.
pub(super) fn times(facts: &Facts) -> Vec<Duration> {
    let deaf = deaf(facts);
    let undisturbed = |change: &&Change| !deaf.iter().any(|(from, to)| change.hit < *to && *from < change.again);
    let mut times: Vec<Duration> = changes(facts)
        .iter()
        .filter(undisturbed)
        .map(|change| Duration::from_micros((change.again - change.hit).unsigned_abs()))
        .collect();
    times.sort_unstable();
    times
}

/// The recoveries that took longer than promised, in words.
pub(super) fn late(facts: &Facts) -> Vec<String> {
    let deaf = deaf(facts);
    let lives = lives(facts);
    let late = changes(facts).into_iter().filter_map(|change| {
        let by = lives
            .iter()
            .filter(|life| life.pid != change.pid)
            .filter_map(|life| Some(due(facts, &deaf, life, change.hit)).filter(|by| *by <= life.to));
        let by = by.min()?;
        let over = u64::try_from(change.again - by).ok().filter(|over| *over > 0).map(Duration::from_micros)?;
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
    let mut shut: Vec<(i64, i64)> = deaf.iter().copied().chain(waits).collect();
    shut.sort_unstable();
    for (begin, end) in shut.into_iter().filter(|(_, end)| *end > earliest) {
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

fn changes(facts: &Facts) -> Vec<Change> {
    let mut hits: BTreeMap<u32, Vec<i64>> = BTreeMap::new();
    for fate in facts.fates.iter().filter(|fate| matches!(fate.what, What::Killed | What::Stopped)) {
        hits.entry(fate.pid).or_default().push(fate.at);
    }
    let mut starts: BTreeMap<(i64, &str), Vec<&Line>> = BTreeMap::new();
    for line in facts.effects.iter().filter(|line| ["plain", "transactional"].contains(&line.what.as_str())) {
        starts.entry((line.number, line.what.as_str())).or_default().push(line);
    }
    let mut changes = Vec::new();
    for ((number, _), lines) in starts {
        for pair in lines.windows(2).filter(|pair| pair[0].pid != pair[1].pid) {
            let between = pair[0].at..pair[1].at;
            let hit = hits.get(&pair[0].pid).and_then(|hits| hits.iter().find(|at| between.contains(at)));
            changes.extend(hit.map(|hit| Change { number, pid: pair[0].pid, hit: *hit, again: pair[1].at }));
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::super::facts::{Connected, Waited};
    use super::super::fleet::Fate;
    use super::*;

    const SECOND: i64 = 1_000_000;
    const ALLOWED: i64 = 5 * SECOND;

    fn start(pid: u32, at: i64) -> Line {
        Line { what: "plain".to_owned(), number: 1, attempt: 1, at, pid }
    }

    fn fate(pid: u32, what: What, at: i64) -> Fate {
        Fate { pid, what, at }
    }

    /// Process 1 is killed at second 10; process 2 starts its delivery `after` that.
    fn recovered_after(after: i64) -> Facts {
        Facts {
            effects: vec![start(1, 9 * SECOND), start(2, 10 * SECOND + after)],
            fates: vec![fate(1, What::Killed, 10 * SECOND), fate(2, What::Spared, 60 * SECOND)],
            workers: vec![Connected { pid: 1, at: 0 }, Connected { pid: 2, at: SECOND }],
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
    fn l1_a_database_that_is_kept_shut_is_not_up() {
        let mut facts = recovered_after(ALLOWED + 5 * SECOND);
        facts.fates.extend([fate(3, What::Stopped, 11 * SECOND), fate(3, What::Continued, 15 * SECOND)]);
        assert_eq!(late(&facts), Vec::<String>::new());
        facts.effects.push(start(4, 13 * SECOND));
        assert_eq!(late(&facts).len(), 1, "somebody worked meanwhile");
    }
}
