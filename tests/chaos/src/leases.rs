//! What the campaign sees of leases while it goes on: who runs what, and until when a worker that was hit had renewed.

use std::collections::BTreeMap;

use signals_runtime::delivery::{DeliveryId, State};
use signals_runtime::store::Filter;
use signals_runtime::{Backend, Error, Signals};

use crate::app::PLAIN;
use crate::member::moment;

/// The leases that were seen, the ends of those that are over as they were seen last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leases {
    /// By delivery and incarnation, in microseconds.
    until: BTreeMap<(DeliveryId, u32), i64>,
    /// Who held each plain delivery when it was looked at last.
    now: Vec<(DeliveryId, u32)>,
    /// The incarnations of each process.
    incarnations: BTreeMap<u32, u32>,
    /// When a look took long, in microseconds since the epoch: the database or the machine kept everybody waiting.
    slow: Vec<(i64, i64)>,
    /// How often a transaction was seen that kept dead rows from being removed.
    pinned: u64,
}

/// A look takes a few milliseconds. One that takes longer than this is noted.
const SLOW: i64 = 500_000;

impl Leases {
    /// Looks at what is held now. A worker that was hit renews no more, so that what is seen of its leases is their end. While
    /// the database does not answer, nothing is seen.
    pub(crate) async fn watch(&mut self, signals: &Signals<impl Backend>) -> anyhow::Result<()> {
        self.now.clear();
        let began = moment();
        let looked = self.look(signals).await;
        let ended = moment();
        self.slow.extend((ended - began > SLOW).then_some((began, ended)));
        match looked {
            Err(error) if !error.is_connection() => Err(error.into()),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    async fn look(&mut self, signals: &Signals<impl Backend>) -> Result<(), Error> {
        let filter = Filter { states: vec![State::Running], limit: Filter::MOST, ..Filter::default() };
        for delivery in signals.inspect().list(&filter).await?.deliveries {
            let (Some(worker), Some(until)) = (delivery.worker, delivery.lease_until) else { continue };
            self.saw(delivery.id, worker.bits(), until.as_micros());
            if delivery.receiver == PLAIN {
                self.now.push((delivery.id, worker.bits()));
            }
        }
        if self.now.iter().any(|(_, incarnation)| !self.incarnations.contains_key(incarnation)) {
            for worker in signals.inspect().workers().await? {
                self.incarnations.insert(worker.incarnation.bits(), worker.pid);
            }
        }
        Ok(())
    }

    /// That a transaction of half a second and more was there.
    pub(crate) const fn saw_pinned(&mut self) {
        self.pinned += 1;
    }

    /// How often one was seen.
    pub(crate) const fn pins(&self) -> u64 {
        self.pinned
    }

    /// That a look took from then to then.
    #[cfg(test)]
    pub(crate) fn waited(&mut self, from: i64, to: i64) {
        self.slow.push((from, to));
    }

    /// That `incarnation` holds `delivery` until then.
    pub(crate) fn saw(&mut self, delivery: DeliveryId, incarnation: u32, until: i64) {
        self.until.insert((delivery, incarnation), until);
    }

    /// When a lease ended, or would have.
    pub(crate) fn until(&self, delivery: DeliveryId, incarnation: u32) -> Option<i64> {
        self.until.get(&(delivery, incarnation)).copied()
    }

    /// When the campaign itself was kept waiting.
    pub(crate) fn slow(&self) -> &[(i64, i64)] {
        &self.slow
    }

    /// How many plain deliveries run now.
    pub(crate) fn running(&self) -> usize {
        self.now.len()
    }

    /// Whether process `pid` runs plain deliveries now.
    pub(crate) fn is_busy(&self, pid: u32) -> bool {
        self.now.iter().any(|(_, incarnation)| self.incarnations.get(incarnation) == Some(&pid))
    }

    /// Whether somebody else runs now what process `pid` held.
    pub(crate) fn is_robbed(&self, pid: u32) -> bool {
        let own = |incarnation: &u32| self.incarnations.get(incarnation) == Some(&pid);
        self.now.iter().filter(|(_, incarnation)| !own(incarnation)).any(|(delivery, _)| {
            self.until.range((*delivery, 0)..=(*delivery, u32::MAX)).any(|((_, earlier), _)| own(earlier))
        })
    }
}

#[cfg(test)]
mod tests {
    use signals_runtime::delivery::{ReceiverId, SignalId};

    use super::*;

    #[test]
    fn who_held_what_another_runs_is_robbed() {
        let [one, two] = [1, 2].map(|signal| DeliveryId { signal: SignalId(signal), receiver: ReceiverId(1) });
        let mut leases = Leases { incarnations: [(71, 7), (81, 8), (82, 8)].into(), ..Leases::default() };
        leases.saw(one, 71, 5);
        leases.saw(two, 81, 6);
        leases.now = vec![(one, 71), (two, 81)];
        assert!(!leases.is_robbed(7) && !leases.is_robbed(8) && leases.is_busy(7));
        leases.saw(one, 82, 9);
        leases.now = vec![(one, 82)];
        assert!(!leases.is_busy(7) && leases.is_busy(8));
        assert_eq!(leases.running(), 1);
        assert!(leases.is_robbed(7) && !leases.is_robbed(8));
        assert_eq!((leases.until(one, 71), leases.until(one, 82), leases.until(two, 71)), (Some(5), Some(9), None));
        leases.now.clear();
        assert!(!leases.is_robbed(7), "the other is through");
    }
}
