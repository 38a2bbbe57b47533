//! A database for one test: a file in a directory of its own, gone with the test.

use std::sync::Arc;

use signals_core::clock::ManualClock;
use signals_core::delivery::{DeliveryId, SignalId};
use signals_core::store::{Claim, Claims, StoredSignal};
use signals_core::{BoxFuture, Error, Result};

use super::{SqliteBackend, claim, error, rows, sql};
use crate::testing::TestBackend;

impl TestBackend for SqliteBackend {
    type Guard = tempfile::TempDir;

    async fn open(clock: ManualClock) -> Result<(Self, tempfile::TempDir)> {
        let directory = tempfile::tempdir().map_err(|error| Error::Unavailable(error.into()))?;
        let backend = Self::options().clock(Arc::new(clock)).open(directory.path().join("test.db")).await?;
        Ok((backend, directory))
    }

    fn signals_after(&self, after: SignalId) -> BoxFuture<'_, Result<Vec<StoredSignal>>> {
        Box::pin(async move {
            let found = sqlx::query(sql::SIGNALS_AFTER).bind(after.0).fetch_all(&self.pool).await.map_err(error::of)?;
            found.iter().map(|row| rows::signal(rows::get(row, "id")?, row)).collect()
        })
    }

    fn seize<'a>(&'a self, claim: &'a Claim, delivery: DeliveryId) -> BoxFuture<'a, Result<Claims>> {
        Box::pin(claim::seize(&self.store.connections, claim, delivery))
    }
}
