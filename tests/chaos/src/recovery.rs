//! L1: how long it took until a delivery that a dead or stopped worker held was taken over by another.
//!
//! The promise counts from the last renewal, which is seen in the database when the worker is hit, or from the connection
//! of the worker that must take it over, whichever is later. It is excused for
//!
//! - what keeps everybody from writing where there is one writer (see [`silence`]), or the campaign from reading, a worker's
//!   own wait for the lock or for the machine, as long as it told, and an outage of its database: then it may take as long
//!   again, or a lease after a long wait (docs/decisions/0012); of a worker that lost its database nothing is expected before
//!   it is connected again;
//! - a slot (see [`slots`]): of those that may kill their worker, and where there is one writer of transactional deliveries, a
//!   worker runs one at a time. One of them may be running, and those that are due as early may be in front, each for as long as
//!   its time-out and the wait of its BEGIN that was told. Of the others it runs twelve at a time, which excuses where it took over
//!   twelve in front.
//!
//! The longer interval of sweeps, which L1 allows while something pins the horizon, is no excuse here: too few rows die for a
//! sweep to take long, and a stopped worker that pins it is counted (`pinned_looks`) and delays nobody.

mod slots;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use signals_runtime::clock::micros;
use signals_runtime::delivery::DeliveryId;

use crate::LEASE;
use crate::app::LONG;
use crate::facts::{Facts, Lost};
use crate::member::What;
use crate::nemesis::Ill;
use crate::silence;
use crate::told::Connected;
use slots::{Needs, Wait};

/// What L1 allows beyond the lease.
pub(crate) const BEYOND: Duration = Duration::from_secs(1);

/// A wait for the lock that is shorter is not told.
pub(crate) const UNTOLD: i64 = 500_000;

/// A delivery that changed hands: when its worker was hit, when it had renewed last, and when another took it over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Change {
    lost: Lost,
    hit: i64,
    renewed: i64,
    needs: Needs,
    /// Who took it over, as it told; `None`: nobody did, or who did was killed first.
    taker: Option<u32>,
}

/// How long recoveries took, sorted.
#[derive(Debug, Default)]
pub(crate) struct Times {
    /// From the kill or the stop, all of them.
    pub(crate) raw: Vec<Duration>,
    /// As L1 counts, those that nothing excuses: no slot that they may have waited for, no wait for the lock.
    pub(crate) clean: Vec<Duration>,
    /// How many of these were not of the last act.
    pub(crate) clean_in_storm: usize,
    /// As L1 counts, all others.
    pub(crate) excused: Vec<Duration>,
}

/// How long each recovery took.
pub(crate) fn times(facts: &Facts) -> Times {
    let (mut patience, lives) = (Waits::of(facts), lives(facts));
    let last_act = facts.books.orders.iter().filter(|(number, _)| *number >= LONG);
    let last_act: BTreeSet<i64> = last_act.map(|(_, signal)| *signal).collect();
    let mut times = Times::default();
    let changes = changes(facts);
    for change in &changes {
        times.raw.push(span(change.hit, change.lost.at));
        let through = lives.iter().filter(|life| life.pid != change.lost.pid && life.to >= change.lost.at);
        let Some(oldest) = through.min_by_key(|life| life.from) else { continue };
        let from = oldest.from.max(change.renewed);
        let undisturbed = patience
            .of_process(oldest.pid)
            .iter()
            .all(|(begin, end)| *end <= from - micros(LEASE) || *begin >= change.lost.at);
        if from >= change.lost.at {
            continue;
        }
        // However soon it was taken over: were only the late left out, what is left would always be in time.
        if undisturbed && !change.needs.one() && !slots::is_crowded(&changes, change) {
            times.clean.push(span(from, change.lost.at));
            times.clean_in_storm += usize::from(!last_act.contains(&change.lost.delivery.signal.0));
        } else {
            times.excused.push(span(from, change.lost.at));
        }
    }
    for times in [&mut times.raw, &mut times.clean, &mut times.excused] {
        times.sort_unstable();
    }
    times
}

fn span(from: i64, to: i64) -> Duration {
    Duration::from_micros(u64::try_from(to - from).unwrap_or_default())
}

/// The recoveries that took longer than promised, in words.
pub(crate) fn late(facts: &Facts) -> Vec<(DeliveryId, String)> {
    let (mut patience, lives, changes) = (Waits::of(facts), lives(facts), changes(facts));
    let mut late = Vec::new();
    for change in &changes {
        let heirs = lives.iter().filter(|life| {
            // Whoever came afterwards, or was gone before, owes nothing.
            life.pid != change.lost.pid && life.from < change.lost.at && life.to > change.renewed
        });
        let due = heirs.filter_map(|life| {
            let waits = patience.of_process(life.pid);
            let asked = due(waits, life, change.renewed, 0);
            let asks = |other: &Change| due(waits, life, other.renewed, 0);
            let is_late = asked < change.lost.at;
            let slot =
                if is_late { slots::wait(facts, &changes, change, (life.pid, asked), asks) } else { Wait::default() };
            // Whoever was gone before then owes nothing.
            let owes = due(waits, life, change.renewed, slot.longest) <= life.to;
            owes.then(|| (due(waits, life, change.renewed, slot.allowed), life.pid))
        });
        let Some((by, heir)) = due.min() else { continue };
        if change.lost.at > by {
            let over = span(by, change.lost.at);
            late.push((change.lost.delivery, format!("{over:?} late, process {heir} could have: {change:?}")));
        }
    }
    late
}

/// By when `life` must have recovered what was `renewed` then for the last time, and needs so long for its slot, in the course
/// of events as they were.
fn due(waits: &[(i64, i64)], life: &Life, renewed: i64, slot: i64) -> i64 {
    let mut from = renewed.max(life.from);
    let earliest = from - micros(LEASE);
    let promised = micros(LEASE + BEYOND) + slot;
    let mut allowed = promised;
    let long = micros(LEASE / 3);
    for (begin, end) in waits.iter().copied().filter(|(_, end)| *end > earliest) {
        if begin >= from + allowed {
            break;
        }
        if end - begin > long {
            // What it waits for next, and does not tell, begins its lease without stealing again.
            from = from.max(end + UNTOLD);
        } else {
            allowed = allowed.max(promised + end - begin);
        }
    }
    from + allowed
}

/// When processes could not go on: for the lock or the machine, as they told, for a database out of reach, or since nobody
/// could.
pub(crate) struct Waits<'f> {
    facts: &'f Facts,
    everybodys: Vec<(i64, i64)>,
    known: BTreeMap<u32, Vec<(i64, i64)>>,
}

impl<'f> Waits<'f> {
    pub(crate) fn of(facts: &'f Facts) -> Self {
        let outages = facts.outages.iter().filter(|outage| outage.pid.is_none());
        // Where many write, silence is no lock that somebody holds: it is for the workers to explain.
        let mut everybodys = if facts.one_writer { silence::spans(facts) } else { Vec::new() };
        everybodys.extend(outages.map(|outage| (outage.from, outage.to)));
        everybodys.extend(kept_waiting(facts));
        Self { facts, everybodys, known: BTreeMap::new() }
    }

    /// Those of process `pid`.
    pub(crate) fn of_process(&mut self, pid: u32) -> &[(i64, i64)] {
        if !self.known.contains_key(&pid) {
            let starved = self.facts.starved.iter().filter(|gap| gap.pid == pid);
            let starved = starved.map(|gap| (gap.until - gap.lasted, gap.until));
            let all = merged(self.but_for_the_machine(pid).into_iter().chain(starved));
            self.known.insert(pid, all);
        }
        &self.known[&pid]
    }

    /// Those that process `pid` can call its own, but for the machine's: it waited, or its own way was cut.
    pub(crate) fn own(&self, pid: u32) -> Vec<(i64, i64)> {
        merged(self.told_by(pid).chain(self.cuts_of(pid)))
    }

    /// Those of process `pid` that were not the machine's fault.
    pub(crate) fn but_for_the_machine(&self, pid: u32) -> Vec<(i64, i64)> {
        merged(self.everybodys.iter().copied().chain(self.told_by(pid)).chain(self.cuts_of(pid)))
    }

    fn told_by(&self, pid: u32) -> impl Iterator<Item = (i64, i64)> {
        let told = self.facts.waits.iter().filter(move |wait| wait.pid == pid);
        told.map(|wait| (wait.until - wait.lasted, wait.until))
    }

    fn cuts_of(&self, pid: u32) -> impl Iterator<Item = (i64, i64)> {
        let outages = self.facts.outages.iter().filter(move |outage| outage.pid == Some(pid));
        outages.map(|outage| (outage.from, outage.to))
    }
}

/// When the campaign's own look at the database took long, though nothing was done to that: the machine kept everybody waiting.
pub(crate) fn kept_waiting(facts: &Facts) -> Vec<(i64, i64)> {
    let is_ill = |&(from, to): &(i64, i64)| {
        facts.outages.iter().any(|outage| outage.pid.is_none() && outage.from < to && outage.to > from)
    };
    facts.leases.slow().iter().copied().filter(|look| !is_ill(look)).collect()
}

/// Spans in their order; those that are closer than [`UNTOLD`] are one. A keeper waits twice for each renewal, and is late by
/// the sum.
pub(crate) fn merged(spans: impl Iterator<Item = (i64, i64)>) -> Vec<(i64, i64)> {
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
    for connected in facts.workers.iter().filter(|connected| !is_doomed(facts, connected)) {
        let mut from = Some(connected.at);
        for fate in facts.fates.iter().filter(|fate| fate.pid == connected.pid && fate.at >= connected.at) {
            match fate.what {
                What::Continued => from = Some(fate.at),
                What::Killed | What::Stopped | What::Cut | What::Asked | What::Ended | What::Felled | What::Spared => {
                    lives.extend(from.take().map(|from| Life { pid: connected.pid, from, to: fate.at }));
                }
            }
            if fate.what.is_an_end() {
                break;
            }
        }
    }
    lives
}

/// Whether the session that was connected then had been told to end: the server ended it after the answer, its keeper heard of that
/// when it renewed for the first time, and was connected anew.
fn is_doomed(facts: &Facts, connected: &Connected) -> bool {
    let ended = facts.outages.iter().filter(|outage| outage.ill == Ill::Terminate && outage.from <= connected.at);
    let anew = connected.at + 1..connected.at + micros(LEASE / 3 + LEASE / 4 + BEYOND);
    ended.map(|outage| outage.to).any(|to| connected.at - to < UNTOLD)
        && facts.workers.iter().any(|again| again.pid == connected.pid && anew.contains(&again.at))
}

/// When the holder of a lease was killed or stopped, if it was before it lost the lease.
pub(crate) fn hit(facts: &Facts, lost: &Lost) -> Option<i64> {
    let own = || facts.fates.iter().filter(|fate| fate.pid == lost.pid && fate.at < lost.at);
    // The number of a process is given again: what became of one that had it before is not its own.
    let enlisted = facts.workers.iter().find(|worker| (worker.pid, worker.incarnation) == (lost.pid, lost.incarnation));
    let enlisted = enlisted.map_or(i64::MIN, |worker| worker.at);
    let earlier = own().filter(|fate| fate.what.is_an_end() && fate.at < enlisted).map(|fate| fate.at).max();
    let mut hits = own()
        .filter(|fate| matches!(fate.what, What::Killed | What::Stopped) && earlier.is_none_or(|end| fate.at > end));
    // A zombie that was stopped and is killed before it wakes was gone from the first on.
    hits.next().map(|fate| fate.at)
}

/// The leases whose holder was hit before they were taken over.
fn changes(facts: &Facts) -> Vec<Change> {
    let renewed = |lost: &Lost, hit| {
        let seen = facts.leases.until(lost.delivery, lost.incarnation);
        // One that was never seen was taken by a claim that was on its way when its worker was hit.
        seen.map_or(hit, |until| until - micros(LEASE))
    };
    let change = |lost: &Lost| {
        let hit = hit(facts, lost)?;
        let needs = Needs::of(lost, facts.one_writer);
        let told = facts.stolen.iter().filter(|stolen| stolen.delivery == lost.delivery && stolen.at >= lost.at);
        let taker = told.filter(|stolen| stolen.at - lost.at < micros(LEASE)).min_by_key(|stolen| stolen.at);
        Some(Change { lost: *lost, hit, renewed: renewed(lost, hit), needs, taker: taker.map(|stolen| stolen.pid) })
    };
    facts.lost.iter().filter_map(change).collect()
}

#[cfg(test)]
#[path = "recovery/tests.rs"]
mod tests;
