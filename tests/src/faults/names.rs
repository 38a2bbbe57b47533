//! The tale of names: a receiver is renamed without its alias, and the next build says that both names are one receiver.

use signals_core::delivery::State;
use signals_runtime::Signals;

use super::look::{Look, Receives, Stands};
use super::receivers::{MAIL, MAIL_ONCE_POST, POST, linking};
use super::{Ground, Story};

const OLD: &str = "faults.post";
const NEW: &str = "faults.mail";

impl<G: Ground> Story<G> {
    /// I15: whatever is cut while the second build registers, and while the third merges two receivers, each is one transaction;
    /// and what was sent for either name runs once.
    pub(super) async fn rename(&self) {
        let program = |linked| Signals::new(self.ground.backend().clone()).with_registry(linking(linked));
        let (old, between, new) = (program(vec![&POST]), program(vec![&MAIL, &POST]), program(vec![&MAIL_ONCE_POST]));
        self.aside(async || old.register().await).await;
        // For the old name alone: one that is settled, and one that waits.
        self.order_aside(&old, 1).await;
        let settled = self.the_only_delivery(OLD).await;
        self.aside(async || old.operate("ops").cancel(settled).await).await;
        self.order_aside(&old, 2).await;

        let added = |look: &mut Look| look.receivers.insert(0, Receives::of(NEW, &[]));
        self.all_or_nothing("another name", added, async |_| between.register().await).await;
        self.order_aside(&between, 3).await;

        let merged = |look: &mut Look| {
            look.receivers = vec![Receives::of(NEW, &[OLD])];
            look.deliveries = vec![
                Stands::of(1, NEW, State::Cancelled),
                Stands::of(2, NEW, State::Ready),
                Stands::of(3, NEW, State::Ready),
                Stands::of(3, OLD, State::Cancelled),
            ];
        };
        self.all_or_nothing("a merge", merged, async |_| new.register().await).await;
        self.drain(&new).await;
        assert_eq!(self.ran.sorted(), [(NEW, 2), (NEW, 3)], "I15, I2: each signal once");
    }
}
