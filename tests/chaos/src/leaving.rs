//! L2: who is asked to end ends within its grace, as long as the database answers.
//!
//! What it waited for the database or for the machine is not its own. Who lost its database meanwhile has to be connected again
//! before it can give back what it holds: it may take a lease more.

use std::time::Duration;

use signals_runtime::clock::micros;

use crate::facts::Facts;
use crate::member::{Fate, What};
use crate::recovery::Waits;
use crate::{GRACE, LEASE};

/// What it may take beside what it waits for: its grace, and its end.
const ALLOWED: Duration = GRACE.saturating_add(Duration::from_secs(1));

/// Those that took longer, in words.
pub(crate) fn late(facts: &Facts) -> Vec<String> {
    let mut waits = Waits::of(facts);
    let mut late = Vec::new();
    for asked in facts.fates.iter().filter(|fate| fate.what == What::Asked) {
        let ended =
            facts.fates.iter().find(|fate| fate.pid == asked.pid && fate.what == What::Ended && fate.at >= asked.at);
        let Some(ended) = ended else { continue };
        let waited = waits.of_process(asked.pid).iter();
        let waited: i64 = waited.map(|(from, to)| ((*to).min(ended.at) - (*from).max(asked.at)).max(0)).sum();
        let allowed = if lost_its_database(facts, asked, ended) { ALLOWED + LEASE } else { ALLOWED };
        let over = ended.at - asked.at - waited - micros(allowed);
        if over > 0 {
            late.push(format!("process {} ended {over} µs later than it was asked to", asked.pid));
        }
    }
    late
}

/// Whether the database was out of its reach while it was to end, or a lease before.
fn lost_its_database(facts: &Facts, asked: &Fate, ended: &Fate) -> bool {
    let since = asked.at - micros(LEASE);
    let cut = facts
        .fates
        .iter()
        .any(|fate| fate.pid == asked.pid && fate.what == What::Cut && (since..ended.at).contains(&fate.at));
    cut || facts
        .outages
        .iter()
        .any(|outage| outage.pid.is_none_or(|pid| pid == asked.pid) && outage.from < ended.at && outage.to > since)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::member::Outage;
    use crate::nemesis::Ill;
    use crate::told::Waited;

    const SECOND: i64 = 1_000_000;

    fn ended_after(micros: i64) -> Facts {
        let fate = |what, at| Fate { pid: 1, what, at };
        Facts { fates: vec![fate(What::Asked, SECOND), fate(What::Ended, SECOND + micros)], ..Facts::default() }
    }

    #[test]
    fn l2_the_grace_and_the_last_writes_are_allowed_and_no_more() {
        assert_eq!(late(&ended_after(micros(ALLOWED))).len(), 0);
        assert_eq!(late(&ended_after(micros(ALLOWED) + 1)).len(), 1);
    }

    #[test]
    fn l2_who_lost_its_database_meanwhile_may_take_a_lease_more() {
        let cut = |pid, at, over| {
            let mut facts = ended_after(micros(ALLOWED + LEASE) + over);
            facts.fates.push(Fate { pid, what: What::Cut, at });
            late(&facts).len()
        };
        assert_eq!([cut(1, 2 * SECOND, 0), cut(1, 2 * SECOND, 1), cut(2, 2 * SECOND, 0)], [0, 1, 1]);
        assert_eq!(cut(1, SECOND - micros(LEASE) - 1, 0), 1, "it was connected again long before");
        let mut facts = ended_after(micros(ALLOWED + LEASE) + 2 * SECOND);
        facts.outages.push(Outage { pid: None, from: 2 * SECOND, to: 4 * SECOND, ill: Ill::Restart });
        assert_eq!(late(&facts), [] as [String; 0], "as long as that lasted, and a lease");
        facts.fates[1].at += 1;
        assert_eq!(late(&facts).len(), 1);
    }

    #[test]
    fn l2_what_it_waited_for_the_database_is_not_its_own() {
        let waited = |pid, over| {
            let mut facts = ended_after(micros(ALLOWED) + over);
            facts.waits.push(Waited { pid, until: 4 * SECOND, lasted: 2 * SECOND });
            late(&facts).len()
        };
        assert_eq!([waited(1, 2 * SECOND), waited(1, 2 * SECOND + 1), waited(2, 1)], [0, 1, 1]);
        let mut before = ended_after(micros(ALLOWED) + 1);
        before.waits.push(Waited { pid: 1, until: SECOND, lasted: SECOND });
        assert_eq!(late(&before).len(), 1, "it waited before it was asked");
    }
}
