//! What fails is tried again, is dead after exactly its attempts, and its neighbours know nothing of that.

use std::collections::BTreeMap;

use signals_runtime::delivery::{MAX_LOST_LEASES, State};
use signals_runtime::store::DeathReason;

use super::Findings;
use crate::app::{ATTEMPTS, Order};
use crate::facts::{Fact, Facts, Receiver};

/// By order and attempt, when its reluctant receiver wrote first that it fails.
pub(super) type Failed = BTreeMap<(i64, u32), i64>;

pub(super) fn failed(facts: &Facts) -> Failed {
    let mut failed = Failed::new();
    for line in facts.effects.iter().filter(|line| line.what == "reluctant-fails") {
        let at = failed.entry((line.number, line.attempt)).or_insert(line.at);
        *at = line.at.min(*at);
    }
    failed
}

pub(super) fn check(facts: &Facts, findings: &mut Findings) {
    let failed = failed(facts);
    for fact in &facts.deliveries {
        let Some(number) = findings.number(fact.id) else { continue };
        match fact.receiver {
            Receiver::Reluctant => {
                if let Some(evidence) = wrong(fact, number, &failed) {
                    findings.add("T5", Some(number), evidence);
                }
            }
            // Nothing that it does fails, and what it loses with a process costs no attempt.
            Receiver::Plain if fact.counters.attempt > 1 => {
                findings.add("I10", Some(number), format!("order {number} paid for another's failure: {fact:?}"));
            }
            Receiver::Plain | Receiver::Transactional => {}
        }
    }
}

/// T5: what is wrong with the end of a delivery that failed as often as its order says, and as its receiver wrote.
fn wrong(fact: &Fact, number: i64, failed: &Failed) -> Option<String> {
    if fact.counters.lost_leases >= MAX_LOST_LEASES {
        return None;
    }
    let fails = Order::failures(number);
    let end = if fails < ATTEMPTS {
        (State::Done, None, fails + 1)
    } else {
        (State::Dead, Some(DeathReason::Exhausted), ATTEMPTS)
    };
    if (fact.state, fact.death, fact.counters.attempt) != end {
        return Some(format!("order {number} fails {fails} times, and must end as {end:?}: {fact:?}"));
    }
    let mut counted = 1..=fails;
    let unheard = counted.find(|attempt| !failed.contains_key(&(number, *attempt)))?;
    Some(format!("attempt {unheard} of order {number} was counted, and its receiver never failed in it: {fact:?}"))
}
