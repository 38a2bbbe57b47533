//! T9: who lives and renews loses no lease.
//!
//! It is excused for what docs/decisions/0012 leaves open: where there is one writer, whoever had to wait for the lock for
//! more than the time between two renewals may be robbed by one that did not. A worker that was stopped is no longer among
//! the living: what it lost is a recovery (see [`recovery`]).

use std::time::Duration;

use signals_runtime::clock::micros;

use super::facts::{Facts, Lost};
use super::recovery::{UNTOLD, hit, waits};
use super::{LEASE, silence};

/// How far two renewals are apart.
const RENEWAL: Duration = Duration::from_nanos(LEASE.as_nanos() as u64 / 3);

/// The leases that were lost by workers that nothing had happened to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Robbery {
    /// By those that could not renew.
    pub(super) excused: usize,
    /// By the others, in words.
    pub(super) found: Vec<String>,
}

/// Judges them.
pub(super) fn judge(facts: &Facts) -> Robbery {
    let deaf = silence::spans(facts);
    let mut robbery = Robbery::default();
    for lost in facts.lost.iter().filter(|lost| hit(facts, lost).is_none()) {
        let waited = waited(facts, &deaf, lost);
        // Beside what it told it may have waited for what is too short to be told.
        if waited > 0 && waited + UNTOLD > micros(RENEWAL) {
            robbery.excused += 1;
        } else {
            let evidence =
                format!("process {} lived, waited {waited} µs in that lease, and lost it: {lost:?}", lost.pid);
            robbery.found.push(evidence);
        }
    }
    robbery
}

/// For how long its holder waited for the lock in the lease that it lost.
fn waited(facts: &Facts, deaf: &[(i64, i64)], lost: &Lost) -> i64 {
    let from = lost.at - micros(LEASE);
    waits(facts, deaf, lost.pid).into_iter().map(|(begin, end)| (end.min(lost.at) - begin.max(from)).max(0)).sum()
}

#[cfg(test)]
mod tests {
    use signals_runtime::delivery::{DeliveryId, ReceiverId, SignalId};

    use super::super::facts::{Receiver, Waited};
    use super::super::fleet::{Fate, What};
    use super::*;

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
}
