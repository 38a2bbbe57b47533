//! How a delivery stands, in words: its state, until when, and who keeps it from running.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use signals_core::clock::Timestamp;
use signals_core::delivery::{Lane, ReceiverId, State};
use signals_core::store::{DeliverySummary, ReceiverInfo};

use super::message::Message;
use super::words::duration;
use super::{TestBackend, TestSignals};

/// What is known beside the deliveries.
pub(super) struct Standing<'t> {
    now: Timestamp,
    receivers: BTreeMap<ReceiverId, ReceiverInfo>,
    known: &'t [Lane],
}

impl<B: TestBackend> TestSignals<B> {
    pub(super) async fn standing(&self) -> Result<Standing<'_>, Message> {
        let receivers = self.signals.store().receivers().await?;
        let receivers = receivers.into_iter().map(|receiver| (receiver.id, receiver)).collect();
        Ok(Standing { now: self.now(), receivers, known: &self.lanes })
    }
}

impl Standing<'_> {
    /// What a delivery is.
    pub(super) fn of(&self, delivery: &DeliverySummary) -> String {
        let mut text = delivery.state.to_string();
        let now = self.now;
        let _ = match (delivery.state, delivery.due_at, delivery.lease_until, delivery.death) {
            (State::Ready, Some(due), ..) if due > now => write!(text, " in {}", duration(due.since(now))),
            (State::Running, _, Some(until), _) if until <= now => {
                write!(text, ", held by a worker whose lease is over")
            }
            (State::Running, _, Some(until), _) => {
                write!(text, ", held by a worker for another {}", duration(until.since(now)))
            }
            (State::Dead, .., Some(death)) => write!(text, " ({death})"),
            _ => Ok(()),
        };
        if let Some(actor) = &delivery.actor {
            let _ = write!(text, " by {actor}");
        }
        text + self.held_up(delivery)
    }

    /// Why it does not run, though time passes.
    fn held_up(&self, delivery: &DeliverySummary) -> &'static str {
        let is_paused = self.receivers.get(&delivery.id.receiver).is_some_and(|receiver| receiver.paused);
        match delivery.state {
            State::Done | State::Dead | State::Cancelled => "",
            State::Ready | State::Running if !self.known.contains(&delivery.lane) => {
                ", parked: no receiver of this test takes it"
            }
            State::Ready | State::Running if is_paused => ", and its receiver is paused",
            State::Ready | State::Running => "",
        }
    }
}
