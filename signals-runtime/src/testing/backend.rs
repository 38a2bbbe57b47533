//! What a backend offers to tests: a database for one of them, and a look at every signal.

use std::future::Future;

use signals_core::clock::ManualClock;
use signals_core::delivery::{DeliveryId, SignalId};
use signals_core::store::{Claim, Claims, StoredSignal};
use signals_core::{Backend, BoxFuture, Result};

/// A backend that tests can run on. Clones of it are the same database.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no backend that tests can run on",
    label = "expected `MemoryBackend`, `SqliteBackend`, or another that implements `TestBackend`"
)]
pub trait TestBackend: Backend + Clone {
    /// What must live as long as the database of one test: a directory, a schema that is dropped at the end.
    type Guard: Send + Sync + 'static;

    /// Makes an empty database for one test, whose every time comes from `clock`. The kit migrates it.
    ///
    /// Nothing of it may be shared with another test: they run in parallel, in one process or in several.
    ///
    /// # Errors
    ///
    /// Returns an error when there is no database to be had. The test has failed then.
    fn open(clock: ManualClock) -> impl Future<Output = Result<(Self, Self::Guard)>> + Send;

    /// The signals that are committed and were stored under a higher id than `after`, by id; those that nobody receives
    /// among them. An implementation that reads them out of deliveries makes `assert_sent` blind for these.
    ///
    /// # Errors
    ///
    /// Returns an error when the database cannot be asked.
    fn signals_after(&self, after: SignalId) -> BoxFuture<'_, Result<Vec<StoredSignal>>>;

    /// Claims `delivery` and no other, though others may stand before it in the claim's only lane, as
    /// [`Store::claim`](signals_core::store::Store::claim) does: a ready one, or a running one, whose holder loses its lease
    /// by this whether it is over or not. Nothing of a receiver that is paused.
    ///
    /// An implementation that touches other deliveries lets a test of one receiver kill what waits for it.
    ///
    /// # Errors
    ///
    /// Returns an error when the database cannot be asked, or refuses.
    fn seize<'a>(&'a self, claim: &'a Claim, delivery: DeliveryId) -> BoxFuture<'a, Result<Claims>>;
}
