//! L2: who is asked to end ends within its grace, as long as the database answers.

use std::time::Duration;

use signals_runtime::clock::micros;

use crate::facts::Facts;
use crate::member::What;
use crate::recovery::Waits;
use crate::{GRACE, LEASE};

/// What it may take beside what it waits for: its grace, and its last writes.
const ALLOWED: Duration = GRACE.saturating_add(LEASE);

/// Those that took longer, in words.
pub(crate) fn late(facts: &Facts) -> Vec<String> {
    let waits = Waits::of(facts);
    let mut late = Vec::new();
    for asked in facts.fates.iter().filter(|fate| fate.what == What::Asked) {
        let ended = facts.fates.iter().find(|fate| fate.pid == asked.pid && fate.what == What::Ended);
        let Some(ended) = ended else { continue };
        let waited = waits.but_for_the_machine(asked.pid).into_iter();
        let waited: i64 = waited.map(|(from, to)| (to.min(ended.at) - from.max(asked.at)).max(0)).sum();
        let over = ended.at - asked.at - waited - micros(ALLOWED);
        if over > 0 {
            late.push(format!("process {} ended {over} µs later than it was asked to", asked.pid));
        }
    }
    late
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::member::Fate;
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
