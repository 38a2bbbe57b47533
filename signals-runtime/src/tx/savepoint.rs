//! Savepoints: a part of a transaction that can be undone with its sends (S5).

use std::fmt;
use std::ops::{Deref, DerefMut};

use signals_core::{Backend, Result};

use super::Tx;

/// A part of a [`Tx`]: write and send through it, then [`release`](Self::release) it to keep both, or
/// [`rollback`](Self::rollback) to undo both. Dropped, it rolls back.
///
/// A send that failed inside it spoils the transaction only until it is rolled back.
///
/// ```
/// # use signals_runtime::{MemoryBackend, Signals};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> signals_runtime::Result<()> {
/// # let signals = Signals::new(MemoryBackend::new());
/// # signals.setup().await?;
/// let mut tx = signals.begin().await?;
/// tx.put("order 7", "placed");
/// let mut bonus = tx.savepoint().await?;
/// bonus.put("bonus 7", "granted");
/// bonus.rollback().await?; // the order stays
/// tx.commit().await?;
/// assert_eq!(signals.backend().committed("order 7").as_deref(), Some("placed"));
/// assert_eq!(signals.backend().committed("bonus 7"), None);
/// # Ok(())
/// # }
/// ```
#[must_use = "a savepoint that is dropped is rolled back"]
pub struct Savepoint<'t, B: Backend> {
    tx: &'t mut Tx<B>,
    open: bool,
}

impl<B: Backend> Tx<B> {
    /// Opens a savepoint.
    ///
    /// # Errors
    ///
    /// Returns an error when the database refuses.
    ///
    /// # Cancel safety
    ///
    /// When this is dropped no savepoint is left open.
    pub async fn savepoint(&mut self) -> Result<Savepoint<'_, B>> {
        B::savepoint(self).await?;
        self.open_mut().depth += 1;
        Ok(Savepoint { tx: self, open: true })
    }
}

impl<B: Backend> Savepoint<'_, B> {
    /// Keeps what was done since it was opened, as part of the transaction.
    ///
    /// # Errors
    ///
    /// Returns an error when the database refuses.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it answers, the savepoint is rolled back, unless it was over already.
    pub async fn release(mut self) -> Result<()> {
        B::release_savepoint(self.tx).await?;
        self.open = false;
        let open = self.tx.open_mut();
        open.depth -= 1;
        // A failure inside is from here on one of the part around it.
        open.failed = open.failed.map(|at| at.min(open.depth));
        Ok(())
    }

    /// Undoes what was done since it was opened, its sends and their failures included.
    ///
    /// # Errors
    ///
    /// Returns an error when the database refuses.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it answers, the savepoint is rolled back, unless it was over already.
    pub async fn rollback(mut self) -> Result<()> {
        B::rollback_savepoint(self.tx).await?;
        self.open = false;
        self.tx.open_mut().savepoint_undone();
        Ok(())
    }
}

impl<B: Backend> super::Open<B> {
    fn savepoint_undone(&mut self) {
        if self.failed.is_some_and(|at| at >= self.depth) {
            self.failed = None;
        }
        self.depth -= 1;
    }
}

impl<B: Backend> Deref for Savepoint<'_, B> {
    type Target = Tx<B>;

    fn deref(&self) -> &Tx<B> {
        self.tx
    }
}

impl<B: Backend> DerefMut for Savepoint<'_, B> {
    fn deref_mut(&mut self) -> &mut Tx<B> {
        self.tx
    }
}

impl<B: Backend> Drop for Savepoint<'_, B> {
    fn drop(&mut self) {
        if self.open {
            B::start_rollback_savepoint(self.tx);
            self.tx.open_mut().savepoint_undone();
        }
    }
}

impl<B: Backend> fmt::Debug for Savepoint<'_, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Savepoint").field("tx", &self.tx).finish_non_exhaustive()
    }
}
