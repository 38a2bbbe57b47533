//! T2 and T9: takes what is due, of all lanes in one statement.
//!
//! Most claims begin at the floors of their lanes; a sweep begins at the bottom, and alone looks for expired leases and for
//! suspects. See `claim/floors.rs`.

mod floors;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use signals_core::Result;
use signals_core::delivery::{MAX_LOST_LEASES, ReceiverId, SUSPECT_LEASES, SignalId};
use signals_core::store::{
    AttemptOutcome, Claim, ClaimLane, Claimed, Claims, DeathReason, Held, LostLease, StoredSignal,
};
use sqlx::Postgres;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;

use super::super::common::LEASE_LOST;
use super::connections::{Connections, Transaction};
use super::rows::{self, get as column};
use super::sql;
use super::time::span;
use crate::{broken, telemetry};

pub(super) use floors::Floors;
use floors::Looked;

/// Claims.
pub(super) async fn claim(connections: &Connections, floors: &Floors, claim: &Claim) -> Result<Claims> {
    if claim.limit == 0 || claim.lanes.is_empty() {
        return Ok(Claims::default());
    }
    let claim = &*each_lane_once(claim);
    // tidy: a duration: how old a floor is
    let since = Instant::now();
    // A test's clock stands still and then leaps, so that no interval of the real one is short enough.
    let due = connections.is_clock_imposed() || floors.is_sweep_due(&claim.lanes, since);
    let sweeping = due && !broken::skip_sweep();
    let starts = if sweeping { vec![0; claim.lanes.len()] } else { floors.starts(&claim.lanes, since) };

    let mut claims = Claims::default();
    if sweeping && claim.steal {
        claims.lost = bury(connections, claim).await?;
    }
    let mut tx = connections.quick_single().await?;
    // tidy: a duration: how long the statement takes, without the wait for the connection
    let began = Instant::now();
    let taken = take(connections, &mut tx, claim, &starts, sweeping).await;
    if sweeping {
        // Also when it failed: the next claim takes what stands above the floors, and is not the same sweep again.
        floors.swept(&claim.lanes, since, began.elapsed());
    }
    let found = taken?;
    if found.is_empty() {
        tx.end();
    } else {
        tx.commit().await?;
    }
    note(floors, claim, &starts, &found, since)?;
    read(claim, found, &mut claims)?;
    Ok(claims)
}

/// Receivers of one build whose names were joined into one (I15) ask for the same lane. A row that is locked already is not
/// skipped by who has locked it: it would be found, and answered, once for each of them.
fn each_lane_once(claim: &Claim) -> Cow<'_, Claim> {
    let mut seen = HashSet::new();
    if claim.lanes.iter().all(|asked| seen.insert(asked.lane)) {
        return Cow::Borrowed(claim);
    }
    let mut lanes: Vec<ClaimLane> = Vec::new();
    for asked in &claim.lanes {
        match lanes.iter_mut().find(|lane| lane.lane == asked.lane) {
            Some(lane) => lane.limit = lane.limit.saturating_add(asked.limit),
            None => lanes.push(*asked),
        }
    }
    Cow::Owned(Claim { lanes, ..claim.clone() })
}

/// The lanes of a claim as columns.
struct Lanes {
    receivers: Vec<i64>,
    versions: Vec<i64>,
    limits: Vec<i64>,
}

impl Lanes {
    fn of(claim: &Claim) -> Self {
        Self {
            receivers: claim.lanes.iter().map(|lane| lane.lane.receiver.0).collect(),
            versions: claim.lanes.iter().map(|lane| lane.lane.version.into()).collect(),
            limits: claim.lanes.iter().map(|lane| rows::limit(lane.limit)).collect(),
        }
    }
}

/// Makes dead letters of what has lost its last lease, in a transaction of its own: the claim's gets its id after its
/// snapshot, on which the floors rest, and one row that cannot be buried must not keep all others from being claimed.
async fn bury(connections: &Connections, claim: &Claim) -> Result<Vec<LostLease>> {
    match try_bury(connections, claim).await {
        Err(error) if !error.is_connection() => {
            telemetry::crashed_not_buried(&error);
            Ok(Vec::new())
        }
        answer => answer,
    }
}

async fn try_bury(connections: &Connections, claim: &Claim) -> Result<Vec<LostLease>> {
    let mut tx = connections.quick_single().await?;
    let dead = crashed(connections, &mut tx, claim).await?;
    if dead.is_empty() {
        tx.end();
    } else {
        tx.commit().await?;
    }
    Ok(dead)
}

async fn crashed(connections: &Connections, tx: &mut Transaction<'_>, claim: &Claim) -> Result<Vec<LostLease>> {
    let lanes = Lanes::of(claim);
    let dead: Vec<(i64, i64, i32)> = sqlx::query_as(sql::CRASHED)
        .bind(connections.now())
        .bind(&lanes.receivers)
        .bind(&lanes.versions)
        .bind(i64::from(MAX_LOST_LEASES))
        .bind(DeathReason::Crashed.as_str())
        .bind(AttemptOutcome::LeaseLost.as_str())
        .bind(LEASE_LOST)
        .fetch_all(&mut **tx)
        .await
        .map_err(|error| tx.error(error))?;
    let lost = |(signal, receiver, leases): (i64, i64, i32)| LostLease {
        delivery: rows::delivery(signal, receiver),
        lost_leases: rows::count(leases.into()),
        dead: true,
    };
    Ok(dead.into_iter().map(lost).collect())
}

/// The rows that are this claim's now, in any order.
async fn take(
    connections: &Connections,
    tx: &mut Transaction<'_>,
    claim: &Claim,
    starts: &[i64],
    sweeping: bool,
) -> Result<Vec<PgRow>> {
    let lanes = Lanes::of(claim);
    let query = sqlx::query(if sweeping { sql::SWEEP } else { sql::CLAIM })
        .bind(connections.now())
        .bind(&lanes.receivers)
        .bind(&lanes.versions)
        .bind(&lanes.limits)
        .bind(starts)
        .bind(rows::limit(claim.limit))
        .bind(rows::token_bits(claim.token))
        .bind(span(claim.lease))
        .bind(i64::from(SUSPECT_LEASES));
    let query = if sweeping { bind_sweep(query, claim) } else { query };
    query.fetch_all(&mut **tx).await.map_err(|error| tx.error(error))
}

fn bind_sweep<'q>(query: Query<'q, Postgres, PgArguments>, claim: &Claim) -> Query<'q, Postgres, PgArguments> {
    query
        .bind(claim.steal)
        .bind(claim.suspect)
        .bind(i64::from(MAX_LOST_LEASES))
        .bind(AttemptOutcome::LeaseLost.as_str())
        .bind(LEASE_LOST)
}

/// Lets the floors of the lanes rise.
fn note(floors: &Floors, claim: &Claim, starts: &[i64], found: &[PgRow], now: Instant) -> Result<()> {
    let Some(first) = found.first() else { return Ok(()) };
    let (oldest, own) = (column(first, "oldest")?, column(first, "own")?);
    let mut lanes: HashMap<(i64, i64), (usize, i64, bool)> = HashMap::new();
    for row in found {
        let (id, stolen): (i64, bool) = (column(row, "id")?, column(row, "stolen")?);
        let taken = lanes.entry((column(row, "receiver")?, column(row, "version")?)).or_insert((0, id, false));
        *taken = (taken.0 + 1, taken.1.max(id), taken.2 || stolen);
    }
    for (lane, &from) in claim.lanes.iter().zip(starts) {
        let Some(&(taken, last, stole)) = lanes.get(&(lane.lane.receiver.0, lane.lane.version.into())) else {
            continue;
        };
        let short = taken < lane.limit && found.len() < claim.limit;
        floors.looked(lane.lane, Looked { from, last, short, stole, oldest, own }, now);
    }
    Ok(())
}

/// Puts into order what was taken: by lane as they were named, oldest first.
pub(super) fn read(claim: &Claim, found: Vec<PgRow>, claims: &mut Claims) -> Result<()> {
    let mut order: HashMap<(i64, i64), usize> = HashMap::new();
    for (at, lane) in claim.lanes.iter().enumerate() {
        order.entry((lane.lane.receiver.0, lane.lane.version.into())).or_insert(at);
    }
    let mut signals: HashMap<i64, Arc<StoredSignal>> = HashMap::new();
    let mut taken = Vec::with_capacity(found.len());
    for row in &found {
        let (receiver, version): (i64, i64) = (column(row, "receiver")?, column(row, "version")?);
        let (id, signal): (i64, i64) = (column(row, "id")?, column(row, "signal")?);
        if column::<Option<&str>>(row, "name")?.is_some() {
            signals.insert(signal, Arc::new(rows::signal(signal, row)?));
        }
        let held = Held {
            delivery: signals_core::delivery::DeliveryId { signal: SignalId(signal), receiver: ReceiverId(receiver) },
            lane: rows::lane(receiver, version),
            position: id,
            life: rows::small(row, "life")?,
            token: claim.token,
        };
        let counters = rows::counters(row)?;
        if column(row, "stolen")? {
            let lost = LostLease { delivery: held.delivery, lost_leases: counters.lost_leases, dead: false };
            claims.lost.push(lost);
        }
        taken.push((order.get(&(receiver, version)).copied(), held, counters));
    }
    taken.sort_unstable_by_key(|(lane, held, _)| (*lane, held.position));
    claims.claimed.extend(taken.into_iter().filter_map(|(_, held, counters)| {
        // Without its signal there is nothing to run, nor to keep as a dead letter: its lease expires until that is one too
        // many, and then it stands as it is until somebody looks.
        let signal = Arc::clone(signals.get(&held.delivery.signal.0)?);
        Some(Claimed { held, counters, signal })
    }));
    Ok(())
}
