//! What must come of a release, by the records outside of the database, and by the database's own at the end.

use std::collections::{BTreeMap, BTreeSet};

use signals_runtime::delivery::State;
use signals_runtime::store::DeliverySummary;
use signals_skew::Line;

use super::Build;

/// A receiver: what each build calls it in the log, if it has it.
pub(crate) struct Receiver {
    old: Option<&'static str>,
    new: Option<&'static str>,
    /// Each build runs the payloads of its own version.
    versioned: bool,
}

impl Receiver {
    const fn of(old: Option<&'static str>, new: Option<&'static str>) -> Self {
        Self { old, new, versioned: false }
    }

    /// What `build` calls it.
    pub(crate) const fn name_in(&self, build: Build) -> Option<&'static str> {
        match build {
            Build::Old => self.old,
            Build::New => self.new,
        }
    }

    /// Whether a line of the log is of a run of it.
    fn ran(&self, line: &Line) -> bool {
        [self.old, self.new].contains(&Some(line.what.as_str()))
    }
}

/// All of them: one of both builds, and one for each change. A name that is kept as an alias is the same receiver; one that is
/// given up is not.
pub(crate) const RECEIVERS: [Receiver; 8] = [
    Receiver::of(Some("added.kept"), Some("added.kept")),
    Receiver::of(None, Some("added.more")),
    Receiver::of(Some("renamed.ship"), Some("renamed.dispatch")),
    Receiver::of(Some("forgotten.ship"), None),
    Receiver::of(None, Some("forgotten.dispatch")),
    Receiver::of(Some("removed.stays"), Some("removed.stays")),
    Receiver::of(Some("removed.goes"), None),
    Receiver { versioned: true, ..Receiver::of(Some("raised.read/1"), Some("raised.read/2")) },
];

/// Of fewer sends than these nothing can be said.
const ENOUGH_SENDS: usize = 100;

/// What is parked while `living` alone has workers, in order: receiver, version, and whether it is for its version.
fn parked_beside(living: Build) -> Vec<(String, u32, bool)> {
    let gone = if living == Build::Old { Build::New } else { Build::Old };
    let mut parked = Vec::new();
    for receiver in &RECEIVERS {
        let Some(name) = receiver.name_in(gone) else { continue };
        match name.split_once('/') {
            Some((name, version)) => parked.push((name.to_owned(), version.parse().expect("a version"), true)),
            None if receiver.name_in(living).is_none() => parked.push((name.to_owned(), 1, false)),
            None => {}
        }
    }
    parked.sort_unstable();
    parked
}

/// Whether what is shown as parked is what nobody but another build than `living` can run, and nothing else.
pub(crate) fn is_parked_beside(living: Build, mut shown: Vec<(String, u32, bool)>) -> bool {
    shown.sort_unstable();
    shown == parked_beside(living)
}

/// Nothing is lost, nothing burned, nothing run twice by two names: what says otherwise, each with its promise in front.
pub(crate) fn judge(log: &[Line], journal: &[Line], deliveries: &[DeliverySummary]) -> Vec<String> {
    let told = |what: &str| -> BTreeMap<i64, (i64, u32)> {
        let lines = journal.iter().filter(|line| line.what == what);
        lines.map(|line| (line.number, (line.at, line.attempt))).collect()
    };
    let (intents, stored) = (told("intent"), told("stored"));
    let mut found = Vec::new();
    let mut must = |is_so: bool, why: &dyn Fn() -> String| found.extend((!is_so).then(why));
    must(stored.len() > ENOUGH_SENDS, &|| format!("rig: too few sends to see anything: {}", stored.len()));
    for receiver in &RECEIVERS {
        let mut runs: BTreeMap<i64, Vec<&str>> = BTreeMap::new();
        for line in log.iter().filter(|line| receiver.ran(line)) {
            runs.entry(line.number).or_default().push(&line.what);
        }
        let (registers, registered) = registration(journal, receiver);
        for (number, &(committed, version)) in &stored {
            let runs = runs.remove(number).unwrap_or_default();
            let names = (receiver.old, receiver.new);
            let due = intents[number].0 > registered;
            must(runs.len() <= 1, &|| format!("I15: {number} was run more than once by {names:?}: {runs:?}"));
            must(!due || !runs.is_empty(), &|| format!("I14: {number} was sent to {names:?} and never run"));
            let is_early = committed <= registers && !runs.is_empty();
            must(!is_early, &|| format!("I14: {number} was sent before {names:?} was registered"));
            let own = |name: &&str| !receiver.versioned || name.ends_with(&format!("/{version}"));
            must(runs.iter().all(own), &|| format!("I12: {number} in version {version} was run by {runs:?}"));
        }
        must(runs.is_empty(), &|| format!("I1: run, and never sent: {runs:?}"));
    }
    let burned = |delivery: &&DeliverySummary| {
        let counters = delivery.counters;
        (delivery.state, counters.attempt, counters.lost_leases) != (State::Done, 1, 0)
    };
    let burned: Vec<_> = deliveries.iter().filter(burned).take(5).collect();
    must(burned.is_empty(), &|| format!("I12: not each was done in its first attempt: {burned:?}"));
    let ids: BTreeSet<_> = deliveries.iter().map(|delivery| delivery.id).collect();
    let counts = [ids.len(), deliveries.len(), log.len()];
    must(counts[0] == counts[1], &|| format!("I2: some deliveries are in two states: {counts:?}"));
    must(counts[1] == counts[2], &|| format!("I2: not a delivery for each run, and a run for each: {counts:?}"));
    found
}

/// When the first process of a build with this receiver began to register it, and when it was registered at the latest.
fn registration(journal: &[Line], receiver: &Receiver) -> (i64, i64) {
    let builds = [(receiver.old, "old"), (receiver.new, "new")].into_iter().filter(|(name, _)| name.is_some());
    let builds: Vec<_> = builds.map(|(_, build)| build).collect();
    let first = |what: &str| {
        let words: Vec<_> = builds.iter().map(|build| format!("{what}-{build}")).collect();
        let lines = journal.iter().filter(|line| words.contains(&line.what));
        lines.map(|line| line.at).min().expect("each build was deployed")
    };
    (first("registers"), first("registered"))
}

#[cfg(test)]
mod tests;
