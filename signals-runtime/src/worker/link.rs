//! What the keeper tells the claimer: under which incarnation to claim, and whether it may steal.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use signals_core::Error;
use signals_core::clock::{Clock as _, SystemClock, Timestamp};
use signals_core::token::{Incarnation, Token, Tokens};
use tokio::sync::Notify;

#[derive(Debug, Default)]
pub(crate) struct Link {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    tokens: Option<Tokens>,
    /// Since when the keeper has been connected without a break or a long wait.
    steady_since: Option<Instant>,
    /// When it renewed last, by both clocks.
    beat: Option<(Instant, Timestamp)>,
    exhausted: bool,
    /// Why there is no connection.
    trouble: Option<Error>,
}

/// What one claim statement needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClaimRight {
    pub(crate) token: Token,
    pub(crate) steal: bool,
}

impl Link {
    /// The keeper has enlisted as `incarnation`, and renewed what was held before.
    pub(crate) fn connected(&self, incarnation: Incarnation) {
        let now = Instant::now();
        let tokens = Some(Tokens::new(incarnation));
        let beat = Some((now, SystemClock.now()));
        *self.lock() = State { tokens, steady_since: Some(now), beat, ..State::default() };
        self.changed.notify_one();
    }

    /// The keeper's connection is gone: nothing is claimed until it is back under a new incarnation.
    pub(crate) fn disconnected(&self, trouble: Error) {
        *self.lock() = State { trouble: Some(trouble), ..State::default() };
    }

    /// The keeper has renewed everything.
    pub(crate) fn beat(&self, lease: Duration) {
        let mut state = self.lock();
        // A sleep that no claim has noticed is noticed now, before its trace is gone.
        state.notice_a_gap(lease);
        state.beat = Some((Instant::now(), SystemClock.now()));
    }

    /// The database kept the keeper waiting so long that others' renewals may be late too: nobody is stolen from for one
    /// lease.
    pub(crate) fn unsteady(&self) {
        let mut state = self.lock();
        if state.steady_since.is_some() {
            state.steady_since = Some(Instant::now());
        }
    }

    /// A token for one claim; `None` while there is no incarnation.
    pub(crate) fn draw(&self, lease: Duration) -> Option<ClaimRight> {
        let mut state = self.lock();
        let steal = state.may_steal(lease);
        let tokens = state.tokens.as_mut()?;
        match tokens.draw() {
            Some(token) => Some(ClaimRight { token, steal }),
            None => {
                state.exhausted = true;
                None
            }
        }
    }

    pub(crate) fn incarnation(&self) -> Option<Incarnation> {
        self.lock().tokens.as_ref().map(Tokens::incarnation)
    }

    /// Whether the incarnation has used all its tokens.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.lock().exhausted
    }

    /// Why there is no connection, said once.
    pub(crate) fn take_trouble(&self) -> Option<Error> {
        self.lock().trouble.take()
    }

    /// Waits until there is an incarnation.
    pub(crate) async fn connection(&self) {
        while self.incarnation().is_none() {
            self.changed.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Only after a whole lease of steady connection, and only while the keeper renews on time: after the process or its
    /// machine slept, or its clock jumped, leases look expired that everybody is about to renew (W5, W15).
    fn may_steal(&mut self, lease: Duration) -> bool {
        self.notice_a_gap(lease);
        self.steady_since.is_some_and(|since| since.elapsed() >= lease)
    }

    fn notice_a_gap(&mut self, lease: Duration) {
        let Some((renewed, by_the_wall)) = self.beat else { return };
        let late = renewed.elapsed() > lease * 2 / 3;
        let jumped = SystemClock.now().since(by_the_wall) > renewed.elapsed() + lease / 3;
        if (late || jumped) && self.steady_since.is_some() {
            self.steady_since = Some(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_secs(20);

    fn link(connected_ago: Duration, renewed_ago: Duration, wall_ago: Duration) -> Link {
        let link = Link::default();
        link.connected(Incarnation::from_bits(1));
        let before = |ago| Instant::now().checked_sub(ago).expect("the machine has been up for longer");
        let wall = SystemClock.now().saturating_sub(wall_ago);
        link.lock().steady_since = Some(before(connected_ago));
        link.lock().beat = Some((before(renewed_ago), wall));
        link
    }

    fn steals(link: &Link) -> bool {
        link.draw(LEASE).expect("it is connected").steal
    }

    #[test]
    fn t9_only_a_keeper_that_was_connected_for_a_lease_lets_steal() {
        let second = Duration::from_secs(1);
        assert!(steals(&link(LEASE, second, second)));
        assert!(!steals(&link(LEASE - second, second, second)));
        assert!(steals(&link(LEASE, LEASE / 2, LEASE / 2)), "a renewal that is a little late endangers nobody");
        let link = link(LEASE, second, second);
        link.unsteady();
        assert!(!steals(&link), "nobody steals for one lease after a long wait");
        link.disconnected(Error::NotInTransaction);
        assert!(link.draw(LEASE).is_none(), "nor claims without a connection");
        link.connected(Incarnation::from_bits(2));
        assert!(!steals(&link), "nor steals for one lease after it is back");
    }

    #[test]
    fn w5_a_worker_that_slept_does_not_steal_before_it_has_renewed() {
        let slept = link(LEASE * 10, LEASE, LEASE);
        assert!(!steals(&slept));
        slept.beat(LEASE);
        assert!(!steals(&slept), "and then not for a whole lease, for others slept too");
        let woken = link(LEASE * 10, LEASE, LEASE);
        woken.beat(LEASE);
        assert!(!steals(&woken), "the keeper may be the first to wake");
    }

    #[test]
    fn w15_a_clock_that_jumped_ahead_lets_nobody_steal() {
        let second = Duration::from_secs(1);
        let jumped = link(LEASE * 10, second, Duration::from_secs(3600));
        assert!(!steals(&jumped));
        jumped.beat(LEASE);
        assert!(!steals(&jumped), "and then not for a whole lease");
        assert!(steals(&link(LEASE, second, second * 4)), "a clock that is adjusted by seconds is none that jumped");
    }
}
