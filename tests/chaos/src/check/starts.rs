//! When receivers start: no oftener than they were claimed, and not before they are due.

use std::collections::BTreeMap;

use signals_runtime::clock::micros;

use super::attempts::{Failed, failed};
use super::{Crashes, Findings};
use crate::Line;
use crate::app::{Order, PAUSE, asks_for_pause};
use crate::facts::{Facts, Receiver};

pub(super) fn check(facts: &Facts, findings: &mut Findings) {
    counted(facts, findings);
    early(facts, findings);
}

/// I7, I8: every start has a claim of its own, and claims are counted, but for those that a crash of the database took back.
fn counted(facts: &Facts, findings: &mut Findings) {
    let mut started: BTreeMap<(i64, Receiver), Vec<&Line>> = BTreeMap::new();
    for line in &facts.effects {
        let Some(receiver) = Receiver::that_starts(&line.what) else { continue };
        started.entry((line.number, receiver)).or_default().push(line);
    }
    let crashes = Crashes::of(facts);
    for fact in &facts.deliveries {
        let Some(number) = findings.number(fact.id) else { continue };
        let starts = started.remove(&(number, fact.receiver)).unwrap_or_default();
        let claims = (fact.counters.attempt + fact.counters.lost_leases + fact.counters.refunds) as usize;
        let taken_back = starts.iter().filter(|start| crashes.may_take_back_claim_of(start)).count();
        if starts.len() > claims + taken_back {
            let starts = starts.len();
            let evidence = format!("order {number} started {starts} times, and was claimed {claims} times: {fact:?}");
            findings.add("I8", Some(number), evidence);
        }
    }
}

/// I9: nothing starts before it was sent and its delay is over; T5: nor a further attempt before the one before it failed, and
/// the pause is over that this asked for.
fn early(facts: &Facts, findings: &mut Findings) {
    let mut sent: BTreeMap<i64, i64> = BTreeMap::new();
    for line in facts.journal.iter().filter(|line| line.what == "intent") {
        let at = sent.entry(line.number).or_insert(line.at);
        *at = line.at.min(*at);
    }
    let failed = failed(facts);
    for line in &facts.effects {
        let Some(receiver) = Receiver::that_starts(&line.what) else { continue };
        let due = sent.get(&line.number).map(|at| at + micros(Order::delay(line.number)));
        if let Some(due) = due.filter(|due| line.at < *due) {
            let early = due - line.at;
            findings.add("I9", Some(line.number), format!("it started {early} µs before it was due: {line:?}"));
        }
        if receiver == Receiver::Reluctant && line.attempt > 1 {
            retried(line, &failed, findings);
        }
    }
}

/// Judges the start of a further attempt.
fn retried(line: &Line, failed: &Failed, findings: &mut Findings) {
    let before = line.attempt - 1;
    let Some(at) = failed.get(&(line.number, before)) else {
        let evidence = format!("attempt {before} never failed, and was followed by another: {line:?}");
        return findings.add("T5", Some(line.number), evidence);
    };
    let due = if asks_for_pause(before) { at + micros(PAUSE) } else { *at };
    if line.at < due {
        let early = due - line.at;
        findings.add("I9", Some(line.number), format!("it was retried {early} µs too early: {line:?}"));
    }
}
