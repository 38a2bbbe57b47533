//! What a database must offer: transactions that signals are sent in, and a [`Store`] of deliveries.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::clock::{Clock, SystemClock};
use crate::store::{Acked, Store};
use crate::{Outgoing, Receipt, Result, SendBatch, SendContext, Sent};

/// A boxed future that may move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A database that holds deliveries.
///
/// The methods here are about the *sender's* side and about receivers that run in a transaction; what workers and
/// operators do is behind [`Store`].
///
/// # Errors
///
/// Every method answers with the [`Error`](crate::Error) that says what the caller can do, and keeps the driver's as its
/// source. What is in the way for now is [`Contention`](crate::Error::Contention) or
/// [`Unavailable`](crate::Error::Unavailable): callers begin again on these, and on no other.
///
/// # Cancel safety
///
/// The runtime runs `begin`, `commit` and `rollback` to their ends. The others may be dropped: the transaction must be
/// usable then, if only to be rolled back.
pub trait Backend: Send + Sync + 'static {
    /// A connection inside a transaction: what application code runs its own statements on.
    type Conn: Send;
    /// A transaction in progress, not tied to a scope.
    type Tx: Send + 'static;

    /// What messages call this backend: `sqlite`, `postgres`.
    const NAME: &'static str;

    /// Begins a transaction that may write.
    ///
    /// The runtime runs this to its end even when its caller is dropped (S6).
    fn begin(&self) -> BoxFuture<'_, Result<Self::Tx>>;

    /// Commits. On an error nothing was committed, but for [`Error::CommitUnknown`](crate::Error::CommitUnknown).
    fn commit(&self, tx: Self::Tx) -> BoxFuture<'_, Result<()>>;

    /// The same for a transaction that is known to be open and in order, for backends that save something by it: the last
    /// thing said in it was a send that [knew](Self::send_knowing), or an [`ack`](Self::ack) that went well.
    fn commit_in_order(&self, tx: Self::Tx) -> BoxFuture<'_, Result<()>> {
        self.commit(tx)
    }

    /// Rolls back. A dropped `Tx` must roll back too, at the latest before its connection is used again.
    fn rollback(&self, tx: Self::Tx) -> BoxFuture<'_, Result<()>>;

    /// The connection that `tx` runs on.
    fn conn(tx: &Self::Tx) -> &Self::Conn;

    /// The connection that `tx` runs on, to write through.
    fn conn_mut(tx: &mut Self::Tx) -> &mut Self::Conn;

    /// Opens a savepoint inside the transaction. When the future is dropped no savepoint may be left open.
    fn savepoint(conn: &mut Self::Conn) -> BoxFuture<'_, Result<()>>;

    /// Keeps what was done since the innermost savepoint.
    fn release_savepoint(conn: &mut Self::Conn) -> BoxFuture<'_, Result<()>>;

    /// Undoes what was done since the innermost savepoint, and closes it.
    fn rollback_savepoint(conn: &mut Self::Conn) -> BoxFuture<'_, Result<()>>;

    /// The same without waiting, for a savepoint that was dropped: it must take effect before any later statement.
    fn start_rollback_savepoint(conn: &mut Self::Conn);

    /// Stores a batch of signals with their deliveries, in a number of statements that does not grow with the number of
    /// receivers (T1). All of it or none (I1, I14): an implementation that writes first and checks the registry later
    /// must not leave anything behind when it fails.
    ///
    /// Receipts come in the order of the batch.
    fn send<'c>(conn: &'c mut Self::Conn, batch: &'c SendBatch) -> BoxFuture<'c, Result<Vec<Receipt>>>;

    /// The same, and what it has shown beside: whether the transaction is in order, and what it has claimed for a worker of this
    /// process, if [`SendContext::claim`] asks for it.
    ///
    /// A claim must be one with the send: what is told as claimed is stored as running, under the token, for the lease from
    /// now on, and with its first attempt counted; nothing of a paused receiver is.
    fn send_knowing<'c>(conn: &'c mut Self::Conn, batch: &'c SendBatch) -> BoxFuture<'c, Result<Sent>> {
        Box::pin(async { Ok(Sent::stored(Self::send(conn, batch).await?)) })
    }

    /// Whether [`send_knowing`](Self::send_knowing) can claim.
    fn claims_in_sends(&self) -> bool {
        false
    }

    /// Something was committed that workers of other processes may be waiting for. A hint, which may be lost: it must not
    /// wait, and costs senders nothing.
    fn announce(&self) {}

    /// Remembers, at the beginning of a transactional receiver's attempt, which transaction this is, so that
    /// [`Backend::ack`] can tell whether it still is the same (W21).
    fn fence<'t>(&'t self, tx: &'t mut Self::Tx) -> BoxFuture<'t, Result<()>>;

    /// T4 inside the receiver's transaction: settles the delivery as done if `held` still holds it.
    ///
    /// # Errors
    ///
    /// [`Error::TransactionEnded`](crate::Error::TransactionEnded) when `tx` is no longer the transaction that
    /// [`Backend::fence`] saw; [`Error::Stale`](crate::Error::Stale) when the token matches nothing. The runtime then
    /// rolls back. An implementation that does not lock the delivery until the commit delivers effects twice.
    fn ack<'t>(&'t self, tx: &'t mut Self::Tx, acked: &'t Acked) -> BoxFuture<'t, Result<()>>;

    /// The deliveries.
    fn store(&self) -> Arc<dyn Store>;

    /// The clock that stands in for the database's, for backends whose database has none.
    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(SystemClock)
    }
}

/// Something that a signal can be sent through: a `Tx`, or a transaction of an enabled backend.
///
/// A send calls [`start`](Self::start) when it is first polled and [`finish`](Self::finish) when it has stored
/// everything. In between, and for ever when it failed or was dropped, the transaction must refuse to commit.
#[diagnostic::on_unimplemented(
    message = "cannot send a signal through `{Self}`: it is not a transaction",
    label = "expected `&mut Tx<_>` (from `signals.begin()`) or a transaction of an enabled backend",
    note = "a transaction that was begun elsewhere is handed over with `signals.adopt(tx)`"
)]
pub trait InTransaction<B: Backend>: Send {
    /// What a send of `signals` must know of the application: its registry, its limits, what caused the send, and whether a
    /// worker of this process wants it at once.
    fn context(&mut self, signals: &[Outgoing]) -> SendContext;

    /// Marks a send as under way and gives the connection to write through.
    ///
    /// # Errors
    ///
    /// Returns an error when there is no transaction on it.
    fn start(&mut self) -> Result<&mut B::Conn>;

    /// Unmarks it: everything in `batch` is stored, as `sent` says. What was claimed is the transaction's to keep.
    fn finish(&mut self, batch: &SendBatch, sent: &mut Sent);

    /// The send has failed. What cannot remember that, and refuse to commit, sees to it here that the database does (S4).
    fn abort(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}
