//! T2 and T9: takes what is due, lane by lane, in one transaction that holds the write lock.
//!
//! A look without the lock comes first, so that polling an idle database never stands in a writer's way. What it finds
//! is looked at again under the lock.

use std::collections::HashMap;
use std::sync::Arc;

use signals_core::Result;
use signals_core::clock::Timestamp;
#[cfg(feature = "testing")]
use signals_core::delivery::DeliveryId;
use signals_core::delivery::{Counters, Lane, MAX_LOST_LEASES, SUSPECT_LEASES, Transition};
use signals_core::store::{
    AttemptOutcome, Claim, ClaimLane, Claimed, Claims, DeathReason, Held, LostLease, StoredSignal,
};
use signals_core::token::Token;
use sqlx::SqliteConnection;

use super::super::common::LEASE_LOST;
use super::connections::Connections;
use super::patience::Patience;
use super::rows::{self, ToJson as _};
use super::{error, finish, sql};

/// The most bytes of payload that are read at once, unless one signal has more.
const FETCH: usize = 4 << 20;

/// Claims.
pub(super) async fn claim(connections: &Connections, patience: &Patience, claim: &Claim) -> Result<Claims> {
    if claim.limit == 0 || claim.lanes.is_empty() {
        return Ok(Claims::default());
    }
    let mut conn = connections.quick().await?;
    let lanes = probe(&mut conn, claim, stealable(claim, patience, connections.now())).await?;
    if lanes.is_empty() {
        return Ok(Claims::default());
    }
    let mut tx = connections.write(conn).await?;
    let now = tx.now();

    let mut taking = Taking::new(claim, stealable(claim, patience, now), now);
    for lane in lanes {
        let room = claim.limit - taking.claims.claimed.len();
        if room == 0 {
            break;
        }
        taking.lane(&mut tx, lane, room).await?;
    }
    let claims = taking.claims;
    if claims.claimed.is_empty() && claims.lost.is_empty() {
        return Ok(claims);
    }
    tx.commit().await?;
    Ok(claims)
}

/// Claims this delivery of the claim's only lane, and no other: from whoever holds it, if somebody does. For tests.
#[cfg(feature = "testing")]
pub(super) async fn seize(connections: &Connections, claim: &Claim, delivery: DeliveryId) -> Result<Claims> {
    let mut tx = connections.write(connections.quick().await?).await?;
    let now = tx.now();
    let mut taking = Taking::new(claim, None, now);
    for lane in &claim.lanes {
        let found: String = sqlx::query_scalar(sql::SEIZE)
            .bind(lane.lane.receiver.0)
            .bind(lane.lane.version)
            .bind(delivery.signal.0)
            .fetch_one(&mut *tx)
            .await
            .map_err(error::of)?;
        taking.start(&mut tx, lane.lane, Found::read_all(&found, lane.lane)?, 1).await?;
    }
    let claims = taking.claims;
    tx.commit().await?;
    Ok(claims)
}

/// The moment by which a lease must have expired to be stolen; `None`: nothing is stolen.
fn stealable(claim: &Claim, patience: &Patience, now: Timestamp) -> Option<Timestamp> {
    let allowance = patience.allowance(claim.lease).filter(|_| claim.steal)?;
    Some(now.saturating_sub(allowance))
}

/// The lanes that hold anything to claim, in the claim's order.
async fn probe(conn: &mut SqliteConnection, claim: &Claim, expired_by: Option<Timestamp>) -> Result<Vec<ClaimLane>> {
    let lanes: Vec<(i64, u32)> = claim.lanes.iter().map(|lane| (lane.lane.receiver.0, lane.lane.version)).collect();
    let found: Vec<i64> = sqlx::query_scalar(sql::CLAIM_PROBE)
        .bind(lanes.to_json()?)
        .bind(expired_by.is_some())
        .bind(expired_by.map(Timestamp::as_micros))
        .bind(claim.suspect)
        .bind(SUSPECT_LEASES)
        .bind(MAX_LOST_LEASES)
        .fetch_all(conn)
        .await
        .map_err(error::of)?;
    Ok(found.into_iter().filter_map(|at| claim.lanes.get(usize::try_from(at).ok()?).copied()).collect())
}

/// A claim in progress.
struct Taking<'c> {
    claim: &'c Claim,
    /// See [`stealable`].
    expired_by: Option<Timestamp>,
    now: Timestamp,
    /// Whether a suspect may still be taken.
    suspect: bool,
    signals: HashMap<i64, Arc<StoredSignal>>,
    claims: Claims,
}

impl<'c> Taking<'c> {
    fn new(claim: &'c Claim, expired_by: Option<Timestamp>, now: Timestamp) -> Self {
        Self { claim, expired_by, now, suspect: claim.suspect, signals: HashMap::new(), claims: Claims::default() }
    }

    async fn lane(&mut self, conn: &mut SqliteConnection, lane: ClaimLane, room: usize) -> Result<()> {
        let room = room.min(lane.limit);
        let found: String = sqlx::query_scalar(sql::CLAIM_SELECT)
            .bind(lane.lane.receiver.0)
            .bind(lane.lane.version)
            .bind(self.expired_by.is_some())
            .bind(self.expired_by.map(Timestamp::as_micros))
            .bind(rows::limit(room))
            .bind(i64::from(self.suspect))
            .bind(SUSPECT_LEASES)
            .bind(MAX_LOST_LEASES)
            .fetch_one(&mut *conn)
            .await
            .map_err(error::of)?;
        self.start(conn, lane.lane, Found::read_all(&found, lane.lane)?, room).await
    }

    /// Puts up to `room` of `found` under the claim's token, and settles what lost too many leases.
    async fn start(&mut self, conn: &mut SqliteConnection, lane: Lane, found: Vec<Found>, room: usize) -> Result<()> {
        self.fetch_signals(conn, &found).await?;
        let mut ids = Vec::with_capacity(found.len());
        let (mut lost, mut crashed) = (Vec::new(), Vec::new());
        for found in found {
            let (counters, crash) = match found.token {
                None => (found.counters.claimed(), false),
                Some(_) => match found.counters.lease_lost() {
                    (counters, Transition::Crash) => (counters, true),
                    (counters, _) => (counters, false),
                },
            };
            if !crash && ids.len() == room {
                continue;
            }
            let held = found.held(self.claim.token);
            if let Some(old) = found.token {
                let lease = LostLease { delivery: held.delivery, lost_leases: counters.lost_leases, dead: crash };
                self.claims.lost.push(lease);
                lost.push(Held { token: old, ..held });
            }
            if crash {
                crashed.push(Held { token: found.token.unwrap_or(held.token), ..held });
                continue;
            }
            ids.push(found.id);
            self.suspect &= !counters.is_suspect();
            // Gone since the look at its lane it cannot be: the write lock is held.
            let Some(signal) = self.signals.get(&found.signal).map(Arc::clone) else { continue };
            self.claims.claimed.push(Claimed { held, counters, signal });
        }
        self.lost(conn, &lost, &crashed).await?;
        self.take(conn, lane, &ids).await
    }

    /// Puts the claim's token on these rows.
    async fn take(&self, conn: &mut SqliteConnection, lane: Lane, ids: &[i64]) -> Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        sqlx::query(sql::CLAIM)
            .bind(lane.receiver.0)
            .bind(lane.version)
            .bind(ids.to_json()?)
            .bind(rows::token_bits(self.claim.token))
            .bind(self.now.saturating_add(self.claim.lease).as_micros())
            .execute(conn)
            .await
            .map(drop)
            .map_err(error::of)
    }

    /// Reads the signals of `found` that were not read before, in batches of bounded size.
    async fn fetch_signals(&mut self, conn: &mut SqliteConnection, found: &[Found]) -> Result<()> {
        let mut rest: Vec<(i64, usize)> = found.iter().map(|found| (found.signal, found.bytes)).collect();
        rest.sort_unstable();
        rest.dedup();
        rest.retain(|(id, _)| !self.signals.contains_key(id));
        while !rest.is_empty() {
            let mut bytes = 0;
            let fits = rest.iter().take_while(|(_, more)| {
                let fits = bytes == 0 || bytes + more <= FETCH;
                bytes += (*more).max(1);
                fits
            });
            let later = rest.split_off(fits.count());
            let ids: Vec<i64> = rest.iter().map(|(id, _)| *id).collect();
            let signals: String = sqlx::query_scalar(sql::CLAIM_SIGNALS)
                .bind(ids.to_json()?)
                .fetch_one(&mut *conn)
                .await
                .map_err(error::of)?;
            self.signals.extend(rows::signals(&signals)?.into_iter().map(|signal| (signal.id.0, Arc::new(signal))));
            rest = later;
        }
        Ok(())
    }

    /// Records the leases that expired, and settles what has lost too many.
    async fn lost(&self, conn: &mut SqliteConnection, lost: &[Held], crashed: &[Held]) -> Result<()> {
        let attempts: Vec<_> = lost
            .iter()
            .map(|held| {
                let (receiver, version, id, signal, life, token) = rows::held(held);
                (receiver, version, id, signal, life, token, AttemptOutcome::LeaseLost.as_str(), LEASE_LOST, None)
            })
            .collect();
        finish::record(conn, &attempts, self.now).await?;
        if crashed.is_empty() {
            return Ok(());
        }
        let dead: Vec<_> = crashed
            .iter()
            .map(|held| {
                let (receiver, version, id, signal, life, token) = rows::held(held);
                let reason = Some(DeathReason::Crashed.as_str());
                (receiver, version, id, signal, life, Some(token), "dead", reason, None, None)
            })
            .collect();
        let settled = finish::settle(conn, &dead, self.now).await?;
        let keys: Vec<_> = crashed.iter().map(rows::held).collect();
        let removed = finish::remove(conn, &keys, settled).await?;
        finish::all_copied(settled, removed.len())
    }
}

/// A row that can be claimed.
struct Found {
    lane: Lane,
    id: i64,
    signal: i64,
    life: u32,
    counters: Counters,
    /// Whose lease expired; `None`: it is ready.
    token: Option<Token>,
    /// Of the signal's payload.
    bytes: usize,
}

impl Found {
    /// What `claim_select` found, in the order of ids.
    fn read_all(json: &str, lane: Lane) -> Result<Vec<Self>> {
        type Row = (i64, i64, i64, i64, i64, i64, Option<i64>, usize);
        let mut rows: Vec<Row> = serde_json::from_str(json).map_err(error::foreign)?;
        rows.sort_unstable_by_key(|(id, ..)| *id);
        let found = |(id, signal, life, attempt, lost_leases, refunds, token, bytes): Row| {
            let (attempt, lost_leases) = (rows::count(attempt), rows::count(lost_leases));
            let counters = Counters { attempt, lost_leases, refunds: rows::count(refunds) };
            Self { lane, id, signal, life: rows::count(life), counters, token: token.map(rows::token), bytes }
        };
        Ok(rows.into_iter().map(found).collect())
    }

    fn held(&self, token: Token) -> Held {
        Held {
            delivery: rows::delivery(self.signal, self.lane.receiver.0),
            lane: self.lane,
            position: self.id,
            life: self.life,
            token,
        }
    }
}
