//! T9 where there is one writer: how long a process that had to wait for the write lock leaves expired leases alone.
//!
//! Whoever holds the lock keeps every renewal waiting. When it is free, the first to get it must not rob those who live and
//! have not had their turn yet. Everybody renews after a third of a lease, so a process that waited for less than that
//! knows that the lock was free again before the first living worker's lease could expire; it gives the others as long
//! again as it waited itself. The proof is in docs/decisions/0012-who-may-steal-after-waiting.md.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::telemetry;

/// The longest wait that is an ordinary one, with the lease that most have; with a short one, a sixth of it.
const ORDINARY: Duration = Duration::from_secs(1);

/// A wait that is worth a line in the log.
const TOLD: Duration = Duration::from_millis(500);

/// Tells of a transaction of the application's that waited long. It says nothing about renewals, which ask for the lock on
/// connections of their own, so that nothing is stolen later because of it.
pub(super) fn tell_of_begin(waited: Duration) {
    if waited >= TOLD {
        telemetry::begin_waited(waited);
    }
}

/// For how long the claims and renewals of one process were after the write lock.
#[derive(Debug, Default)]
pub(super) struct Patience {
    /// Each is shorter than the one before it, so that the longest of any time is found without keeping all.
    waits: Mutex<Vec<Wait>>,
}

#[derive(Debug)]
struct Wait {
    ended: Instant,
    lasted: Duration,
}

impl Patience {
    /// How long ago a lease must have expired to be stolen now; `None`: whenever it expired, it is not.
    pub(super) fn allowance(&self, lease: Duration) -> Option<Duration> {
        let waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        let lately = waits.iter().find(|wait| wait.ended.elapsed() < lease);
        let longest = lately.map_or(Duration::ZERO, |wait| wait.lasted);
        if longest > lease / 3 {
            None
        } else if longest > ORDINARY.min(lease / 6) {
            Some(longest)
        } else {
            Some(Duration::ZERO)
        }
    }

    /// Something that competes for the write lock as renewals do asks for it now.
    pub(super) fn asks(&self) -> Asking<'_> {
        // tidy: a duration: how long this process was kept waiting
        Asking { patience: self, since: Instant::now() }
    }

    fn note(&self, lasted: Duration) {
        // tidy: a duration: since when the wait is over
        self.remember(Wait { ended: Instant::now(), lasted });
    }

    fn remember(&self, wait: Wait) {
        let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        waits.retain(|earlier| earlier.lasted > wait.lasted);
        waits.push(wait);
    }
}

/// Somebody who asks for the write lock, or has it. Dropped when it is free again: for as long as that took, renewals of
/// other processes were kept waiting, by others or by this one.
#[derive(Debug)]
pub(super) struct Asking<'a> {
    patience: &'a Patience,
    since: Instant,
}

impl Asking<'_> {
    /// The lock was given or refused: so long was the wait.
    pub(super) fn answered(&self) {
        let waited = self.since.elapsed();
        if waited >= TOLD {
            telemetry::waited(waited);
        }
        self.patience.note(waited);
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.patience.note(self.since.elapsed());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_secs(20);
    const SECOND: Duration = Duration::from_secs(1);

    fn after(waits: &[(u64, u64)]) -> Patience {
        let patience = Patience::default();
        for &(millis, seconds_ago) in waits {
            let ended = Instant::now().checked_sub(SECOND * seconds_ago as u32).expect("the machine is up for longer");
            patience.remember(Wait { ended, lasted: Duration::from_millis(millis) });
        }
        patience
    }

    #[test]
    fn t9_who_hardly_waited_steals_what_has_expired() {
        assert_eq!(after(&[]).allowance(LEASE), Some(Duration::ZERO));
        assert_eq!(after(&[(900, 3), (1_000, 1)]).allowance(LEASE), Some(Duration::ZERO));
    }

    #[test]
    fn t9_who_waited_gives_others_as_long_again() {
        assert_eq!(after(&[(2_000, 15), (4_000, 10), (1_500, 5), (900, 1)]).allowance(LEASE), Some(SECOND * 4));
        assert_eq!(after(&[(4_000, 25), (2_000, 15), (1_500, 5)]).allowance(LEASE), Some(SECOND * 2));
        assert_eq!(after(&[(4_000, 25)]).allowance(LEASE), Some(Duration::ZERO), "it is forgotten after a lease");
    }

    #[test]
    fn t9_who_waited_for_a_third_of_a_lease_steals_nothing_for_one() {
        assert_eq!(after(&[(7_000, 19), (900, 0)]).allowance(LEASE), None);
        assert_eq!(after(&[(7_000, 21), (900, 0)]).allowance(LEASE), Some(Duration::ZERO));
        assert_eq!(after(&[(200, 0)]).allowance(SECOND), Some(Duration::from_millis(200)), "a short lease");
        assert_eq!(after(&[(400, 0)]).allowance(SECOND), None);
    }

    #[test]
    fn t9_who_keeps_the_lock_has_kept_the_others_waiting_for_as_long() {
        let patience = Patience::default();
        let asking = patience.asks();
        asking.answered();
        assert_eq!(patience.allowance(LEASE), Some(Duration::ZERO), "it was free");
        let since = asking.since.checked_sub(SECOND * 3).expect("the machine is up for longer");
        drop(Asking { patience: &patience, since });
        let allowance = patience.allowance(LEASE).expect("less than a third of a lease");
        assert!((SECOND * 3..SECOND * 4).contains(&allowance), "{allowance:?}");
    }
}
