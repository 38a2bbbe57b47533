//! Workers that are moved by hand, and what they say of their deliveries.

use std::sync::Arc;
use std::time::Duration;

use signals_core::Result;
use signals_core::delivery::Lane;
use signals_core::store::{
    Acked, AttemptOutcome, Claim, ClaimLane, Claimed, Claims, Failed, Fate, Finished, Held, Renewed, Snoozed, Store,
    WorkerInfo,
};
use signals_core::token::Tokens;

/// The lease of a [`Puppet`].
pub const LEASE: Duration = Duration::from_secs(20);

/// A worker that is moved by hand: it claims and finishes when the case says so, and runs nothing. Several of them are
/// several processes: each has its own incarnation, and forgets nothing when its leases run out, which makes a zombie.
///
/// Finishing verbs answer what the store answers, so that a case can ask for [`Finished::Stale`]; claims must succeed.
pub struct Puppet {
    /// Where it works.
    pub store: Arc<dyn Store>,
    /// Its tokens.
    pub tokens: Tokens,
    /// The lanes that it knows.
    pub lanes: Vec<Lane>,
}

impl std::fmt::Debug for Puppet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Puppet").field("tokens", &self.tokens).field("lanes", &self.lanes).finish_non_exhaustive()
    }
}

impl Puppet {
    /// A worker that knows `lanes`.
    pub async fn enlist(store: Arc<dyn Store>, lanes: Vec<Lane>) -> Self {
        let info = WorkerInfo { host: "puppet".to_owned(), pid: 1, build: "test".to_owned(), lanes: lanes.clone() };
        let incarnation = store.enlist(&info).await.expect("a worker can enlist");
        Self { store, tokens: Tokens::new(incarnation), lanes }
    }

    /// A claim of at most `limit` from all lanes that steals nothing; what is due was promoted before.
    pub async fn claim(&mut self, limit: usize) -> Vec<Claimed> {
        self.claim_with(limit, |_| {}).await.claimed
    }

    /// Claims the only delivery that can be claimed.
    pub async fn claim_one(&mut self) -> Claimed {
        let mut claimed = self.claim(10).await;
        assert_eq!(claimed.len(), 1, "expected exactly one delivery to claim");
        claimed.remove(0)
    }

    /// A claim of at most `limit` that steals expired leases.
    pub async fn steal(&mut self, limit: usize) -> Claims {
        self.claim_with(limit, |claim| (claim.steal, claim.suspect) = (true, true)).await
    }

    /// A claim with changes.
    pub async fn claim_with(&mut self, limit: usize, change: impl FnOnce(&mut Claim)) -> Claims {
        self.store.promote(10_000).await.expect("what is due can be promoted");
        let token = self.tokens.draw().expect("tokens are left");
        let lanes = self.lanes.iter().map(|&lane| ClaimLane { lane, limit }).collect();
        let mut claim = Claim { token, lease: LEASE, lanes, limit, steal: false, suspect: false };
        change(&mut claim);
        self.store.claim(&claim).await.expect("a claim succeeds")
    }

    /// T3.
    pub async fn renew(&self, claimed: &Claimed) -> Renewed {
        only(self.store.renew(&[claimed.held], LEASE).await)
    }

    /// T4, with history.
    pub async fn ack(&self, claimed: &Claimed) -> Finished {
        only(self.store.ack(&[acked(claimed, true)]).await)
    }

    /// T5.
    pub async fn fail(&self, claimed: &Claimed, fate: Fate) -> Finished {
        only(self.store.fail(&[failed(claimed, fate)]).await)
    }

    /// T6.
    pub async fn snooze(&self, claimed: &Claimed, seconds: u64) -> Finished {
        let snoozed = Snoozed { held: claimed.held, delay: Duration::from_secs(seconds) };
        only(self.store.snooze(&[snoozed]).await)
    }

    /// T8.
    pub async fn release(&self, claimed: &Claimed) -> Finished {
        only(self.store.release(&[claimed.held]).await)
    }
}

/// An acknowledgement of `claimed`.
pub fn acked(claimed: &Claimed, keep: bool) -> Acked {
    Acked { held: claimed.held, ran: Duration::from_millis(5), keep }
}

/// A failure of `claimed` with the error "boom".
pub fn failed(claimed: &Claimed, fate: Fate) -> Failed {
    let outcome = match fate {
        Fate::Retry { .. } => AttemptOutcome::Error,
        Fate::Dead(_) => AttemptOutcome::Discard,
    };
    Failed { held: claimed.held, outcome, error: "boom".to_owned(), ran: Duration::from_millis(5), fate }
}

/// Another attempt after `seconds`.
pub fn retry_in(seconds: u64) -> Fate {
    Fate::Retry { delay: Duration::from_secs(seconds) }
}

/// What `claimed` names its delivery by, changed.
pub fn forged(held: Held, change: impl FnOnce(&mut Held)) -> Held {
    let mut forged = held;
    change(&mut forged);
    forged
}

fn only<T: std::fmt::Debug>(answers: Result<Vec<T>>) -> T {
    let mut answers = answers.expect("the statement succeeds");
    assert_eq!(answers.len(), 1, "one answer for one delivery: {answers:?}");
    answers.remove(0)
}
