//! W13: whoever lost its database and lives is connected again soon after that can be reached.
//!
//! A keeper asks again within a quarter of a lease; then it has to connect, on a machine that everybody uses. Nothing is said
//! of who was killed, stopped, asked to end or cut off again before, nor of who met another outage on its way back, or was not
//! let run. A black hole that its connections outlived is no loss of them.

use std::time::Duration;

use signals_runtime::clock::micros;

use crate::LEASE;
use crate::facts::Facts;
use crate::member::{Outage, What};
use crate::nemesis::Ill;

/// How long it may take.
const BACK: Duration = Duration::from_nanos(LEASE.as_nanos() as u64 / 4).saturating_add(Duration::from_secs(3));

/// Who came back.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Returns {
    /// How many had to.
    pub(crate) judged: usize,
    /// Those that did not, in words.
    pub(crate) found: Vec<String>,
}

/// Judges them.
pub(crate) fn judge(facts: &Facts) -> Returns {
    let mut returns = Returns::default();
    for cut in facts.fates.iter().filter(|fate| fate.what == What::Cut) {
        let outage = facts.outages.iter().find(|outage| {
            outage.from == cut.at && outage.pid.is_none_or(|pid| pid == cut.pid) && outage.ill != Ill::Exhaust
        });
        let Some(outage) = outage else { continue };
        if !had_to_return(facts, cut.pid, outage) {
            continue;
        }
        returns.judged += 1;
        let by = outage.to + micros(BACK);
        let mut connections = facts.workers.iter().filter(|worker| worker.pid == cut.pid);
        if !connections.any(|worker| (outage.from + 1..=by).contains(&worker.at)) {
            let evidence =
                format!("worker {} lives and was not connected again within {BACK:?} of {outage:?}", cut.pid);
            returns.found.push(evidence);
        }
    }
    returns
}

/// Whether process `pid` was a connected worker when `outage` began, and nothing else kept it from its database until it had to
/// be back.
fn had_to_return(facts: &Facts, pid: u32, outage: &Outage) -> bool {
    let by = outage.to + micros(BACK);
    let was_connected = facts.workers.iter().any(|worker| worker.pid == pid && worker.at < outage.from);
    let own = || facts.fates.iter().filter(move |fate| fate.pid == pid);
    let before = own().rfind(|fate| fate.at < outage.from && fate.what != What::Cut);
    let was_well = before.is_none_or(|fate| fate.what == What::Continued);
    let goes_on = own().any(|fate| fate.at > by);
    let is_hurt = own().any(|fate| (outage.from + 1..=by).contains(&fate.at));
    let another = facts.outages.iter().any(|other| {
        other != outage && other.pid.is_none_or(|one| one == pid) && other.from <= by && other.to > outage.from
    });
    let starved =
        facts.starved.iter().any(|gap| gap.pid == pid && gap.until > outage.from && gap.until - gap.lasted < by);
    was_connected && was_well && goes_on && !is_hurt && !another && !starved
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::member::Fate;
    use crate::told::{Connected, Waited};

    const SECOND: i64 = 1_000_000;

    /// Worker 1 loses its database from second 10 to 12, and is connected again so long after that.
    fn back_after(after: i64) -> Facts {
        let fate = |what, at| Fate { pid: 1, what, at };
        let connected = |at| Connected { pid: 1, incarnation: 7, at };
        Facts {
            fates: vec![fate(What::Cut, 10 * SECOND), fate(What::Spared, 60 * SECOND)],
            outages: vec![Outage { pid: None, from: 10 * SECOND, to: 12 * SECOND, ill: Ill::Restart }],
            workers: vec![connected(SECOND), connected(12 * SECOND + after)],
            ..Facts::default()
        }
    }

    /// How many had to come back, and how many of them did not, of whom one is an hour late and `tamper` has been at work.
    fn never(tamper: impl FnOnce(&mut Facts)) -> (usize, usize) {
        let mut facts = back_after(3_600 * SECOND);
        tamper(&mut facts);
        let Returns { judged, found } = judge(&facts);
        (judged, found.len())
    }

    #[test]
    fn w13_who_lost_its_database_is_back_within_a_quarter_of_a_lease_and_three_seconds() {
        let judged = |after| judge(&back_after(after)).found.len();
        assert_eq!([judged(-SECOND), judged(micros(BACK)), judged(micros(BACK) + 1)], [0, 0, 1]);
        assert_eq!(judged(-2 * SECOND), 1, "the connection that it lost is none");
        assert_eq!(never(|_| {}), (1, 1));
        assert_eq!(never(|facts| facts.outages[0].pid = Some(1)), (1, 1), "its own wire");
    }

    #[test]
    fn w13_of_whom_something_else_kept_away_nothing_is_said() {
        let fate = |what, at| never(|facts| facts.fates.insert(1, Fate { pid: 1, what, at }));
        let by = 12 * SECOND + micros(BACK);
        for what in [What::Killed, What::Stopped, What::Asked, What::Cut] {
            assert_eq!([fate(what, by), fate(what, by + 1)], [(0, 0), (1, 1)], "{what:?}");
        }
        let other =
            |pid, from| never(|facts| facts.outages.push(Outage { pid, from, to: from + SECOND, ill: Ill::Exhaust }));
        assert_eq!([other(None, by), other(None, by + 1), other(Some(2), by)], [(0, 0), (1, 1), (1, 1)]);
        let starved = |pid, until| never(|facts| facts.starved.push(Waited { pid, until, lasted: SECOND }));
        assert_eq!(
            [starved(1, 13 * SECOND), starved(1, 10 * SECOND), starved(2, 13 * SECOND)],
            [(0, 0), (1, 1), (1, 1)]
        );
    }

    #[test]
    fn w13_who_was_stopped_or_never_connected_before_owes_nothing() {
        assert_eq!(never(|facts| facts.workers[0].at = 11 * SECOND).0, 0, "it came meanwhile");
        let before = |what| never(|facts| facts.fates.insert(0, Fate { pid: 1, what, at: 9 * SECOND }));
        assert_eq!([before(What::Stopped), before(What::Asked), before(What::Continued)], [(0, 0), (0, 0), (1, 1)]);
        assert_eq!(never(|facts| facts.outages.clear()), (0, 0), "the hole was left, and it with its connections");
    }
}
