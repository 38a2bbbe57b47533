//! What was sent: stored as its sender was told, whole, and once.

use std::collections::{BTreeMap, BTreeSet};

use super::Findings;
use crate::app::{Order, RECEIVERS};
use crate::facts::{Facts, Receiver};
use crate::sender::open_intents;

pub(super) fn check(facts: &Facts, findings: &mut Findings) {
    booked_once(facts, findings);
    let booked: BTreeSet<i64> = facts.books.orders.iter().map(|(number, _)| *number).collect();
    told(facts, &booked, findings);
    unknown(facts, &booked, findings);
    all_or_none(facts, findings);
}

/// S2: no order is booked twice.
fn booked_once(facts: &Facts, findings: &mut Findings) {
    let mut numbers = BTreeSet::new();
    for (number, signal) in &facts.books.orders {
        if !numbers.insert(number) {
            findings.add("S2", Some(*number), format!("order {number} is booked again, with signal {signal}"));
        }
    }
}

/// I2: what a sender was told is stored, is; S1: what it was told each time is not, is not.
fn told(facts: &Facts, booked: &BTreeSet<i64>, findings: &mut Findings) {
    let open = open_intents(&facts.journal);
    let mut stored = BTreeSet::new();
    for line in facts.journal.iter().filter(|line| ["stored", "repeated"].contains(&&*line.what)) {
        if stored.insert(line.number) && !booked.contains(&line.number) {
            let evidence = format!("the send of order {} was acknowledged, and it is lost: {line:?}", line.number);
            findings.add("I2", Some(line.number), evidence);
        }
    }
    for line in facts.journal.iter().filter(|line| line.what == "refused") {
        let is_known = !stored.contains(&line.number) && !open.contains(&line.number);
        if is_known && booked.contains(&line.number) {
            let evidence = format!("the send of order {} failed, and it is stored: {line:?}", line.number);
            findings.add("S1", Some(line.number), evidence);
        }
    }
}

/// How many orders were stored, as their senders were told, and are not there.
pub(super) fn lost(facts: &Facts) -> usize {
    let booked: BTreeSet<i64> = facts.books.orders.iter().map(|(number, _)| *number).collect();
    let told = facts.journal.iter().filter(|line| ["stored", "repeated"].contains(&&*line.what));
    let told: BTreeSet<i64> = told.map(|line| line.number).collect();
    told.difference(&booked).count()
}

/// How many deliveries of booked orders are not there: pairs of an order and a receiver.
pub(super) fn vanished(facts: &Facts) -> usize {
    let there: BTreeSet<_> = facts.deliveries.iter().map(|fact| (fact.id.signal.0, fact.receiver)).collect();
    let booked: BTreeSet<i64> = facts.books.orders.iter().map(|(_, signal)| *signal).collect();
    (booked.len() * RECEIVERS.len()).saturating_sub(there.iter().filter(|(signal, _)| booked.contains(signal)).count())
}

/// S2: a send whose outcome is unknown was repeated under its key, and then is stored.
fn unknown(facts: &Facts, booked: &BTreeSet<i64>, findings: &mut Findings) {
    let of = |what: &str| -> BTreeSet<i64> {
        facts.journal.iter().filter(|line| line.what == what).map(|line| line.number).collect()
    };
    let (refused, intents) = (of("refused"), of("intent"));
    for number in intents.iter().filter(|number| Order::is_keyed(**number)) {
        if !booked.contains(number) && !refused.contains(number) {
            let evidence = format!("order {number} was repeated until it was stored, and it is not there");
            findings.add("S2", Some(*number), evidence);
        }
    }
    for number in booked.difference(&intents) {
        findings.add("S2", Some(*number), format!("order {number} is stored, and nobody meant to send it"));
    }
}

/// I1: an order is booked if and only if all its deliveries exist.
fn all_or_none(facts: &Facts, findings: &mut Findings) {
    let mut receivers: BTreeMap<i64, Vec<Receiver>> = BTreeMap::new();
    for fact in &facts.deliveries {
        receivers.entry(fact.id.signal.0).or_default().push(fact.receiver);
    }
    for (signal, number) in findings.orders.clone() {
        let found = receivers.remove(&signal).unwrap_or_default();
        let kinds: BTreeSet<_> = found.iter().collect();
        if kinds.len() != RECEIVERS.len() || found.len() != RECEIVERS.len() {
            let evidence = format!("order {number} is booked with signal {signal}, whose deliveries are {found:?}");
            findings.add("I1", Some(number), evidence);
        }
    }
    for (signal, found) in receivers {
        let evidence = format!("signal {signal} has deliveries {found:?}, and no order is booked with it");
        findings.add("I1", None, evidence);
    }
}
