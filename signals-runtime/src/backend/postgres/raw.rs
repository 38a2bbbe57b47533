//! Sends through transactions that the application began with sqlx, without a [`Tx`](crate::Tx).
//!
//! They cannot refuse to commit after a failed send, so the server does: the send aborts them (S4). They wake nobody up:
//! workers find what they committed by polling. They know the receivers that are linked into the program and the limits
//! that are the defaults.

use std::sync::{Arc, OnceLock};

use signals_core::{
    BoxFuture, Error, InTransaction, Outgoing, Problems, Registry, Result, SendBatch, SendContext, Sent,
};
use sqlx::{Connection as _, PgConnection, Postgres, Transaction};

use super::{PgBackend, send};
use crate::telemetry;

/// The receivers that are linked into this program.
static LINKED: OnceLock<Result<Arc<Registry>, Problems>> = OnceLock::new();

fn linked() -> Result<Arc<Registry>> {
    let collect = || {
        Registry::linked().map(Arc::new).map_err(|error| match error {
            Error::Registry(problems) => problems,
            other => unreachable!("building a registry only finds problems, not {other}"),
        })
    };
    LINKED.get_or_init(collect).clone().map_err(Error::Registry)
}

/// A connection inside a transaction that was begun through sqlx, for whoever has no more: `&mut *tx`.
///
/// A send that is dropped before it answers may have happened or not, and the transaction does not know: code that may be
/// dropped there (a time-out around a send, say) begins with [`Signals::begin`](crate::Signals::begin), whose transactions
/// refuse to commit then.
impl InTransaction<PgBackend> for PgConnection {
    fn context(&mut self, _: &[Outgoing]) -> SendContext {
        // Whoever sends is told of problems by `start`.
        SendContext::new(linked().unwrap_or_default())
    }

    fn start(&mut self) -> Result<&mut PgConnection> {
        linked()?;
        if self.is_in_transaction() { Ok(self) } else { Err(Error::NotInTransaction) }
    }

    fn finish(&mut self, batch: &SendBatch, sent: &mut Sent) {
        telemetry::sent(batch, &sent.receipts);
    }

    fn abort(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(send::abort(self))
    }
}

/// A transaction that was begun through sqlx. As for a connection inside one.
impl InTransaction<PgBackend> for Transaction<'_, Postgres> {
    fn context(&mut self, signals: &[Outgoing]) -> SendContext {
        InTransaction::<PgBackend>::context(&mut **self, signals)
    }

    fn start(&mut self) -> Result<&mut PgConnection> {
        InTransaction::<PgBackend>::start(&mut **self)
    }

    fn finish(&mut self, batch: &SendBatch, sent: &mut Sent) {
        InTransaction::<PgBackend>::finish(&mut **self, batch, sent);
    }

    fn abort(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(send::abort(self))
    }
}
