//! T2, T3 and T9: taking deliveries, keeping them, and taking over what others lost.

use std::time::Duration;

use signals_core::clock::Timestamp;
use signals_core::delivery::{DeliveryId, State, Transition};
use signals_core::store::{
    AttemptOutcome, AttemptRecord, Claim, ClaimLane, Claimed, Claims, DeathReason, Held, LostLease, Renewed,
};

use super::tables::{Lease, Row, Tables};

/// Takes what is due, lane by lane, oldest first.
pub(super) fn claim(tables: &mut Tables, claim: &Claim, now: Timestamp) -> Claims {
    let mut claims = Claims::default();
    let mut suspect = claim.suspect;
    for lane in &claim.lanes {
        let room = lane.limit.min(claim.limit - claims.claimed.len());
        if room == 0 || tables.names.is_paused(lane.lane.receiver) {
            continue;
        }
        for id in select(tables, claim, lane, room, &mut suspect, now) {
            start(tables, id, claim, &mut claims, now);
        }
    }
    claims
}

/// Takes this delivery, and no other: from whoever holds it, if somebody does. For tests.
#[cfg(feature = "testing")]
pub(super) fn seize(tables: &mut Tables, claim: &Claim, delivery: DeliveryId, now: Timestamp) -> Claims {
    let mut claims = Claims::default();
    let is_there = |row: &Row| matches!(row.state, State::Ready | State::Running);
    if tables.row(delivery).is_some_and(is_there) && !tables.names.is_paused(delivery.receiver) {
        start(tables, delivery, claim, &mut claims, now);
    }
    claims
}

/// What the claim takes from a lane, and the deliveries in it that die of their fifth lost lease.
fn select(
    tables: &Tables,
    claim: &Claim,
    lane: &ClaimLane,
    room: usize,
    suspect: &mut bool,
    now: Timestamp,
) -> Vec<DeliveryId> {
    let mut selected = Vec::new();
    let mut taken = 0;
    for row in tables.lane(lane.lane) {
        if taken == room {
            break;
        }
        let counters = match row.state {
            State::Ready => row.counters,
            State::Running if claim.steal && is_expired(row, now) => match row.counters.lease_lost() {
                (_, Transition::Crash) => {
                    selected.push(row.id);
                    continue;
                }
                (counters, _) => counters,
            },
            State::Running | State::Done | State::Dead | State::Cancelled => continue,
        };
        if !counters.is_suspect() || std::mem::take(suspect) {
            selected.push(row.id);
            taken += 1;
        }
    }
    selected
}

fn is_expired(row: &Row, now: Timestamp) -> bool {
    row.locked_by.is_none() && row.lease.is_some_and(|lease| lease.until <= now)
}

/// Starts one delivery under the claim's token, or buries it.
fn start(tables: &mut Tables, id: DeliveryId, claim: &Claim, claims: &mut Claims, now: Timestamp) {
    let Some(mut row) = tables.take(id) else { return };
    let transition = match row.lease {
        None => {
            row.counters = row.counters.claimed();
            Transition::Claim
        }
        Some(lost) => lose_lease(&mut row, lost, now),
    };
    let legal = row.step(transition, now);
    debug_assert!(legal, "{transition:?} was selected by its guard");
    if row.state == State::Running {
        row.lease = Some(Lease { token: claim.token, until: now.saturating_add(claim.lease) });
        let held = Held { delivery: id, lane: row.lane, position: row.position, life: row.life, token: claim.token };
        claims.claimed.push(Claimed { held, counters: row.counters, signal: row.signal.clone() });
    } else {
        row.death = Some(DeathReason::Crashed);
    }
    if matches!(transition, Transition::Steal | Transition::Crash) {
        let lost_leases = row.counters.lost_leases;
        claims.lost.push(LostLease { delivery: id, lost_leases, dead: row.state == State::Dead });
    }
    tables.put(row);
}

fn lose_lease(row: &mut Row, lost: Lease, now: Timestamp) -> Transition {
    let (counters, transition) = row.counters.lease_lost();
    row.counters = counters;
    row.attempts.push(AttemptRecord {
        life: row.life,
        attempt: counters.attempt,
        outcome: AttemptOutcome::LeaseLost,
        error: "the lease expired: the worker crashed, hung, or lost its database".to_owned(),
        worker: lost.token.incarnation(),
        ended_at: now,
        ran: None,
    });
    transition
}

/// Extends leases; one answer for each, in order.
pub(super) fn renew(tables: &mut Tables, held: &[Held], lease: Duration, now: Timestamp) -> Vec<Renewed> {
    let until = now.saturating_add(lease);
    let renew = |held: &Held| match tables.row(held.delivery).filter(|row| row.is_held_by(held)) {
        None => Renewed::Lost,
        Some(row) if row.locked_by.is_some() => Renewed::Unknown,
        Some(_) => {
            tables.extend(held.delivery, until);
            Renewed::Kept
        }
    };
    held.iter().map(renew).collect()
}
