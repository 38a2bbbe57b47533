//! A transaction without protection.

use signals_core::store::Claimed;
use signals_core::{Backend, InTransaction, Outgoing, Result, SendBatch, SendContext, Sent};

use super::puppet::acked;

/// A transaction that signals can be sent in, with no protection of its own: cases see what the backend does.
#[derive(Debug)]
pub struct TestTx<B: Backend> {
    /// The backend.
    pub backend: B,
    /// The transaction.
    pub tx: B::Tx,
    /// What sends through it carry.
    pub context: SendContext,
}

impl<B: Backend> TestTx<B> {
    /// The connection.
    pub fn conn(&mut self) -> &mut B::Conn {
        B::conn_mut(&mut self.tx)
    }

    /// Commits.
    ///
    /// # Errors
    ///
    /// Returns what the backend says.
    pub async fn commit(self) -> Result<()> {
        self.backend.commit(self.tx).await
    }

    /// Rolls back; must succeed.
    pub async fn rollback(self) {
        self.backend.rollback(self.tx).await.expect("a rollback succeeds");
    }

    /// Opens a savepoint; must succeed.
    pub async fn savepoint(&mut self) {
        B::savepoint(self.conn()).await.expect("a savepoint can be opened");
    }

    /// Keeps what was done since the savepoint; must succeed.
    pub async fn release(&mut self) {
        B::release_savepoint(self.conn()).await.expect("a savepoint can be released");
    }

    /// Undoes what was done since the savepoint; must succeed.
    pub async fn undo(&mut self) {
        B::rollback_savepoint(self.conn()).await.expect("a savepoint can be rolled back");
    }

    /// Remembers which transaction this is, as a worker does before it lends it to a receiver; must succeed.
    pub async fn fence(&mut self) {
        self.backend.fence(&mut self.tx).await.expect("a transaction can be fenced");
    }

    /// Acknowledges in this transaction, with history.
    ///
    /// # Errors
    ///
    /// Returns what the backend says.
    pub async fn ack(&mut self, claimed: &Claimed) -> Result<()> {
        self.backend.ack(&mut self.tx, &acked(claimed, true)).await
    }
}

impl<B: Backend> InTransaction<B> for TestTx<B> {
    fn context(&mut self, _: &[Outgoing]) -> SendContext {
        self.context.clone()
    }

    fn start(&mut self) -> Result<&mut B::Conn> {
        Ok(self.conn())
    }

    fn finish(&mut self, _: &SendBatch, _: &mut Sent) {}
}
