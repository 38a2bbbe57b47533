//! When nobody could write: a worker that is stopped inside its transaction keeps the lock, and so does a disk that does not
//! answer. Then the database is not up, as L1 has it.
//!
//! Silence alone is no proof, for workers that should have gone on and did not are silent too. Senders are the witnesses:
//! one of them stood before the database all the time, and nobody got anything done.

use std::collections::BTreeMap;

use crate::facts::Facts;
use crate::member::What;
use crate::sender::OF_WORKERS;

/// The shortest silence that counts.
const SHORTEST: i64 = 300_000;

/// The spans in which a sender waited for the database and nobody wrote anything, in order.
pub(crate) fn spans(facts: &Facts) -> Vec<(i64, i64)> {
    let mut sounds: Vec<i64> = facts.effects.iter().map(|line| line.at).collect();
    sounds.extend(facts.journal.iter().filter(|line| wrote(&line.what)).map(|line| line.at));
    sounds.sort_unstable();
    let mut spans: Vec<(i64, i64)> = Vec::new();
    for (from, to) in united(waits(facts)) {
        let first = sounds.partition_point(|at| *at < from);
        let inside = sounds[first..].iter().copied().take_while(|at| *at < to);
        let mut begin = from;
        for end in inside.chain([to]) {
            spans.extend((end - begin > SHORTEST).then_some((begin, end)));
            begin = end;
        }
    }
    spans
}

/// What a sender writes into its journal when the database has answered.
fn wrote(what: &str) -> bool {
    ["stored", "repeated", "opened"].contains(&what)
}

/// When a sender stood before the database: from each step towards it to the answer, or to the sender's end.
fn waits(facts: &Facts) -> Vec<(i64, i64)> {
    let mut waits = Vec::new();
    let mut open: BTreeMap<u32, i64> = BTreeMap::new();
    // A worker that sends may be stopped, which says nothing of the database.
    for line in facts.journal.iter().filter(|line| !OF_WORKERS.contains(&line.number)) {
        waits.extend(open.remove(&line.pid).map(|since| (since, line.at)));
        if ["opens", "intent"].contains(&&*line.what) {
            open.insert(line.pid, line.at);
        }
    }
    for fate in facts.fates.iter().filter(|fate| fate.what == What::Killed) {
        waits.extend(open.remove(&fate.pid).map(|since| (since, fate.at)));
    }
    waits
}

/// A sender that was killed is replaced within this.
const REPLACED: i64 = 50_000;

/// Those that overlap, or nearly, as one.
fn united(mut spans: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    spans.sort_unstable();
    let mut united: Vec<(i64, i64)> = Vec::new();
    for (begin, end) in spans {
        match united.last_mut() {
            Some(last) if begin <= last.1 + REPLACED => last.1 = last.1.max(end),
            _ => united.push((begin, end)),
        }
    }
    united
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Line;
    use crate::member::Fate;

    const SECOND: i64 = 1_000_000;

    fn line(what: &str, pid: u32, at: i64) -> Line {
        Line { what: what.to_owned(), number: 1, attempt: 0, at, pid }
    }

    /// Sender 5 waits from second 11 to 15, and nobody does anything meanwhile.
    fn silent() -> Facts {
        let journal = vec![line("intent", 5, 11 * SECOND), line("stored", 5, 15 * SECOND)];
        Facts { journal, effects: vec![line("plain", 9, 10 * SECOND)], ..Facts::default() }
    }

    #[test]
    fn nobody_writes_while_a_sender_waits() {
        assert_eq!(spans(&silent()), [(11 * SECOND, 15 * SECOND)]);
        let mut killed = silent();
        killed.journal.pop();
        assert_eq!(spans(&killed), [], "whether it waited for ever is not known");
        killed.fates.push(Fate { pid: 5, what: What::Killed, at: 13 * SECOND });
        killed.journal.push(line("opens", 6, 13 * SECOND + REPLACED));
        killed.journal.push(line("opened", 6, 14 * SECOND));
        assert_eq!(spans(&killed), [(11 * SECOND, 14 * SECOND)], "its heir waits on");
    }

    #[test]
    fn silence_without_a_witness_is_no_excuse() {
        let mut facts = silent();
        facts.journal.clear();
        assert_eq!(spans(&facts), []);
    }

    #[test]
    fn whoever_works_meanwhile_breaks_the_silence() {
        let mut facts = silent();
        facts.effects.push(line("plain", 9, 13 * SECOND));
        assert_eq!(spans(&facts), [(11 * SECOND, 13 * SECOND), (13 * SECOND, 15 * SECOND)]);
        facts.effects.extend((0..40).map(|tenth| line("plain", 9, 11 * SECOND + tenth * SECOND / 10)));
        assert_eq!(spans(&facts), []);
    }
}
