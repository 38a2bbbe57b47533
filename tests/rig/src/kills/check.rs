//! Compares what was intended, what was done and what is stored. Pure: facts in, findings out.

use std::collections::{BTreeMap, BTreeSet};

use signals_runtime::delivery::State;

use super::app::{Order, RECEIVERS};
use super::facts::{Fact, Facts, Receiver};
use super::{leaving, recovery, robbery};

/// A promise that was broken, and by what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) promise: &'static str,
    pub(super) evidence: String,
}

/// Everything that is wrong.
pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let mut findings = Findings::default();
    let orders = sent_orders(facts, &mut findings);
    acknowledged_sends(facts, &orders, &mut findings);
    unknown_sends(facts, &orders, &mut findings);
    both_or_none(facts, &orders, &mut findings);
    settled(facts, &mut findings);
    effects(facts, &orders, &mut findings);
    starts(facts, &orders, &mut findings);
    refusals(facts, &mut findings);
    for late in recovery::late(facts) {
        findings.add("L1", late);
    }
    for robbed in robbery::judge(facts).found {
        findings.add("T9", robbed);
    }
    for late in leaving::late(facts) {
        findings.add("L2", late);
    }
    for surprise in &facts.surprises {
        findings.add("L2", surprise.clone());
    }
    if facts.integrity != "ok" {
        findings.add("integrity", facts.integrity.clone());
    }
    findings.0
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, promise: &'static str, evidence: String) {
        self.0.push(Finding { promise, evidence });
    }
}

/// The number of each signal.
type Orders = BTreeMap<i64, i64>;

/// S2: no order is booked twice.
fn sent_orders(facts: &Facts, findings: &mut Findings) -> Orders {
    let mut numbers = BTreeSet::new();
    for (number, signal) in &facts.orders {
        if !numbers.insert(number) {
            findings.add("S2", format!("order {number} is booked again, with signal {signal}"));
        }
    }
    facts.orders.iter().map(|(number, signal)| (*signal, *number)).collect()
}

/// I2: what a sender was told is stored, is; S1: what it was told is not, is not.
fn acknowledged_sends(facts: &Facts, orders: &Orders, findings: &mut Findings) {
    let booked: BTreeSet<i64> = orders.values().copied().collect();
    let mut stored = BTreeSet::new();
    for line in &facts.journal {
        match line.what.as_str() {
            "stored" | "repeated" => {
                stored.insert(line.number);
                if !booked.contains(&line.number) {
                    findings.add(
                        "I2",
                        format!("the send of order {} was acknowledged, and it is lost: {line:?}", line.number),
                    );
                }
            }
            _ => {}
        }
    }
    for line in facts.journal.iter().filter(|line| line.what == "refused") {
        if booked.contains(&line.number) && !stored.contains(&line.number) {
            findings.add("S1", format!("the send of order {} failed, and it is stored: {line:?}", line.number));
        }
    }
}

/// S2: a send whose outcome is unknown was repeated under its key, and then is stored.
fn unknown_sends(facts: &Facts, orders: &Orders, findings: &mut Findings) {
    let booked: BTreeSet<i64> = orders.values().copied().collect();
    let refused: BTreeSet<i64> =
        facts.journal.iter().filter(|line| line.what == "refused").map(|line| line.number).collect();
    let intents: BTreeSet<i64> =
        facts.journal.iter().filter(|line| line.what == "intent").map(|line| line.number).collect();
    for number in intents.iter().filter(|number| Order::is_keyed(**number)) {
        if !booked.contains(number) && !refused.contains(number) {
            findings.add("S2", format!("order {number} was repeated until it was stored, and it is not there"));
        }
    }
    for number in booked.difference(&intents) {
        findings.add("S2", format!("order {number} is stored, and nobody meant to send it"));
    }
}

/// I1: an order is booked if and only if both its deliveries exist.
fn both_or_none(facts: &Facts, orders: &Orders, findings: &mut Findings) {
    let mut receivers: BTreeMap<i64, Vec<Receiver>> = BTreeMap::new();
    for fact in &facts.deliveries {
        receivers.entry(fact.id.signal.0).or_default().push(fact.receiver);
    }
    for (signal, number) in orders {
        let found = receivers.remove(signal).unwrap_or_default();
        let kinds: BTreeSet<_> = found.iter().collect();
        if kinds.len() != RECEIVERS.len() || found.len() != RECEIVERS.len() {
            findings
                .add("I1", format!("order {number} is booked with signal {signal}, whose deliveries are {found:?}"));
        }
    }
    for (signal, found) in receivers {
        findings.add("I1", format!("signal {signal} has deliveries {found:?}, and no order is booked with it"));
    }
}

/// I2, L2: when all is over nothing waits and nothing is held.
fn settled(facts: &Facts, findings: &mut Findings) {
    for fact in facts.deliveries.iter().filter(|fact| !matches!(fact.state, State::Done | State::Dead)) {
        findings.add(if fact.state == State::Running { "L2" } else { "I2" }, format!("left behind: {fact:?}"));
    }
    for fact in facts.deliveries.iter().filter(|fact| is_lost(fact)) {
        findings.add("I2", format!("dead, though no nemesis killed it five times: {fact:?}"));
    }
}

/// Whether it is dead for another reason than five lost leases.
fn is_lost(fact: &Fact) -> bool {
    fact.state == State::Dead && fact.counters.lost_leases < signals_runtime::delivery::MAX_LOST_LEASES
}

/// I5: a row for each transactional delivery that is done, one for each; I3: an effect of each plain one.
fn effects(facts: &Facts, orders: &Orders, findings: &mut Findings) {
    let mut rows: BTreeMap<i64, usize> = BTreeMap::new();
    for number in &facts.rows {
        *rows.entry(*number).or_default() += 1;
    }
    let written: BTreeSet<i64> =
        facts.effects.iter().filter(|line| line.what == "plain-effect").map(|line| line.number).collect();
    for fact in &facts.deliveries {
        let Some(number) = orders.get(&fact.id.signal.0) else { continue };
        let done = fact.state == State::Done;
        match fact.receiver {
            Receiver::Transactional => {
                let found = rows.remove(number).unwrap_or_default();
                if found != usize::from(done) {
                    findings
                        .add("I5", format!("order {number} has {found} rows of its transactional receiver: {fact:?}"));
                }
            }
            Receiver::Plain if done && !written.contains(number) => {
                findings
                    .add("I3", format!("order {number} is done, and its receiver never wrote its effect: {fact:?}"));
            }
            Receiver::Plain => {}
        }
    }
    for (number, found) in rows {
        findings.add("I5", format!("{found} rows of a transactional receiver for order {number}, which was not sent"));
    }
}

/// I6: who is told that its outcome came too late has lost its lease. If not, another's stale one was accepted.
fn refusals(facts: &Facts, findings: &mut Findings) {
    let lost: BTreeSet<_> = facts.lost.iter().map(|lost| (lost.delivery, lost.incarnation)).collect();
    for refusal in &facts.refusals {
        if !lost.contains(&(refusal.delivery, refusal.incarnation)) {
            findings.add("I6", format!("{refusal:?}: its lease was never lost"));
        }
    }
}

/// I7, I8: every start has a claim of its own, and claims are counted.
fn starts(facts: &Facts, orders: &Orders, findings: &mut Findings) {
    let mut started: BTreeMap<(i64, Receiver), u32> = BTreeMap::new();
    for line in &facts.effects {
        let receiver = match line.what.as_str() {
            "plain" => Receiver::Plain,
            "transactional" => Receiver::Transactional,
            _ => continue,
        };
        *started.entry((line.number, receiver)).or_default() += 1;
    }
    for fact in &facts.deliveries {
        let Some(number) = orders.get(&fact.id.signal.0) else { continue };
        let starts = started.get(&(*number, fact.receiver)).copied().unwrap_or_default();
        let claims = fact.counters.attempt + fact.counters.lost_leases + fact.counters.refunds;
        if starts > claims {
            findings
                .add("I8", format!("order {number} started {starts} times, and was claimed {claims} times: {fact:?}"));
        }
    }
}

#[cfg(test)]
#[path = "check/tests.rs"]
mod tests;
