//! Transactions: a buffer of writes with marks in it, and the locks that they take on the way.

use std::fmt;
use std::sync::Arc;

use signals_core::clock::Timestamp;
use signals_core::delivery::ReceiverId;
use signals_core::store::{Acked, StoredSignal};
use signals_core::{Error, Result};

use super::tables::{KeyRow, Row, SignalRow, Tables};
use super::{Shared, contention, finish};

/// A connection inside a transaction.
///
/// Beside signals it writes to a little table of texts, so that receivers and senders have effects of their own to test.
/// What is read is what the transaction itself wrote, then what is committed (READ COMMITTED); the last commit wins.
pub struct MemoryConn {
    pub(super) shared: Arc<Shared>,
    pub(super) transaction: u64,
    pub(super) ops: Vec<Op>,
    savepoints: Vec<usize>,
}

/// A transaction in progress. Dropping it rolls back.
#[derive(Debug)]
pub struct MemoryTx {
    pub(super) conn: MemoryConn,
    /// The transaction that the worker lent to a receiver.
    fenced: Option<u64>,
}

/// One write that waits for the commit.
pub(super) enum Op {
    /// Into the little table.
    Put { key: String, value: String },
    /// T1.
    Send { signal: Arc<StoredSignal>, due_at: Option<Timestamp>, to: Vec<(ReceiverId, i64)> },
    /// The idempotency key of a send; held from the send on.
    Key { key: String, row: KeyRow },
    /// T4; the delivery is locked from the acknowledgement on.
    Ack(Acked),
}

impl MemoryConn {
    fn begin(shared: Arc<Shared>) -> Self {
        let transaction = shared.lock().draw_transaction();
        Self { shared, transaction, ops: Vec::new(), savepoints: Vec::new() }
    }

    /// Writes `value` under `key` when the transaction commits.
    pub fn put(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.ops.push(Op::Put { key: key.into(), value: value.into() });
    }

    /// The value under `key`, as this transaction sees it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<String> {
        let written = self.ops.iter().rev().find_map(|op| match op {
            Op::Put { key: other, value } if other == key => Some(value.clone()),
            Op::Put { .. } | Op::Send { .. } | Op::Key { .. } | Op::Ack(_) => None,
        });
        written.or_else(|| self.shared.lock().values.get(key).cloned())
    }

    /// Commits what was written so far and begins another transaction on this connection, as the statements `COMMIT` and
    /// `BEGIN` would: what a receiver must not do with the transaction that it was lent (W21).
    pub fn commit_and_begin(&mut self) {
        self.apply();
        self.transaction = self.shared.lock().draw_transaction();
    }

    pub(super) fn savepoint(&mut self) {
        self.savepoints.push(self.ops.len());
    }

    pub(super) fn release_savepoint(&mut self) -> Result<()> {
        self.savepoints.pop().map(drop).ok_or_else(no_savepoint)
    }

    pub(super) fn rollback_savepoint(&mut self) -> Result<()> {
        let mark = self.savepoints.pop().ok_or_else(no_savepoint)?;
        undo(&mut self.shared.lock(), &mut self.ops, mark);
        Ok(())
    }

    /// What a commit does: all writes at once.
    fn apply(&mut self) {
        let now = self.shared.now();
        let mut tables = self.shared.lock();
        self.savepoints.clear();
        for op in self.ops.drain(..) {
            op.apply(&mut tables, now);
        }
    }
}

impl Drop for MemoryConn {
    fn drop(&mut self) {
        undo(&mut self.shared.lock(), &mut self.ops, 0);
    }
}

impl fmt::Debug for MemoryConn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryConn")
            .field("transaction", &self.transaction)
            .field("writes", &self.ops.len())
            .field("savepoints", &self.savepoints.len())
            .finish_non_exhaustive()
    }
}

impl MemoryTx {
    pub(super) fn begin(shared: Arc<Shared>) -> Self {
        Self { conn: MemoryConn::begin(shared), fenced: None }
    }

    pub(super) fn commit(mut self) {
        self.conn.apply();
    }

    pub(super) fn fence(&mut self) {
        self.fenced = Some(self.conn.transaction);
    }

    pub(super) fn ack(&mut self, acked: &Acked) -> Result<()> {
        let MemoryConn { shared, transaction, ops, .. } = &mut self.conn;
        if self.fenced != Some(*transaction) {
            return Err(Error::TransactionEnded);
        }
        let delivery = acked.held.delivery;
        let mut tables = shared.lock();
        match tables.row(delivery).filter(|row| row.is_held_by(&acked.held)) {
            Some(Row { locked_by: None, .. }) => {
                tables.set_lock(delivery, Some(*transaction));
                ops.push(Op::Ack(*acked));
                Ok(())
            }
            Some(Row { locked_by: Some(other), .. }) if other != transaction => {
                Err(contention(format_args!("delivery {delivery}")))
            }
            Some(_) | None => Err(Error::Stale { delivery }),
        }
    }
}

impl Op {
    fn apply(self, tables: &mut Tables, now: Timestamp) {
        match self {
            Self::Put { key, value } => {
                tables.values.insert(key, value);
            }
            Self::Send { signal, due_at, to } => {
                let mut row = SignalRow { stored: signal.clone(), fanout: Default::default() };
                for (receiver, position) in to {
                    // A merge of names that committed since the send decides who this is now (I15).
                    let receiver = tables.names.survivor(receiver);
                    if row.fanout.insert(receiver) {
                        let delivery = Row::sent(receiver, position, signal.clone(), due_at);
                        tables.put(delivery.expect("a send leads to a state"));
                    }
                }
                tables.signals.insert(signal.id, row);
            }
            Self::Key { key, row } => {
                tables.held_keys.remove(&key);
                tables.keys.insert(key, row);
            }
            Self::Ack(acked) => {
                tables.set_lock(acked.held.delivery, None);
                finish::ack_one(tables, &acked, now);
            }
        }
    }

    fn unlock(self, tables: &mut Tables) {
        match self {
            Self::Put { .. } | Self::Send { .. } => {}
            Self::Key { key, .. } => {
                tables.held_keys.remove(&key);
            }
            Self::Ack(acked) => tables.set_lock(acked.held.delivery, None),
        }
    }
}

/// Drops the writes behind `mark` with their locks.
pub(super) fn undo(tables: &mut Tables, ops: &mut Vec<Op>, mark: usize) {
    for op in ops.drain(mark..) {
        op.unlock(tables);
    }
}

/// The receipt of a send in this same transaction under the same key.
pub(super) fn own_key<'o>(ops: &'o [Op], key: &str) -> Option<&'o KeyRow> {
    ops.iter().find_map(|op| match op {
        Op::Key { key: other, row } if other == key => Some(row),
        Op::Key { .. } | Op::Put { .. } | Op::Send { .. } | Op::Ack(_) => None,
    })
}

fn no_savepoint() -> Error {
    Error::Database("no savepoint is open".into())
}
