//! What the keeper tells the claimer: under which incarnation to claim, and whether it may steal.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

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
    exhausted: bool,
}

/// What one claim statement needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClaimRight {
    pub(crate) token: Token,
    pub(crate) steal: bool,
}

impl Link {
    /// The keeper has enlisted as `incarnation`.
    pub(crate) fn connected(&self, incarnation: Incarnation) {
        let now = Some(Instant::now());
        *self.lock() = State { tokens: Some(Tokens::new(incarnation)), steady_since: now, exhausted: false };
        self.changed.notify_one();
    }

    /// The keeper's connection is gone: nothing is claimed until it is back under a new incarnation.
    pub(crate) fn disconnected(&self) {
        *self.lock() = State::default();
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
        let steal = state.steady_since.is_some_and(|since| since.elapsed() >= lease);
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

    /// Waits until there may be an incarnation.
    pub(crate) async fn changed(&self) {
        if self.incarnation().is_none() {
            self.changed.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
