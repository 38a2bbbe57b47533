//! T4 to T8 and the way back: what becomes of a delivery when its attempt is over.

use signals_core::clock::Timestamp;
use signals_core::delivery::Transition;
use signals_core::store::{Acked, AttemptRecord, Failed, Fate, Finished, Held, Promoted, Snoozed};
use signals_core::{MAX_DELAY, Result};

use super::tables::{Row, Tables};

/// T4, one batch.
pub(super) fn ack(tables: &mut Tables, acked: &[Acked], now: Timestamp) -> Result<Vec<Finished>> {
    tables.check_unlocked(acked.iter().map(|acked| acked.held.delivery))?;
    Ok(acked.iter().map(|acked| ack_one(tables, acked, now)).collect())
}

/// T4. Without history the row goes.
pub(super) fn ack_one(tables: &mut Tables, acked: &Acked, now: Timestamp) -> Finished {
    finish(tables, &acked.held, |tables, mut row| {
        row.step(Transition::Ack, now);
        if acked.keep {
            tables.put(row);
        }
    })
}

/// T5 and T7, one batch.
pub(super) fn fail(tables: &mut Tables, failed: &[Failed], now: Timestamp) -> Result<Vec<Finished>> {
    tables.check_unlocked(failed.iter().map(|failed| failed.held.delivery))?;
    Ok(failed.iter().map(|failed| fail_one(tables, failed, now)).collect())
}

fn fail_one(tables: &mut Tables, failed: &Failed, now: Timestamp) -> Finished {
    finish(tables, &failed.held, |tables, mut row| {
        row.attempts.push(AttemptRecord {
            life: row.life,
            attempt: row.counters.attempt,
            outcome: failed.outcome,
            error: failed.error.clone(),
            worker: failed.held.token.incarnation(),
            ended_at: now,
            ran: Some(failed.ran),
        });
        row.step(Transition::from(&failed.fate), now);
        match failed.fate {
            Fate::Retry { delay } => come_back(tables, &mut row, now.saturating_add(delay.min(MAX_DELAY))),
            Fate::Dead(reason) => row.death = Some(reason),
        }
        tables.put(row);
    })
}

/// T6, one batch.
pub(super) fn snooze(tables: &mut Tables, snoozed: &[Snoozed], now: Timestamp) -> Result<Vec<Finished>> {
    tables.check_unlocked(snoozed.iter().map(|snoozed| snoozed.held.delivery))?;
    let snooze = |snoozed: &Snoozed| {
        finish(tables, &snoozed.held, |tables, mut row| {
            row.step(Transition::Snooze, now);
            row.counters = row.counters.refunded();
            come_back(tables, &mut row, now.saturating_add(snoozed.delay.min(MAX_DELAY)));
            tables.put(row);
        })
    };
    Ok(snoozed.iter().map(snooze).collect())
}

/// T8, one batch. Each keeps its place in its lane.
pub(super) fn release(tables: &mut Tables, held: &[Held], now: Timestamp) -> Result<Vec<Finished>> {
    tables.check_unlocked(held.iter().map(|held| held.delivery))?;
    let release = |held: &Held| {
        finish(tables, held, |tables, mut row| {
            row.step(Transition::Release, now);
            row.counters = row.counters.refunded();
            tables.put(row);
        })
    };
    Ok(held.iter().map(release).collect())
}

/// The guard of every finishing statement: what does not match did not happen (I6).
fn finish(tables: &mut Tables, held: &Held, then: impl FnOnce(&mut Tables, Row)) -> Finished {
    match tables.take_held(held) {
        Some(row) => {
            then(tables, row);
            Finished::Done
        }
        None => Finished::Stale,
    }
}

/// Ready later, and then behind everything that is there already.
fn come_back(tables: &mut Tables, row: &mut Row, due_at: Timestamp) {
    row.position = tables.draw_position();
    row.due_at = Some(due_at);
    row.due_since = due_at;
}

/// Moves what became due into its lane.
pub(super) fn promote(tables: &mut Tables, limit: usize, now: Timestamp) -> Promoted {
    let mut moved = 0;
    loop {
        let Some((due_at, id)) = tables.first_later() else { return Promoted { moved, next_due: None } };
        if due_at > now || moved == limit {
            return Promoted { moved, next_due: Some(due_at) };
        }
        if let Some(mut row) = tables.take(id) {
            row.position = tables.draw_position();
            row.due_at = None;
            tables.put(row);
            moved += 1;
        }
    }
}
