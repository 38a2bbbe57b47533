//! What workers were told of their outcomes: one acknowledgement of each delivery was taken, and it was its last holder's.

use std::collections::{BTreeMap, BTreeSet};

use signals_runtime::delivery::{DeliveryId, State};

use super::{Crashes, Findings};
use crate::facts::{Facts, Lost, Receiver};
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
        if last.is_some_and(|loss| loss.incarnation == outcome.incarnation && !holds_it_again(facts, loss, outcome)) {
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

/// Whether whoever lost that lease has another one since: it took the delivery over from itself, or started it once more after
/// its heir had given it back.
fn holds_it_again(facts: &Facts, lost: &Lost, outcome: &Outcome) -> bool {
    let since = lost.at..outcome.at;
    let told = |by: &[Stolen], by_itself: bool| {
        by.iter().any(|stolen| {
            stolen.delivery == lost.delivery && (!by_itself || stolen.pid == lost.pid) && since.contains(&stolen.at)
        })
    };
    let restarted = || {
        let order = facts.books.orders.iter().find(|(_, signal)| *signal == lost.delivery.signal.0);
        order.is_some_and(|(number, _)| {
            facts.effects.iter().any(|line| {
                line.number == *number
                    && line.pid == outcome.pid
                    && Receiver::that_starts(&line.what) == Some(lost.receiver)
                    && since.contains(&line.at)
            })
        })
    };
    told(&facts.stolen, true) || (told(&facts.given_back, false) && restarted())
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
