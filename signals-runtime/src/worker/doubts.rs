//! Outcomes whose answer was lost with a connection: each may have been stored, and then the database calls it stale when it
//! is said again. Whoever says it again, completer or keeper, is to tell that apart from a lease that another has.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use signals_core::store::Held;

/// The deliveries of which one cannot know whether an outcome was stored.
#[derive(Debug, Default)]
pub(crate) struct Doubts(Mutex<HashSet<Held>>);

impl Doubts {
    /// The answer for these was lost.
    pub(super) fn raise(&self, held: impl Iterator<Item = Held>) {
        self.lock().extend(held);
    }

    /// This one's matter is closed; whether it was in doubt.
    pub(super) fn close(&self, held: &Held) -> bool {
        self.lock().remove(held)
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<Held>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use signals_core::delivery::{DeliveryId, Lane, ReceiverId, SignalId};
    use signals_core::token::Token;

    use super::*;

    #[test]
    fn what_is_in_doubt_is_so_whoever_asks_and_once() {
        let receiver = ReceiverId(1);
        let held = |position| Held {
            delivery: DeliveryId { signal: SignalId(position), receiver },
            lane: Lane { receiver, version: 1 },
            position,
            life: 0,
            token: Token::from_bits(1),
        };
        let doubts = Doubts::default();
        doubts.raise([held(1), held(2)].into_iter());
        assert!(doubts.close(&held(1)) && !doubts.close(&held(1)));
        assert!(!doubts.close(&held(3)) && doubts.close(&held(2)));
    }
}
