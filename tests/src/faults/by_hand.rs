//! The tale of an operator, who is alone: what one decides about deliveries that wait, and about a signal that was forgotten.

use std::time::Duration;

use signals_core::delivery::State;
use signals_core::store::Verb;
use signals_core::{Error, Result};
use signals_runtime::Signals;

use super::look::Look;
use super::receivers::{MAIL, POST, linking};
use super::story::Doubt;
use super::{Ground, Story};

const CANCELLED: &str = "faults.post";
const DISCARDED: &str = "faults.mail";

impl<G: Ground> Story<G> {
    /// T10, T11, T13: whatever is cut, what is decided is one transaction, its line in the log included.
    pub(super) async fn operate(&self) {
        let signals = Signals::new(self.ground.backend().clone()).with_registry(linking(vec![&POST, &MAIL]));
        self.aside(async || signals.register().await).await;
        self.order_aside(&signals, 1).await;
        let cancelled = self.the_only_delivery(CANCELLED).await;
        let discarded = self.the_only_delivery(DISCARDED).await;
        let ops = signals.operate("ops");

        let change = |look: &mut Look| {
            look.delivery(CANCELLED).state = State::Cancelled;
            look.acted(Verb::Cancel);
        };
        let cancel = async |doubt| unless_done(doubt, ops.cancel(cancelled).await);
        self.all_or_nothing("a cancellation", change, cancel).await;

        let change = |look: &mut Look| {
            look.delivery(DISCARDED).state = State::Dead;
            look.acted(Verb::Discard);
        };
        let discard = async |doubt| unless_done(doubt, ops.discard(discarded).await);
        self.all_or_nothing("a dead letter", change, discard).await;

        let change = |look: &mut Look| {
            look.receiver(CANCELLED).paused = true;
            look.acted(Verb::Pause);
        };
        self.all_or_nothing("a pause", change, async |_| ops.pause(CANCELLED).await.map(drop)).await;

        // Nothing waits for the signal any more. What was discarded has kept a copy.
        let forget = async |_| signals.store().forget(Duration::ZERO, 10).await.map(drop);
        self.all_or_nothing("an oblivion", |_| {}, forget).await;

        let change = |look: &mut Look| {
            let delivery = look.delivery(DISCARDED);
            (delivery.state, delivery.life) = (State::Ready, 1);
            look.acted(Verb::Retry);
        };
        let retry = async |doubt| unless_done(doubt, ops.retry(discarded).await);
        self.all_or_nothing("a retry of what was forgotten", change, retry).await;

        self.drain(&signals).await;
        assert_eq!(
            self.ran.sorted(),
            [(DISCARDED, 1)],
            "T10, T11: what was retried ran, and what was cancelled did not"
        );
    }
}

/// That it has happened already is no surprise to somebody who does not know whether it has.
fn unless_done(doubt: Doubt, decided: Result<()>) -> Result<()> {
    match decided {
        Err(Error::WrongState { .. }) if doubt == Doubt::Unknown => Ok(()),
        decided => decided,
    }
}
