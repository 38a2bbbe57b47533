//! What workers were told of their outcomes: one acknowledgement of each delivery was taken, and it was its last holder's.

use std::collections::{BTreeMap, BTreeSet};

use signals_runtime::delivery::{DeliveryId, State};

use super::{Crashes, Findings};
use crate::facts::{Facts, Lost};
use crate::told::{Outcome, Stolen};

pub(super) fn check(facts: &Facts, findings: &mut Findings) {
    let stale = stale(facts);
    for (outcome, why) in &stale {
        findings.add_of("I6", outcome.delivery, format!("a stale acknowledgement was accepted, {why}: {outcome:?}"));
    }
    if let Some(delivery) = facts.strangers.first() {
        let count = facts.strangers.len();
        findings.add_of("I6", *delivery, format!("{count} leases were lost by somebody who never was connected"));
    }
    acknowledged(facts, findings);
    refusals(facts, findings);
}

/// I6, I4: the acknowledgements that were taken and must not have been, and why not.
pub(super) fn stale(facts: &Facts) -> Vec<(Outcome, &'static str)> {
    let mut lost: BTreeMap<DeliveryId, Vec<&Lost>> = BTreeMap::new();
    for loss in &facts.lost {
        lost.entry(loss.delivery).or_default().push(loss);
    }
    let mut taken: BTreeMap<DeliveryId, Outcome> = BTreeMap::new();
    let mut stale = Vec::new();
    let holders = Holders::of(facts);
    for outcome in &facts.acknowledged {
        if taken.insert(outcome.delivery, *outcome).is_some() {
            stale.push((*outcome, "and another one, too"));
        }
        let losses = lost.get(&outcome.delivery).map_or(&[][..], Vec::as_slice);
        let last = losses.iter().filter(|loss| loss.at < outcome.at).max_by_key(|loss| loss.at);
        if last.is_some_and(|loss| loss.incarnation == outcome.incarnation && !took_it_back(facts, loss, outcome)) {
            stale.push((*outcome, "whose lease had been lost"));
        } else if holders.is_anothers(outcome) {
            stale.push((*outcome, "and another had taken it over"));
        }
    }
    stale
}

/// Who had what, as far as workers told when they took something over or gave it back.
struct Holders<'f> {
    told: BTreeMap<DeliveryId, Vec<(&'f Stolen, bool)>>,
    crashes: Crashes<'f>,
}

impl<'f> Holders<'f> {
    fn of(facts: &'f Facts) -> Self {
        let mut told: BTreeMap<DeliveryId, Vec<(&Stolen, bool)>> = BTreeMap::new();
        let taken = facts.stolen.iter().map(|stolen| (stolen, true));
        for (stolen, taken) in taken.chain(facts.given_back.iter().map(|given| (given, false))) {
            told.entry(stolen.delivery).or_default().push((stolen, taken));
        }
        Self { told, crashes: Crashes::of(facts) }
    }

    /// Whether the last that was told of its delivery before is that another process took it over, which no crash undid.
    fn is_anothers(&self, outcome: &Outcome) -> bool {
        let told = self.told.get(&outcome.delivery).map_or(&[][..], Vec::as_slice);
        let last = told.iter().filter(|(stolen, _)| stolen.at < outcome.at).max_by_key(|(stolen, _)| stolen.at);
        last.is_some_and(|(stolen, taken)| {
            *taken && stolen.pid != outcome.pid && !self.crashes.may_take_back(stolen.at)
        })
    }
}

/// Whether whoever lost that lease was the one that took it over, from itself, and so held it again.
fn took_it_back(facts: &Facts, lost: &Lost, outcome: &Outcome) -> bool {
    let mut own = facts.stolen.iter().filter(|stolen| (stolen.delivery, stolen.pid) == (lost.delivery, lost.pid));
    own.any(|stolen| (lost.at..outcome.at).contains(&stolen.at))
}

/// I2: a delivery whose acknowledgement was taken is done.
fn acknowledged(facts: &Facts, findings: &mut Findings) {
    let done: BTreeSet<DeliveryId> =
        facts.deliveries.iter().filter(|fact| fact.state == State::Done).map(|fact| fact.id).collect();
    for outcome in facts.acknowledged.iter().filter(|outcome| !done.contains(&outcome.delivery)) {
        let evidence = format!("its acknowledgement was taken, and it is not done: {outcome:?}");
        findings.add_of("I2", outcome.delivery, evidence);
    }
}

/// I6: who is told that its outcome came too late has lost its lease, or a crash of the database has taken back its claim. If
/// not, another's stale one was accepted.
fn refusals(facts: &Facts, findings: &mut Findings) {
    let lost: BTreeSet<_> = facts.lost.iter().map(|lost| (lost.delivery, lost.incarnation)).collect();
    let crashes = Crashes::of(facts);
    let suspects = facts.refusals.iter().filter(|refusal| !lost.contains(&(refusal.delivery, refusal.incarnation)));
    for refusal in suspects {
        let number = findings.number(refusal.delivery);
        let mut starts = facts.effects.iter().filter(|line| Some(line.number) == number && line.pid == refusal.pid);
        if !starts.any(|line| crashes.may_take_back_claim_of(line)) {
            findings.add_of("I6", refusal.delivery, format!("refused, though its lease was never lost: {refusal:?}"));
        }
    }
}
