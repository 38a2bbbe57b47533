//! Deliveries that may have an outcome from this worker of which nobody has heard: its answer was lost with a connection, or
//! the keeper gives back at the end what the completer may be storing at that moment. The database calls the second outcome
//! stale. Whoever says it, completer or keeper, is to tell that apart from a lease that another has.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use signals_core::store::Held;

/// The deliveries of which one cannot know whether an outcome was stored.
#[derive(Debug, Default)]
pub(crate) struct Doubts(Mutex<Doubted>);

#[derive(Debug, Default)]
struct Doubted {
    /// An answer was lost.
    unheard: HashSet<Held>,
    /// Completer and keeper both say something of them. They are as many as the worker held when its end began.
    shared: HashSet<Held>,
}

impl Doubts {
    /// The answer for these was lost.
    pub(super) fn raise(&self, held: impl Iterator<Item = Held>) {
        self.lock().unheard.extend(held);
    }

    /// From now on two say outcomes of these.
    pub(super) fn share(&self, held: &[Held]) {
        self.lock().shared.extend(held);
    }

    /// An outcome of this one was answered; whether another may have been stored before.
    pub(super) fn close(&self, held: &Held) -> bool {
        let mut doubted = self.lock();
        doubted.unheard.remove(held) || doubted.shared.contains(held)
    }

    fn lock(&self) -> MutexGuard<'_, Doubted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use signals_core::delivery::{DeliveryId, Lane, ReceiverId, SignalId};
    use signals_core::token::Token;

    use super::*;

    fn held(position: i64) -> Held {
        let receiver = ReceiverId(1);
        Held {
            delivery: DeliveryId { signal: SignalId(position), receiver },
            lane: Lane { receiver, version: 1 },
            position,
            life: 0,
            token: Token::from_bits(1),
        }
    }

    #[test]
    fn what_is_in_doubt_is_so_whoever_asks_and_once() {
        let doubts = Doubts::default();
        doubts.raise([held(1), held(2)].into_iter());
        assert!(doubts.close(&held(1)) && !doubts.close(&held(1)));
        assert!(!doubts.close(&held(3)) && doubts.close(&held(2)));
    }

    #[test]
    fn of_what_two_say_outcomes_nobody_knows_whose_came_first() {
        let doubts = Doubts::default();
        doubts.share(&[held(1)]);
        assert!(doubts.close(&held(1)) && doubts.close(&held(1)));
        assert!(!doubts.close(&held(2)));
    }
}
