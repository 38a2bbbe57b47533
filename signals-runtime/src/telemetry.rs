//! Every event that this library tells through `tracing`, in one place, so that no part can forget one.
//!
//! Ids, names, sizes and what the library and its database say are told; payloads never are, and what receivers say is only
//! where a worker was asked for it (`log_errors`). There are no long-lived spans.

use std::time::Duration;

use signals_core::store::{Failed, Fate, Held, LaneCounts, LostLease, Registered};
use signals_core::token::Incarnation;
use signals_core::{Error, Receipt, SendBatch, outcome};

/// What filters name these events by, whatever file they come from.
const TARGET: &str = "signals";

pub(crate) fn sent(batch: &SendBatch, receipts: &[Receipt]) {
    for (signal, receipt) in batch.signals.iter().zip(receipts) {
        let name = signal.def.name;
        let signal_id = receipt.signal_id.0;
        if receipt.deliveries == 0 && !signal.def.allow_unheard {
            tracing::warn!(
                target: TARGET, signal = name,
                signal_id,
                "signal sent to nobody: no receiver of it is registered; `#[signal(allow_unheard)]` silences this"
            );
        }
        let (deliveries, repeated) = (receipt.deliveries, receipt.repeated);
        tracing::debug!(target: TARGET, signal = name, signal_id, deliveries, repeated, bytes = signal.payload.len(), "signal stored");
    }
}

pub(crate) fn registered(registered: &Registered) {
    for receiver in &registered.retired {
        tracing::warn!(
            target: TARGET, receiver,
            "this build links a retired receiver: sends pass it by until an operator brings it back"
        );
    }
    for alias in &registered.merged {
        tracing::info!(target: TARGET, alias, "receiver merged with the one that lists it as alias");
    }
    tracing::debug!(target: TARGET, receivers = registered.ids.len(), "receivers registered");
}

pub(crate) fn worker_started(incarnation: Incarnation, receivers: usize) {
    tracing::info!(target: TARGET, worker = %incarnation, receivers, "worker enlisted");
}

pub(crate) fn worker_stopped(incarnation: Incarnation) {
    tracing::info!(target: TARGET, worker = %incarnation, "worker stopped");
}

pub(crate) fn keeper_disconnected(error: &Error) {
    tracing::warn!(target: TARGET, error = %outcome::render(error), "the keeper lost its database; leases are not renewed until it is back");
}

pub(crate) fn keeper_reconnected(incarnation: Incarnation, after: Duration) {
    tracing::info!(target: TARGET, worker = %incarnation, ?after, "the keeper is connected again");
}

#[cfg(feature = "postgres")]
pub(crate) fn crashed_not_buried(error: &Error) {
    tracing::warn!(
        target: TARGET, error = %outcome::render(error),
        "deliveries that lost their last lease could not be made dead letters; claims go on, and it is tried again"
    );
}

pub(crate) fn keeper_panicked() {
    tracing::error!(target: TARGET, "the keeper's thread panicked; the worker stops");
}

pub(crate) fn store_failed(verb: &'static str, error: &Error, retry_in: Duration) {
    tracing::warn!(target: TARGET, verb, error = %outcome::render(error), ?retry_in, "the database refused; trying again");
}

/// Told by databases with one writer.
#[cfg(feature = "sqlite")]
pub(crate) fn waited(lasted: Duration) {
    tracing::info!(target: TARGET, ?lasted, "waited long for the database's write lock: somebody holds it for long, or many want it");
}

/// The same of a transaction of the application's, or of a receiver's.
#[cfg(feature = "sqlite")]
pub(crate) fn begin_waited(lasted: Duration) {
    tracing::info!(target: TARGET, ?lasted, "a transaction waited long to begin: somebody else writes for long, or many do, or the pool is empty");
}

pub(crate) fn gave_up(verb: &'static str, held: &Held, error: &Error) {
    tracing::error!(
        target: TARGET, verb,
        delivery = %held.delivery,
        error = %outcome::render(error),
        "an outcome could not be stored; the delivery runs again when its lease has expired"
    );
}

/// A failure that is stored. What the error says may quote anything: it is told only when `with_error`.
pub(crate) fn failed(receiver: &str, failed: &Failed, attempt: u32, with_error: bool) {
    let delivery = failed.held.delivery;
    let error = with_error.then_some(failed.error.as_str());
    let (outcome, ran) = (failed.outcome.as_str(), failed.ran);
    match failed.fate {
        Fate::Retry { delay } => tracing::warn!(
            target: TARGET, receiver, %delivery, attempt, outcome, error, ?ran, retry_in = ?delay,
            "attempt failed; `inspect().get(delivery)` has its error"
        ),
        Fate::Dead(reason) => tracing::error!(
            target: TARGET, receiver, %delivery, attempt, outcome, error, ?ran, reason = reason.as_str(),
            "delivery is dead; `inspect().get(delivery)` has every error"
        ),
    }
}

pub(crate) fn lost_lease(lost: &LostLease) {
    let LostLease { delivery, lost_leases, dead } = lost;
    if *dead {
        tracing::error!(target: TARGET, %delivery, lost_leases, "delivery is dead: its workers crashed or hung too often");
    } else {
        tracing::warn!(target: TARGET, %delivery, lost_leases, "stole a delivery whose lease had expired");
    }
}

pub(crate) fn stored(receiver: &str, held: &Held, verb: &'static str) {
    tracing::debug!(target: TARGET, receiver, delivery = %held.delivery, token = %held.token, verb, "outcome stored");
}

pub(crate) fn stale(receiver: &str, held: &Held, verb: &'static str) {
    tracing::warn!(target: TARGET, receiver, delivery = %held.delivery, token = %held.token, verb, "outcome refused: stolen, cancelled or settled meanwhile");
}

pub(crate) fn unknown(receiver: &str, held: &Held, verb: &'static str) {
    tracing::warn!(target: TARGET, receiver, delivery = %held.delivery, token = %held.token, verb, "outcome said twice: the first was stored, or it was stolen since");
}

pub(crate) fn parked(lane: &LaneCounts) {
    tracing::warn!(
        target: TARGET, receiver = lane.receiver,
        version = lane.lane.version,
        ready = lane.ready.0,
        scheduled = lane.scheduled.0,
        "parked: this worker does not know this receiver or payload version; a build that does runs them"
    );
}

pub(crate) fn attempt_abandoned(receiver: &str, held: &Held) {
    tracing::warn!(target: TARGET, receiver, delivery = %held.delivery, "attempt given up: its lease is lost, or its outcome was decided without it");
}

pub(crate) fn hindered(receiver: &str, held: &Held, error: &Error, again_in: Duration) {
    tracing::warn!(
        target: TARGET, receiver,
        delivery = %held.delivery,
        error = %outcome::render(error),
        ?again_in,
        "the worker, not the receiver, is the reason that this attempt came to nothing; it is not counted"
    );
}
