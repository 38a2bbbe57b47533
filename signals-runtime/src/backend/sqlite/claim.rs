//! T2 and T9: takes what is due, lane by lane, in one transaction that holds the write lock.
//!
//! A look without the lock comes first, so that polling an idle database never stands in a writer's way. What it finds
//! is looked at again under the lock.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use signals_core::Result;
use signals_core::clock::Timestamp;
use signals_core::delivery::{Counters, Lane, MAX_LOST_LEASES, SUSPECT_LEASES, Transition};
use signals_core::store::{
    AttemptOutcome, Claim, ClaimLane, Claimed, Claims, DeathReason, Held, LostLease, StoredSignal,
};
use signals_core::token::Token;
use sqlx::SqliteConnection;

use super::connections::Connections;
use super::patience::Patience;
use super::rows::{self, ToJson as _};
use super::{error, finish, sql};

/// What a lost lease says in the history of attempts.
const LEASE_LOST: &str = "the lease expired: the worker crashed, hung, or lost its database";

/// Claims.
pub(super) async fn claim(connections: &Connections, patience: &Patience, claim: &Claim) -> Result<Claims> {
    if claim.limit == 0 || claim.lanes.is_empty() {
        return Ok(Claims::default());
    }
    // tidy: a duration: how long the lock was waited for, behind others of this process too
    let since = Instant::now();
    let mut conn = connections.quick().await?;
    let lanes = probe(&mut conn, claim, stealable(claim, patience, connections.now())).await?;
    if lanes.is_empty() {
        return Ok(Claims::default());
    }
    let mut tx = connections.write(conn).await?;
    patience.waited(since);
    let now = tx.now();

    let mut taking = Taking {
        claim,
        expired_by: stealable(claim, patience, now),
        now,
        suspect: claim.suspect,
        signals: HashMap::new(),
        claims: Claims::default(),
    };
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
    let taken: Vec<_> = claims.claimed.iter().map(|claimed| key(&claimed.held)).collect();
    for chunk in taken.chunks(rows::CHUNK) {
        sqlx::query(sql::CLAIM)
            .bind(chunk.to_json()?)
            .bind(rows::token_bits(claim.token))
            .bind(now.saturating_add(claim.lease).as_micros())
            .execute(&mut *tx)
            .await
            .map_err(error::of)?;
    }
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

impl Taking<'_> {
    async fn lane(&mut self, conn: &mut SqliteConnection, lane: ClaimLane, room: usize) -> Result<()> {
        let room = room.min(lane.limit);
        let rows = sqlx::query(sql::CLAIM_SELECT)
            .bind(lane.lane.receiver.0)
            .bind(lane.lane.version)
            .bind(self.expired_by.is_some())
            .bind(self.expired_by.map(Timestamp::as_micros))
            .bind(rows::limit(room))
            .bind(i64::from(self.suspect))
            .bind(SUSPECT_LEASES)
            .bind(MAX_LOST_LEASES)
            .fetch_all(&mut *conn)
            .await
            .map_err(error::of)?;
        let mut taken = 0;
        let (mut lost, mut crashed) = (Vec::new(), Vec::new());
        for row in &rows {
            let found = Found::read(row, lane.lane)?;
            let (counters, crash) = match found.token {
                None => (found.counters.claimed(), false),
                Some(_) => match found.counters.lease_lost() {
                    (counters, Transition::Crash) => (counters, true),
                    (counters, _) => (counters, false),
                },
            };
            if !crash && taken == room {
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
            taken += 1;
            self.suspect &= !counters.is_suspect();
            let signal = match self.signals.get(&found.signal) {
                Some(signal) => Arc::clone(signal),
                None => {
                    let signal = Arc::new(rows::signal(found.signal, row)?);
                    self.signals.insert(found.signal, Arc::clone(&signal));
                    signal
                }
            };
            self.claims.claimed.push(Claimed { held, counters, signal });
        }
        self.lost(conn, &lost, &crashed).await
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
        let removed = finish::remove(conn, &keys).await?;
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
}

impl Found {
    fn read(row: &sqlx::sqlite::SqliteRow, lane: Lane) -> Result<Self> {
        Ok(Self {
            lane,
            id: rows::get(row, "id")?,
            signal: rows::get(row, "signal")?,
            life: rows::count(rows::get(row, "life")?),
            counters: rows::counters(row)?,
            token: rows::get::<Option<i64>>(row, "token")?.map(rows::token),
        })
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

fn key(held: &Held) -> (i64, u32, i64) {
    (held.lane.receiver.0, held.lane.version, held.position)
}
