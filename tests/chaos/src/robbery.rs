//! T9: who lives and renews loses no lease.
//!
//! It is excused for what docs/decisions/0012 leaves open: where there is one writer, whoever had to wait for the lock for
//! more than the time between two renewals may be robbed by one that did not. So may one whose own way to the database was cut
//! for as long; not so one that shared the outage with everybody, for whoever takes over must have been connected for a lease by
//! then, and the holder for most of it. (Where there is one writer there are no outages.) And for a machine that did not let the process run for so long that, with what it waited, no time was left to
//! renew: those are counted apart. And what its holder let go, since it could not learn whether its outcome was stored, is nobody's
//! loss.
//!
//! A worker that was stopped is no longer among the living: what it lost is a recovery (see [`recovery`]).

use std::time::Duration;

use signals_runtime::clock::micros;
use signals_runtime::delivery::DeliveryId;

use crate::LEASE;
use crate::facts::{Facts, Lost};
use crate::recovery::{UNTOLD, Waits, hit, merged};

/// How far two renewals are apart.
const RENEWAL: Duration = Duration::from_nanos(LEASE.as_nanos() as u64 / 3);

/// A lease that was let go is taken over within this: after an outage that everybody feels nobody takes one over for another.
const LET_GO: Duration = LEASE.saturating_mul(4);

/// The leases that were lost by workers that nothing had happened to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Robbery {
    /// By those that could not renew.
    pub(crate) excused: usize,
    /// By those that the machine did not let run.
    pub(crate) starved: usize,
    /// By the others, in words.
    pub(crate) found: Vec<(DeliveryId, String)>,
}

/// Judges them.
pub(crate) fn judge(facts: &Facts) -> Robbery {
    let waits = Waits::of(facts);
    let mut robbery = Robbery::default();
    for lost in facts.lost.iter().filter(|lost| hit(facts, lost).is_none() && !was_let_go(facts, lost)) {
        // Beside what it told it may have waited for what is too short to be told.
        let spans = if facts.one_writer { waits.but_for_the_machine(lost.pid) } else { waits.own(lost.pid) };
        let kept = within_lease(spans.iter().copied(), lost);
        let starved = facts.starved.iter().filter(|gap| gap.pid == lost.pid);
        let starved: Vec<(i64, i64)> = starved.map(|gap| (gap.until - gap.lasted, gap.until)).collect();
        let together = within_lease(merged(spans.into_iter().chain(starved.iter().copied())), lost);
        if kept > 0 && kept + UNTOLD > micros(RENEWAL) {
            robbery.excused += 1;
        } else if within_lease(starved, lost) > 0 && together + UNTOLD > micros(LEASE - RENEWAL) {
            robbery.starved += 1;
        } else {
            let evidence = format!("process {} lived, waited {kept} µs in that lease, and lost it: {lost:?}", lost.pid);
            robbery.found.push((lost.delivery, evidence));
        }
    }
    robbery
}

/// Whether its holder told that it has nothing more to do with the delivery.
fn was_let_go(facts: &Facts, lost: &Lost) -> bool {
    let mut given = facts.given_back.iter().filter(|given| (given.delivery, given.pid) == (lost.delivery, lost.pid));
    given.any(|given| (lost.at - micros(LET_GO)..lost.at).contains(&given.at))
}

/// What of these spans lies in the lease that was lost.
fn within_lease(spans: impl IntoIterator<Item = (i64, i64)>, lost: &Lost) -> i64 {
    let from = lost.at - micros(LEASE);
    spans.into_iter().map(|(begin, end)| (end.min(lost.at) - begin.max(from)).max(0)).sum()
}

#[cfg(test)]
mod tests {
    use signals_runtime::delivery::{DeliveryId, ReceiverId, SignalId};

    use super::*;
    use crate::Line;
    use crate::facts::Receiver;
    use crate::member::{Fate, Outage, What};
    use crate::nemesis::Ill;
    use crate::told::{Stolen, Waited};

    const SECOND: i64 = 1_000_000;

    /// Process 1 loses a lease at second 20.
    fn lost() -> Facts {
        let delivery = DeliveryId { signal: SignalId(1), receiver: ReceiverId(1) };
        let receiver = Receiver::Plain;
        let lost = Lost { delivery, receiver, pid: 1, incarnation: 1, at: 20 * SECOND, again: false };
        Facts { lost: vec![lost], ..Facts::default() }
    }

    /// How many are found, and how many are excused.
    fn judged(tamper: impl FnOnce(&mut Facts)) -> (usize, usize) {
        let mut facts = lost();
        tamper(&mut facts);
        let robbery = judge(&facts);
        (robbery.found.len(), robbery.excused)
    }

    #[test]
    fn t9_a_lease_lost_by_somebody_unhurt_is_found() {
        assert_eq!(judged(|_| {}), (1, 0));
        let fate = |pid, what, at| judged(|facts| facts.fates.push(Fate { pid, what, at }));
        for what in [What::Killed, What::Stopped] {
            assert_eq!(fate(1, what, 19 * SECOND), (0, 0), "a recovery");
            assert_eq!(fate(2, what, 19 * SECOND), (1, 0), "it happened to another");
            assert_eq!(fate(1, what, 21 * SECOND), (1, 0), "it happened afterwards");
        }
        assert_eq!(fate(1, What::Asked, 19 * SECOND), (1, 0), "who is asked to end keeps its leases meanwhile");
    }

    #[test]
    fn t9_who_waited_for_the_lock_for_longer_than_between_two_renewals_may_be_robbed() {
        let waited = |pid, until, lasted| judged(|facts| facts.waits.push(Waited { pid, until, lasted }));
        let long = micros(RENEWAL) - UNTOLD + 1;
        assert_eq!([waited(1, 19 * SECOND, long), waited(1, 19 * SECOND, long - 1)], [(0, 1), (1, 0)]);
        assert_eq!(waited(2, 19 * SECOND, long), (1, 0), "another did");
        assert_eq!(waited(1, 16 * SECOND, long), (1, 0), "that was before this lease");
        assert_eq!(waited(1, 23 * SECOND, 3 * SECOND + long), (0, 1), "it waits still");
    }

    #[test]
    fn t9_whose_database_was_out_of_reach_for_longer_than_between_two_renewals_may_be_robbed() {
        let long = micros(RENEWAL) - UNTOLD + 1;
        let out = |pid, lasted| {
            judged(|facts| {
                let (from, to) = (18 * SECOND, 18 * SECOND + lasted);
                facts.outages.push(Outage { pid, from, to, ill: Ill::Hole });
            })
        };
        assert_eq!([out(Some(1), long), out(Some(1), long - 1)], [(0, 1), (1, 0)]);
        assert_eq!([out(None, long), out(Some(2), long)], [(1, 0), (1, 0)], "everybody's, or another's");
    }

    #[test]
    fn t9_silence_is_an_excuse_only_where_there_is_one_writer() {
        let silent = |one_writer| {
            judged(|facts| {
                facts.one_writer = one_writer;
                let line = |what: &str, at| Line { what: what.to_owned(), number: 1, attempt: 0, at, pid: 5 };
                facts.journal.extend([line("intent", 17 * SECOND), line("stored", 19 * SECOND)]);
            })
        };
        assert_eq!([silent(true), silent(false)], [(0, 1), (1, 0)]);
    }

    #[test]
    fn t9_what_its_holder_let_go_is_nobodys_loss() {
        let let_go =
            |pid, at| judged(|facts| facts.given_back.push(Stolen { delivery: facts.lost[0].delivery, at, pid }));
        assert_eq!([let_go(1, 12 * SECOND), let_go(1, 21 * SECOND), let_go(2, 12 * SECOND)], [(0, 0), (1, 0), (1, 0)]);
        assert_eq!(let_go(1, 20 * SECOND - micros(LET_GO) - 1), (1, 0), "that was another claim");
    }

    #[test]
    fn t9_who_could_not_run_for_as_long_as_is_left_to_renew_is_excused_and_counted() {
        let starved = |pid, until, lasted| {
            let mut facts = lost();
            facts.starved.push(Waited { pid, until, lasted });
            let Robbery { excused, starved, found } = judge(&facts);
            (found.len(), excused, starved)
        };
        let long = micros(LEASE - RENEWAL) - UNTOLD + 1;
        assert_eq!([starved(1, 20 * SECOND, long), starved(1, 20 * SECOND, long - 1)], [(0, 0, 1), (1, 0, 0)]);
        assert_eq!(starved(2, 20 * SECOND, long), (1, 0, 0), "another was");
        assert_eq!(starved(1, 16 * SECOND, long), (1, 0, 0), "that was before this lease");
    }
}
