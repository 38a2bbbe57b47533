//! T10 to T13: what operators decide, and what time forgets.

use std::time::Duration;

use signals_core::clock::Timestamp;
use signals_core::delivery::{Counters, DeliveryId, SignalId, State, Transition, step};
use signals_core::store::{DeathReason, Forgotten, Pruned, Retention};
use signals_core::{Error, Result};

use super::tables::{Row, SignalRow, Tables};

/// T10, whoever runs it.
pub(super) fn cancel(tables: &mut Tables, id: DeliveryId, actor: &str, now: Timestamp) -> Result<()> {
    let mut row = take(tables, id, Transition::Cancel, "cancel")?;
    row.step(Transition::Cancel, now);
    row.actor = Some(actor.to_owned());
    tables.put(row);
    Ok(())
}

/// T10, into a dead letter.
pub(super) fn discard(tables: &mut Tables, id: DeliveryId, actor: &str, now: Timestamp) -> Result<()> {
    let mut row = take(tables, id, Transition::DiscardByHand, "discard")?;
    row.step(Transition::DiscardByHand, now);
    row.death = Some(DeathReason::ByHand);
    row.actor = Some(actor.to_owned());
    tables.put(row);
    Ok(())
}

/// T11: another life.
pub(super) fn retry(tables: &mut Tables, id: DeliveryId, actor: &str, now: Timestamp) -> Result<()> {
    // What stayed behind when its receiver was merged into another comes back as the other's, if that has none.
    let heir = DeliveryId { receiver: tables.names.survivor(id.receiver), ..id };
    if tables.find(id) != Some(heir)
        && let Some(Row { state, .. }) = tables.row(heir)
    {
        return Err(Error::WrongState { delivery: id, state: *state, verb: "retry" });
    }
    let mut row = take(tables, id, Transition::Redrive, "retry")?;
    row.step(Transition::Redrive, now);
    row.id = heir;
    row.lane.receiver = heir.receiver;
    row.life += 1;
    row.counters = Counters::default();
    row.position = tables.draw_position();
    row.actor = Some(actor.to_owned());
    let signal = tables
        .signals
        .entry(row.signal.id)
        .or_insert_with(|| SignalRow { stored: row.signal.clone(), fanout: Default::default() });
    signal.fanout.insert(heir.receiver);
    tables.put(row);
    Ok(())
}

/// Takes out the delivery if `transition` is legal in its state and nobody is about to finish it.
fn take(tables: &mut Tables, asked: DeliveryId, transition: Transition, verb: &'static str) -> Result<Row> {
    let missing = Error::NotFound { delivery: asked };
    let Some((id, state)) = tables.find(asked).and_then(|id| Some((id, tables.row(id)?.state))) else {
        return Err(missing);
    };
    if step(transition, Some(state)).is_none() {
        return Err(Error::WrongState { delivery: asked, state, verb });
    }
    tables.check_unlocked([id])?;
    tables.take(id).ok_or(missing)
}

/// T12: settled deliveries first, idempotency keys with what is left of the limit.
pub(super) fn prune(tables: &mut Tables, retention: &Retention, limit: usize, now: Timestamp) -> Pruned {
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
    Pruned { deliveries: deliveries.len(), keys: keys.len() }
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
