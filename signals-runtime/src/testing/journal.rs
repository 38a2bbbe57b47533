//! What the kit's worker did, attempt by attempt, and which signals each of them sent.
//!
//! The database knows the signal that caused another, and not which of its receivers did. The kit knows: its receivers run
//! one after the other, so what is new after an attempt, and names its signal as the cause, is of this attempt.

use std::collections::BTreeMap;

use signals_core::delivery::{DeliveryId, SignalId};
use signals_core::store::{LostLease, StoredSignal};

use super::run::Ran;

/// One attempt.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) ran: Ran,
    pub(super) sent: Vec<SignalId>,
}

/// All of them, in order.
#[derive(Debug)]
pub(super) struct Journal {
    entries: Vec<Entry>,
    /// Deliveries that have lost their last lease, and how many that were.
    buried: BTreeMap<DeliveryId, u32>,
    seen: SignalId,
}

impl Default for Journal {
    fn default() -> Self {
        Self { entries: Vec::new(), buried: BTreeMap::new(), seen: SignalId(i64::MIN) }
    }
}

impl Journal {
    /// Up to which signal it has looked.
    pub(super) fn seen(&self) -> SignalId {
        self.seen
    }

    /// Notes an attempt; `stored` is what is new since it began.
    pub(super) fn note(&mut self, ran: Ran, stored: &[StoredSignal]) {
        let caused = |signal: &&StoredSignal| signal.headers.causation == Some(ran.delivery.signal);
        let sent = stored.iter().filter(caused).map(|signal| signal.id).collect();
        self.seen = stored.iter().map(|signal| signal.id).max().unwrap_or(self.seen).max(self.seen);
        self.entries.push(Entry { ran, sent });
    }

    /// Notes a delivery that has lost its last lease.
    pub(super) fn bury(&mut self, lost: &LostLease) {
        self.buried.insert(lost.delivery, lost.lost_leases);
    }

    /// How many leases this delivery has lost, if it is dead of that.
    pub(super) fn buried(&self, delivery: DeliveryId) -> Option<u32> {
        self.buried.get(&delivery).copied()
    }

    /// The number of the last attempt of this delivery.
    pub(super) fn last_attempt(&self, delivery: DeliveryId) -> u32 {
        self.entries.iter().rfind(|entry| entry.ran.delivery == delivery).map_or(0, |entry| entry.ran.attempt)
    }

    /// The attempts of each delivery, in order.
    pub(super) fn by_delivery(&self) -> BTreeMap<DeliveryId, Vec<&Entry>> {
        let mut attempts = BTreeMap::<DeliveryId, Vec<&Entry>>::new();
        for entry in &self.entries {
            attempts.entry(entry.ran.delivery).or_default().push(entry);
        }
        attempts
    }
}
