//! T10, T11 and switches: what operators decide, and the log that they leave.

use signals_core::Result;
use signals_core::clock::Timestamp;
use signals_core::delivery::{Counters, DeliveryId, ReceiverId, State, Transition, step};
use signals_core::store::{Acting, Action, ActionId, DeathReason, Decided, Switch, Verb, Verdict};

use super::tables::{Row, SignalRow, Tables};

/// T10, whoever runs them.
pub(super) fn cancel(tables: &mut Tables, ids: &[DeliveryId], by: &Acting<'_>, now: Timestamp) -> Result<Decided> {
    decide(tables, ids, Verb::Cancel, by, now, |tables, id| {
        change(tables, id, Transition::Cancel, |_, row| {
            row.step(Transition::Cancel, now);
            row.actor = Some(by.actor.to_owned());
        })
    })
}

/// T10, into dead letters.
pub(super) fn discard(tables: &mut Tables, ids: &[DeliveryId], by: &Acting<'_>, now: Timestamp) -> Result<Decided> {
    decide(tables, ids, Verb::Discard, by, now, |tables, id| {
        change(tables, id, Transition::DiscardByHand, |_, row| {
            row.step(Transition::DiscardByHand, now);
            row.death = Some(DeathReason::ByHand);
            row.actor = Some(by.actor.to_owned());
        })
    })
}

/// T11: another life.
pub(super) fn retry(tables: &mut Tables, ids: &[DeliveryId], by: &Acting<'_>, now: Timestamp) -> Result<Decided> {
    decide(tables, ids, Verb::Retry, by, now, |tables, asked| {
        // What stayed behind when its receiver was merged into another is the second of two deliveries of one signal. The
        // first is the other's; when it is in no table, it is done (I2).
        let first = DeliveryId { receiver: tables.names.survivor(asked.receiver), ..asked };
        if tables.find(asked) != Some(first) && tables.row(asked).is_some_and(|row| row.state.is_settled()) {
            return Verdict::WrongState(tables.row(first).map_or(State::Done, |first| first.state));
        }
        change(tables, asked, Transition::Redrive, |tables, row| {
            row.step(Transition::Redrive, now);
            row.life += 1;
            row.counters = Counters::default();
            row.position = tables.draw_position();
            row.due_since = now;
            row.actor = Some(by.actor.to_owned());
            let stored = row.signal.clone();
            let signal =
                tables.signals.entry(row.signal.id).or_insert_with(|| SignalRow { stored, fanout: Default::default() });
            signal.fanout.insert(row.id.receiver);
        })
    })
}

/// Pauses, resumes, retires or restores; whether that changed anything.
pub(super) fn switch(tables: &mut Tables, receiver: ReceiverId, switch: Switch, actor: &str, now: Timestamp) -> bool {
    let receiver = tables.names.survivor(receiver);
    let changed = tables.names.switch(receiver, switch);
    if changed {
        let subject = tables.names.receiver_name(receiver).to_owned();
        log(tables, switch.verb(), &Acting { actor, subject: &subject, continues: None }, 1, now);
    }
    changed
}

/// All of them or none: whoever meets a transaction in progress begins again.
fn decide(
    tables: &mut Tables,
    ids: &[DeliveryId],
    verb: Verb,
    by: &Acting<'_>,
    now: Timestamp,
    mut one: impl FnMut(&mut Tables, DeliveryId) -> Verdict,
) -> Result<Decided> {
    let changeable = |id: &DeliveryId| tables.row(*id).is_some_and(|row| verb.changes().contains(&row.state));
    tables.check_unlocked(ids.iter().filter_map(|id| tables.find(*id)).filter(changeable))?;
    let verdicts: Vec<_> = ids.iter().map(|id| one(tables, *id)).collect();
    let mut decided = Decided { verdicts, action: by.continues };
    let changed = decided.changed();
    if changed > 0 {
        decided.action = Some(log(tables, verb, by, changed, now));
    }
    Ok(decided)
}

/// Takes the delivery out, changes it and puts it back, if `transition` is legal in its state.
fn change(
    tables: &mut Tables,
    asked: DeliveryId,
    transition: Transition,
    then: impl FnOnce(&mut Tables, &mut Row),
) -> Verdict {
    let Some((id, state)) = tables.find(asked).and_then(|id| Some((id, tables.row(id)?.state))) else {
        return Verdict::NotFound;
    };
    if step(transition, Some(state)).is_none() {
        return Verdict::WrongState(state);
    }
    let Some(mut row) = tables.take(id) else { return Verdict::NotFound };
    then(tables, &mut row);
    tables.put(row);
    Verdict::Done
}

/// Writes a line of the log, or counts in the one that is continued.
pub(super) fn log(tables: &mut Tables, verb: Verb, by: &Acting<'_>, changed: usize, now: Timestamp) -> ActionId {
    let count = changed as u64;
    if let Some(id) = by.continues
        && let Some(action) = tables.actions.iter_mut().find(|action| action.id == id)
    {
        action.count += count;
        return id;
    }
    let id = ActionId(tables.actions.last().map_or(1, |action| action.id.0 + 1));
    let (actor, subject) = (by.actor.to_owned(), by.subject.to_owned());
    tables.actions.push(Action { id, at: now, actor, verb: verb.as_str().to_owned(), subject, count });
    id
}
