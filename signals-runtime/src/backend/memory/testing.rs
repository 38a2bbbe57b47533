//! A database for one test is simply another one.

use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;

use signals_core::clock::ManualClock;
use signals_core::delivery::{DeliveryId, SignalId};
use signals_core::store::{Claim, Claims, StoredSignal};
use signals_core::{BoxFuture, Result};

use super::{MemoryBackend, claim};
use crate::testing::TestBackend;

impl TestBackend for MemoryBackend {
    type Guard = ();

    async fn open(clock: ManualClock) -> Result<(Self, ())> {
        Ok((Self::with_clock(Arc::new(clock)), ()))
    }

    fn signals_after(&self, after: SignalId) -> BoxFuture<'_, Result<Vec<StoredSignal>>> {
        Box::pin(async move {
            let tables = self.shared.lock();
            let behind = tables.signals.range((Excluded(after), Unbounded));
            Ok(behind.map(|(_, row)| StoredSignal::clone(&row.stored)).collect())
        })
    }

    fn seize<'a>(&'a self, claim: &'a Claim, delivery: DeliveryId) -> BoxFuture<'a, Result<Claims>> {
        Box::pin(async move { Ok(claim::seize(&mut self.shared.lock(), claim, delivery, self.shared.now())) })
    }
}
