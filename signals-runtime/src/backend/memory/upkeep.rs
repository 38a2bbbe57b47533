//! T12 and T13: what time forgets.

use std::time::Duration;

use signals_core::clock::Timestamp;
use signals_core::delivery::{SignalId, State, Transition, step};
use signals_core::store::{Acting, Forgotten, Pruned, Retention, Verb};

use super::by_hand;
use super::tables::{Row, Tables};

/// T12: settled deliveries first, idempotency keys with what is left of the limit.
pub(super) fn prune(
    tables: &mut Tables,
    retention: &Retention,
    limit: usize,
    by: Option<&Acting<'_>>,
    now: Timestamp,
) -> Pruned {
    let over = |row: &Row| {
        let keep = match row.state {
            State::Done => Some(retention.done),
            State::Cancelled => Some(retention.cancelled),
            State::Dead => retention.dead,
            State::Ready | State::Running => None,
        };
        let gone = step(Transition::Prune, Some(row.state)) == Some(None);
        gone && keep.zip(row.settled_at).is_some_and(|(keep, at)| is_older(at, keep, now))
    };
    let deliveries: Vec<_> = tables.rows().filter(|row| over(row)).map(|row| row.id).take(limit).collect();
    for id in &deliveries {
        tables.take(*id);
    }
    let keys = tables.keys.iter().filter(|(_, row)| is_older(row.sent_at, retention.keys, now));
    let keys: Vec<String> = keys.map(|(key, _)| key.clone()).take(limit - deliveries.len()).collect();
    for key in &keys {
        tables.keys.remove(key);
    }
    let gone = deliveries.len() + keys.len();
    let action =
        by.and_then(|by| if gone > 0 { Some(by_hand::log(tables, Verb::Prune, by, gone, now)) } else { by.continues });
    Pruned { deliveries: deliveries.len(), keys: keys.len(), action }
}

/// T13: what is settled pins nothing.
pub(super) fn forget(tables: &mut Tables, older_than: Duration, limit: usize, now: Timestamp) -> Forgotten {
    let pinned = |signal: SignalId| tables.rows_of(signal).any(|row| !row.state.is_settled());
    let old = tables.signals.iter().filter(|(_, row)| is_older(row.stored.sent_at, older_than, now));
    let gone: Vec<_> = old.map(|(id, _)| *id).filter(|id| !pinned(*id)).take(limit).collect();
    for id in &gone {
        tables.signals.remove(id);
    }
    Forgotten(gone.len())
}

fn is_older(at: Timestamp, keep: Duration, now: Timestamp) -> bool {
    at <= now && now.since(at) >= keep
}
