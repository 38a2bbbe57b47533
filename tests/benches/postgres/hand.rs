//! A worker's statements without a worker: claims and acknowledgements when the bench says so.

use std::sync::Arc;
use std::time::Duration;

use signals_core::delivery::{Lane, ReceiverId};
use signals_core::store::{Acked, Claim, ClaimLane, Claimed, Store, WorkerInfo};
use signals_core::token::Tokens;
use signals_runtime::{PgBackend, Signals};

use crate::facts::One;
use crate::{Result, by_hand};

/// Who claims from the lane of [`One`].
pub(crate) struct Hand {
    store: Arc<dyn Store>,
    tokens: Tokens,
    lane: Lane,
}

impl Hand {
    pub(crate) async fn of(signals: &Signals<PgBackend>) -> Result<Self> {
        let store = signals.store();
        let receiver = ReceiverId(by_hand::receivers(signals.backend().pool(), One::RECEIVERS).await?[0]);
        let lane = Lane { receiver, version: 1 };
        let info = WorkerInfo { host: "bench".to_owned(), pid: 1, build: "bench".to_owned(), lanes: vec![lane] };
        let tokens = Tokens::new(store.enlist(&info).await?);
        Ok(Self { store, tokens, lane })
    }

    pub(crate) async fn claim(&mut self, limit: usize) -> Result<Vec<Claimed>> {
        let token = self.tokens.draw().ok_or("no token is left")?;
        let lanes = vec![ClaimLane { lane: self.lane, limit }];
        let lease = Duration::from_secs(20);
        let claim = Claim { token, lease, lanes, limit, steal: true, suspect: true };
        Ok(self.store.claim(&claim).await?.claimed)
    }

    pub(crate) async fn ack(&self, claimed: &[Claimed], keep: bool) -> Result {
        let acked = |claimed: &Claimed| Acked { held: claimed.held, ran: Duration::from_millis(1), keep };
        self.store.ack(&claimed.iter().map(acked).collect::<Vec<_>>()).await?;
        Ok(())
    }
}
