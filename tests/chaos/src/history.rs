//! What is known of one order, line by line in the order of time: the evidence beside a finding.

use std::collections::BTreeSet;

use crate::facts::Facts;
use crate::files::Files;

/// The most lines of one history.
const LINES: usize = 60;

/// All that the records say of order `number`: its sends, what its receivers did, what became of those who ran them, and what
/// they told.
pub(crate) fn of(files: &Files, facts: &Facts, number: i64) -> Vec<String> {
    let mut lines: Vec<(i64, String)> = Vec::new();
    let mut pids = BTreeSet::new();
    for line in facts.journal.iter().chain(&facts.effects).filter(|line| line.number == number) {
        pids.insert(line.pid);
        lines.push((line.at, format!("{} {} by {}", line.what, line.attempt, line.pid)));
    }
    let signals = facts.books.orders.iter().filter(|(booked, _)| *booked == number);
    let prefixes: Vec<String> = signals.map(|(_, signal)| format!("delivery={signal}.")).collect();
    let told = std::fs::read_to_string(&files.events).unwrap_or_default();
    for event in told.lines().filter(|event| prefixes.iter().any(|prefix| event.contains(prefix))) {
        let at = event.split(' ').next().and_then(|at| at.parse().ok()).unwrap_or_default();
        lines.push((at, event.split_once(' ').map_or(event, |(_, rest)| rest).to_owned()));
    }
    for fate in facts.fates.iter().filter(|fate| pids.contains(&fate.pid)) {
        lines.push((fate.at, format!("{:?} {}", fate.what, fate.pid)));
    }
    for outage in &facts.outages {
        if outage.pid.is_none_or(|pid| pids.contains(&pid)) {
            lines.push((outage.from, format!("{:?} of {:?} until {}", outage.ill, outage.pid, outage.to)));
        }
    }
    let around = span_of(facts, number);
    lines.retain(|(at, _)| around.is_none_or(|(from, to)| (from..=to).contains(at)));
    lines.sort();
    lines.truncate(LINES);
    lines.into_iter().map(|(at, what)| format!("{at} {what}")).collect()
}

/// From a moment before the first thing that is known of it to a lease after the last.
fn span_of(facts: &Facts, number: i64) -> Option<(i64, i64)> {
    const AROUND: i64 = 6_000_000;
    let lines = || facts.journal.iter().chain(&facts.effects).filter(|line| line.number == number).map(|line| line.at);
    Some((lines().min()? - AROUND, lines().max()? + AROUND))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Line;
    use crate::member::{Fate, What};

    #[test]
    fn a_history_has_what_happened_to_an_order_and_to_those_who_ran_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = Files::inside(folder.path());
        let told = "3000000 7  WARN signals: outcome refused delivery=101.1\n4 8 DEBUG signals: x delivery=1011.1\n";
        std::fs::write(&files.events, told).expect("it can be written");
        let line = |what: &str, number, at| Line { what: what.to_owned(), number, attempt: 1, at, pid: 7 };
        let mut facts = Facts { journal: vec![line("intent", 1, 1_000_000)], ..Facts::default() };
        facts.effects = vec![line("plain", 1, 2_000_000), line("plain", 2, 2_000_000)];
        facts.books.orders = vec![(1, 101), (2, 1011)];
        let fate = |pid| Fate { pid, what: What::Killed, at: 2_500_000 };
        facts.fates = vec![fate(7), fate(9)];
        let told = "3000000 7  WARN signals: outcome refused delivery=101.1";
        assert_eq!(of(&files, &facts, 1), ["1000000 intent 1 by 7", "2000000 plain 1 by 7", "2500000 Killed 7", told]);
    }
}
