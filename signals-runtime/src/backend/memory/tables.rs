//! The tables: rows, the order in which they are claimed, and the one way in which a row changes its state.
//!
//! Architecture invariant: a row is changed by taking it out ([`Tables::take`]), stepping it ([`Row::step`]) and putting
//! it back ([`Tables::put`]), so that the indexes can never disagree with the rows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use signals_core::clock::Timestamp;
use signals_core::delivery::{Counters, DeliveryId, Lane, ReceiverId, SignalId, State, Transition, step};
use signals_core::store::{Action, AttemptRecord, DeathReason, Held, StoredSignal, WorkerInfo};
use signals_core::token::{Incarnation, Token};
use signals_core::{Result, SignalDef};

use super::contention;
use super::register::Names;
use crate::broken;

/// One database.
#[derive(Default)]
pub(super) struct Tables {
    /// Signals and receivers by all their names.
    pub(super) names: Names,
    /// The signals, until they are forgotten.
    pub(super) signals: BTreeMap<SignalId, SignalRow>,
    /// Every delivery in any state.
    rows: BTreeMap<DeliveryId, Row>,
    /// What is ready or running, in the order of claims.
    lanes: BTreeMap<Lane, BTreeMap<i64, DeliveryId>>,
    /// What is ready later, in the order of promotions.
    later: BTreeMap<(Timestamp, i64), DeliveryId>,
    /// Idempotency keys of committed sends.
    pub(super) keys: BTreeMap<String, KeyRow>,
    /// Idempotency keys that transactions in progress have inserted.
    pub(super) held_keys: BTreeSet<String>,
    /// Every incarnation ever drawn.
    pub(super) workers: BTreeMap<Incarnation, WorkerRow>,
    /// What was done by hand, oldest first.
    pub(super) actions: Vec<Action>,
    /// The little table of [`MemoryConn::put`](super::MemoryConn::put).
    pub(super) values: BTreeMap<String, String>,
    last_signal: i64,
    last_position: i64,
    last_transaction: u64,
}

/// A signal as stored.
pub(super) struct SignalRow {
    pub(super) stored: Arc<StoredSignal>,
    /// Who was addressed.
    pub(super) fanout: BTreeSet<ReceiverId>,
}

/// What a send under an idempotency key stored.
#[derive(Clone)]
pub(super) struct KeyRow {
    pub(super) signal: SignalId,
    pub(super) name: &'static str,
    pub(super) stored: Arc<StoredSignal>,
    pub(super) deliveries: usize,
    pub(super) sent_at: Timestamp,
}

impl KeyRow {
    /// Whether the same signal is sent again.
    pub(super) fn is_repeated_by(&self, def: &SignalDef, payload: &[u8]) -> bool {
        def.names().any(|name| name == self.name) && self.stored.payload == payload
    }
}

/// A worker, alive or not.
pub(super) struct WorkerRow {
    pub(super) info: WorkerInfo,
    pub(super) started: Timestamp,
    pub(super) seen: Timestamp,
    pub(super) stopped: bool,
}

/// A delivery.
pub(super) struct Row {
    pub(super) id: DeliveryId,
    pub(super) lane: Lane,
    pub(super) position: i64,
    pub(super) state: State,
    /// Set while it waits for a promotion.
    pub(super) due_at: Option<Timestamp>,
    /// Since when it is due, once it is.
    pub(super) due_since: Timestamp,
    pub(super) life: u32,
    pub(super) counters: Counters,
    /// Set while it is running.
    pub(super) lease: Option<Lease>,
    /// The transaction in progress that acknowledged it.
    pub(super) locked_by: Option<u64>,
    pub(super) signal: Arc<StoredSignal>,
    pub(super) settled_at: Option<Timestamp>,
    pub(super) death: Option<DeathReason>,
    pub(super) actor: Option<String>,
    pub(super) attempts: Vec<AttemptRecord>,
}

/// The right to run a delivery.
#[derive(Clone, Copy)]
pub(super) struct Lease {
    pub(super) token: Token,
    pub(super) until: Timestamp,
}

impl Row {
    /// A delivery as a send stores it.
    pub(super) fn sent(
        receiver: ReceiverId,
        position: i64,
        signal: Arc<StoredSignal>,
        due_at: Option<Timestamp>,
    ) -> Option<Self> {
        Some(Self {
            id: DeliveryId { signal: signal.id, receiver },
            lane: Lane { receiver, version: signal.version },
            position,
            state: step(Transition::Send, None)??,
            due_at,
            due_since: due_at.unwrap_or(signal.sent_at),
            life: 0,
            counters: Counters::default(),
            lease: None,
            locked_by: None,
            signal,
            settled_at: None,
            death: None,
            actor: None,
            attempts: Vec::new(),
        })
    }

    /// Makes the transition if the table of transitions allows it; what belongs to the old state alone is cleared.
    pub(super) fn step(&mut self, transition: Transition, now: Timestamp) -> bool {
        let Some(Some(to)) = step(transition, Some(self.state)) else { return false };
        if to != State::Running {
            self.lease = None;
        }
        self.due_at = None;
        self.settled_at = to.is_settled().then_some(now);
        self.death = None;
        self.state = to;
        true
    }

    /// Whether `held` holds it: all of it is the guard.
    pub(super) fn is_held_by(&self, held: &Held) -> bool {
        self.state == State::Running
            && self.id == held.delivery
            && self.lane == held.lane
            && self.position == held.position
            && self.life == held.life
            && self.lease.is_some_and(|lease| broken::in_memory(broken::fencing) || lease.token == held.token)
    }
}

impl Tables {
    /// The delivery `id`, to look at.
    pub(super) fn row(&self, id: DeliveryId) -> Option<&Row> {
        self.rows.get(&id)
    }

    /// Where a delivery is: under its own id, or under the receiver that took over its receiver's names.
    pub(super) fn find(&self, asked: DeliveryId) -> Option<DeliveryId> {
        let heir = DeliveryId { receiver: self.names.survivor(asked.receiver), ..asked };
        [asked, heir].into_iter().find(|id| self.rows.contains_key(id))
    }

    /// All deliveries, by signal, then by receiver.
    pub(super) fn rows(&self) -> impl DoubleEndedIterator<Item = &Row> {
        self.rows.values()
    }

    /// The deliveries of one signal.
    pub(super) fn rows_of(&self, signal: SignalId) -> impl Iterator<Item = &Row> {
        let first = DeliveryId { signal, receiver: ReceiverId(i64::MIN) };
        let last = DeliveryId { signal, receiver: ReceiverId(i64::MAX) };
        self.rows.range(first..=last).map(|(_, row)| row)
    }

    /// How many deliveries there are.
    pub(super) fn deliveries(&self) -> usize {
        self.rows.len()
    }

    /// What can be claimed from `lane` or is running, oldest first.
    pub(super) fn lane(&self, lane: Lane) -> impl Iterator<Item = &Row> {
        self.lanes.get(&lane).into_iter().flat_map(|ids| ids.values()).filter_map(|id| self.rows.get(id))
    }

    /// The earliest of what is ready later.
    pub(super) fn first_later(&self) -> Option<(Timestamp, DeliveryId)> {
        self.later.first_key_value().map(|((due_at, _), id)| (*due_at, *id))
    }

    /// Takes a row out, to change it or to forget it.
    pub(super) fn take(&mut self, id: DeliveryId) -> Option<Row> {
        let row = self.rows.remove(&id)?;
        if let Some(due_at) = row.due_at {
            self.later.remove(&(due_at, row.position));
        }
        if let Some(lane) = self.lanes.get_mut(&row.lane) {
            lane.remove(&row.position);
        }
        Some(row)
    }

    /// Puts a row where its state says.
    pub(super) fn put(&mut self, row: Row) {
        match (row.state, row.due_at) {
            (State::Ready, Some(due_at)) => {
                self.later.insert((due_at, row.position), row.id);
            }
            (State::Ready | State::Running, _) => {
                self.lanes.entry(row.lane).or_default().insert(row.position, row.id);
            }
            (State::Done | State::Dead | State::Cancelled, _) => {}
        }
        self.rows.insert(row.id, row);
    }

    /// Takes out the row that `held` holds; none when it holds none (I6).
    pub(super) fn take_held(&mut self, held: &Held) -> Option<Row> {
        self.row(held.delivery).filter(|row| row.is_held_by(held))?;
        self.take(held.delivery)
    }

    /// Whether a transaction in progress has the row of one of these deliveries locked.
    pub(super) fn check_unlocked(&self, ids: impl IntoIterator<Item = DeliveryId>) -> Result<()> {
        for id in ids {
            if self.row(id).is_some_and(|row| row.locked_by.is_some()) {
                return Err(contention(format_args!("delivery {id}")));
            }
        }
        Ok(())
    }

    /// Locks or unlocks a row for a transaction. No transition: the lock is not part of a delivery.
    pub(super) fn set_lock(&mut self, id: DeliveryId, transaction: Option<u64>) {
        if let Some(row) = self.rows.get_mut(&id) {
            row.locked_by = transaction;
        }
    }

    /// Extends the lease of a row, which stays where it is.
    pub(super) fn extend(&mut self, id: DeliveryId, until: Timestamp) {
        if let Some(lease) = self.rows.get_mut(&id).and_then(|row| row.lease.as_mut()) {
            lease.until = until;
        }
    }

    /// The id of the next signal. Drawn by transactions that may roll back: ids have gaps here, and are never used twice.
    /// (A database may draw the id of a send that was rolled back again.)
    pub(super) fn draw_signal(&mut self) -> SignalId {
        self.last_signal += 1;
        SignalId(self.last_signal)
    }

    /// The next place at the end of a lane.
    pub(super) fn draw_position(&mut self) -> i64 {
        self.last_position += 1;
        self.last_position
    }

    /// The number of the next transaction.
    pub(super) fn draw_transaction(&mut self) -> u64 {
        self.last_transaction += 1;
        self.last_transaction
    }
}
