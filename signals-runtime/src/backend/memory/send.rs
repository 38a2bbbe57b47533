//! T1: signals with one delivery for each receiver, into the buffer of the sender's transaction.

use std::collections::BTreeMap;
use std::sync::Arc;

use signals_core::clock::Timestamp;
use signals_core::delivery::ReceiverId;
use signals_core::store::StoredSignal;
use signals_core::{Error, Outgoing, Receipt, Result, SendBatch, SendContext, SignalDef};

use super::conn::{MemoryConn, Op, own_key, undo};
use super::contention;
use super::tables::{KeyRow, Tables};
use crate::broken;

/// All of the batch or nothing of it.
pub(super) fn send(conn: &mut MemoryConn, batch: &SendBatch) -> Result<Vec<Receipt>> {
    let MemoryConn { shared, ops, .. } = conn;
    let now = shared.now();
    let mut tables = shared.lock();
    let mark = ops.len();
    let mut writer = Writer { tables: &mut tables, ops, context: &batch.context, audiences: BTreeMap::new(), now };
    let receipts: Result<Vec<Receipt>> = batch.signals.iter().map(|signal| writer.write(signal)).collect();
    if receipts.is_err() {
        undo(&mut tables, ops, mark);
    }
    drop(tables);
    if broken::in_memory(broken::transaction) && receipts.is_ok() {
        conn.commit_and_begin();
    }
    receipts
}

/// Who receives a signal, looked up once for all signals of its name in the batch.
struct Audience {
    name: Arc<str>,
    receivers: Vec<ReceiverId>,
}

struct Writer<'w> {
    tables: &'w mut Tables,
    ops: &'w mut Vec<Op>,
    context: &'w SendContext,
    audiences: BTreeMap<&'static str, Audience>,
    now: Timestamp,
}

impl Writer<'_> {
    fn write(&mut self, signal: &Outgoing) -> Result<Receipt> {
        self.listen(signal.def)?;
        let due_at = signal.due.resolve(self.now)?;
        if let Some(key) = &signal.key
            && let Some(receipt) = self.repeated(key, signal)?
        {
            return Ok(receipt);
        }
        let audience = &self.audiences[signal.def.name];
        let stored = Arc::new(StoredSignal {
            id: self.tables.draw_signal(),
            name: audience.name.clone(),
            version: signal.def.version,
            payload: signal.payload.clone(),
            headers: self.context.headers.clone(),
            sent_at: self.now,
        });
        let to: Vec<_> = audience.receivers.iter().map(|id| (*id, self.tables.draw_position())).collect();
        let receipt = Receipt::stored(stored.id, to.len());
        if let Some(key) = &signal.key {
            self.hold(key, signal, &stored, to.len());
        }
        self.ops.push(Op::Send { signal: stored, due_at, to });
        Ok(receipt)
    }

    /// Looks up who receives the signal; every linked receiver must be among them, or be retired (I14).
    fn listen(&mut self, def: &'static SignalDef) -> Result<()> {
        if !self.audiences.contains_key(def.name) {
            let receivers = self.tables.names.audience(def, self.context.registry.receivers_of(def.name))?;
            self.audiences.insert(def.name, Audience { name: def.name.into(), receivers });
        }
        Ok(())
    }

    /// The receipt of the send that used the key before.
    fn repeated(&self, key: &str, signal: &Outgoing) -> Result<Option<Receipt>> {
        let Some(first) = own_key(self.ops, key).or_else(|| self.tables.keys.get(key)) else {
            return if self.tables.held_keys.contains(key) {
                Err(contention(format_args!("idempotency key `{key}`")))
            } else {
                Ok(None)
            };
        };
        if first.is_repeated_by(signal.def, &signal.payload) {
            Ok(Some(Receipt::repeated(first.signal, first.deliveries)))
        } else {
            Err(Error::KeyReused { key: key.to_owned() })
        }
    }

    fn hold(&mut self, key: &str, signal: &Outgoing, stored: &Arc<StoredSignal>, deliveries: usize) {
        let row =
            KeyRow { signal: stored.id, name: signal.def.name, stored: stored.clone(), deliveries, sent_at: self.now };
        self.tables.held_keys.insert(key.to_owned());
        self.ops.push(Op::Key { key: key.to_owned(), row });
    }
}
