//! T1: a batch of signals with their deliveries, in a number of statements that does not grow with its receivers.
//!
//! The ordinary send is one round, in `at_once`. Here are the others: with keys, with delays, of several types, and large
//! ones. Their first statement takes the write lock; everything that can refuse is checked under it before the first row is
//! written, and the rows are written inside a savepoint: a send that fails leaves nothing, whatever its caller does then.

mod at_once;

use std::collections::{BTreeSet, HashMap, HashSet};

use sha2::{Digest as _, Sha256};
use signals_core::clock::Timestamp;
use signals_core::delivery::SignalId;
use signals_core::{Error, Outgoing, Receipt, Result, SendBatch, SignalDef};
use sqlx::{Connection as _, SqliteConnection};

use super::rows::{self, ToJson as _};
use super::{error, sql, transactions};
use crate::broken;

/// The most signals of one INSERT, and the most bytes of payload.
const CHUNK: (usize, usize) = (500, 4 << 20);

/// Stores `batch`.
pub(super) async fn send(conn: &mut SqliteConnection, batch: &SendBatch) -> Result<Vec<Receipt>> {
    if !conn.is_in_transaction() {
        return Err(Error::NotInTransaction);
    }
    if transactions::is_lost(conn).await {
        return Err(Error::NotInTransaction);
    }
    let at_once = match at_once::fits(batch).filter(|_| !broken::fan_out_linked_only()) {
        Some(def) => at_once::store(conn, batch, def).await,
        None => Ok(None),
    };
    let stored = match at_once {
        Ok(Some(receipts)) => Ok(receipts),
        // Step by step it is found out, and told, who is missing.
        Ok(None) => step_by_step(conn, batch).await,
        Err(error) => Err(error),
    };
    if stored.is_err() {
        // When the disk is full or fails, SQLite rolls back everything, and what follows would commit by itself.
        transactions::is_lost(conn).await;
    } else if broken::transaction() {
        sqlx::raw_sql("COMMIT; BEGIN IMMEDIATE").execute(conn).await.map_err(error::of)?;
    }
    stored
}

async fn step_by_step(conn: &mut SqliteConnection, batch: &SendBatch) -> Result<Vec<Receipt>> {
    let mut savepoint = Savepoint::open(conn).await?;
    let receipts = store(savepoint.conn, batch).await?;
    savepoint.release().await?;
    Ok(receipts)
}

/// Undone when it is dropped.
struct Savepoint<'c> {
    conn: &'c mut SqliteConnection,
    open: bool,
}

impl<'c> Savepoint<'c> {
    async fn open(conn: &'c mut SqliteConnection) -> Result<Self> {
        transactions::begin(conn).await.map_err(error::of)?;
        Ok(Self { conn, open: true })
    }

    async fn release(&mut self) -> Result<()> {
        transactions::commit(self.conn).await.map_err(error::of)?;
        self.open = false;
        Ok(())
    }
}

impl Drop for Savepoint<'_> {
    fn drop(&mut self) {
        if self.open {
            transactions::start_rollback(self.conn);
        }
    }
}

/// What becomes of one signal of the batch.
enum Plan {
    /// It is stored under this id for the receivers of its type.
    Store(i64),
    /// It was stored before.
    Repeated(Receipt),
    /// It repeats the key of an earlier signal of this batch: that one's receipt.
    SameAs(usize),
}

async fn store(conn: &mut SqliteConnection, batch: &SendBatch) -> Result<Vec<Receipt>> {
    let last: i64 = sqlx::query_scalar(sql::SEND_BEGIN)
        .bind(rows::limit(batch.signals.len()))
        .fetch_one(&mut *conn)
        .await
        .map_err(error::of)?;
    let now = batch.context.clock.now();
    let defs = Defs::of(batch);
    let fanout = fanout(conn, batch, &defs).await?;
    let hashes: Vec<_> = batch.signals.iter().map(|signal| signal.key.as_ref().map(|_| hash(signal))).collect();
    let plans = plan(conn, batch, &hashes, last - rows::limit(batch.signals.len())).await?;

    let stored: Vec<_> = (batch.signals.iter().zip(&plans).zip(&defs.at))
        .filter_map(|((signal, plan), &def)| match plan {
            Plan::Store(id) => Some((signal, *id, fanout[def].as_slice())),
            Plan::Repeated(_) | Plan::SameAs(_) => None,
        })
        .collect();
    insert_signals(conn, batch, &stored, now).await?;
    insert_deliveries(conn, &stored, now).await?;
    insert_keys(conn, batch, &plans, &hashes, &fanout, &defs, now).await?;

    let mut receipts: Vec<Receipt> = Vec::with_capacity(plans.len());
    for (plan, &def) in plans.iter().zip(&defs.at) {
        let receipt = match *plan {
            Plan::Store(id) => Receipt::stored(SignalId(id), fanout[def].len()),
            Plan::Repeated(receipt) => receipt,
            Plan::SameAs(at) => Receipt::repeated(receipts[at].signal_id, receipts[at].deliveries),
        };
        receipts.push(receipt);
    }
    Ok(receipts)
}

/// The distinct types of a batch, and the type of each of its signals.
struct Defs {
    all: Vec<&'static SignalDef>,
    at: Vec<usize>,
}

impl Defs {
    fn of(batch: &SendBatch) -> Self {
        let mut all: Vec<&'static SignalDef> = Vec::new();
        let mut known: HashMap<&str, usize> = HashMap::new();
        let at = batch.signals.iter().map(|signal| {
            *known.entry(signal.def.name).or_insert_with(|| {
                all.push(signal.def);
                all.len() - 1
            })
        });
        let at = at.collect();
        Self { all, at }
    }
}

/// The receivers of each type, in order: registry ∪ linked, less the retired.
async fn fanout(conn: &mut SqliteConnection, batch: &SendBatch, defs: &Defs) -> Result<Vec<Vec<i64>>> {
    let names: Vec<(usize, &str)> =
        defs.all.iter().enumerate().flat_map(|(at, def)| def.names().map(move |name| (at, name))).collect();
    let linked: Vec<Vec<_>> =
        defs.all.iter().map(|def| batch.context.registry.receivers_of(def.name).collect()).collect();
    let linked_names: Vec<(usize, usize, &str)> = (linked.iter().enumerate())
        .flat_map(|(at, receivers)| receivers.iter().enumerate().map(move |(number, def)| (at, number, *def)))
        .flat_map(|(at, number, def)| def.names().map(move |name| (at, number, name)))
        .collect();
    let found: Vec<(i64, i64, bool, Option<i64>)> = sqlx::query_as(sql::SEND_REGISTRY)
        .bind(names.to_json()?)
        .bind(linked_names.to_json()?)
        .fetch_all(conn)
        .await
        .map_err(error::of)?;

    let mut fanout: Vec<BTreeSet<i64>> = vec![BTreeSet::new(); defs.all.len()];
    let mut missing: Vec<BTreeSet<usize>> = linked.iter().map(|receivers| (0..receivers.len()).collect()).collect();
    let mut registered = HashSet::new();
    for &(sent, receiver, retired, _) in found.iter().filter(|(.., linked)| linked.is_none()) {
        registered.insert((sent, receiver));
        if !retired {
            fanout[usize::try_from(sent).map_err(error::foreign)?].insert(receiver);
        }
    }
    if broken::fan_out_linked_only() {
        let own = |sent, id| found.iter().any(|&(at, receiver, _, own)| own.is_some() && (at, receiver) == (sent, id));
        (0..).zip(&mut fanout).for_each(|(sent, receivers)| receivers.retain(|&receiver| own(sent, receiver)));
    }
    for (sent, receiver, _, linked) in found {
        // Stored for another signal it is another receiver, which must not get this one's payload (I15).
        if let Some(number) = linked.filter(|_| registered.contains(&(sent, receiver))) {
            let sent = usize::try_from(sent).map_err(error::foreign)?;
            missing[sent].remove(&usize::try_from(number).map_err(error::foreign)?);
        }
    }
    if let Some((at, missing)) = missing.iter().enumerate().find(|(_, missing)| !missing.is_empty()) {
        return Err(Error::NotRegistered {
            signal: defs.all[at].name.to_owned(),
            receivers: missing.iter().map(|&number| linked[at][number].name.to_owned()).collect(),
        });
    }
    Ok(fanout.into_iter().map(|receivers| receivers.into_iter().collect()).collect())
}

/// Decides for each signal, by its key, whether it is stored.
async fn plan(
    conn: &mut SqliteConnection,
    batch: &SendBatch,
    hashes: &[Option<[u8; 32]>],
    drawn: i64,
) -> Result<Vec<Plan>> {
    let keys: Vec<&str> = batch.signals.iter().filter_map(|signal| signal.key.as_deref()).collect();
    let mut used: HashMap<String, (String, Vec<u8>, Receipt)> = HashMap::new();
    for keys in keys.chunks(rows::CHUNK) {
        let found: Vec<(String, String, Vec<u8>, i64, i64)> =
            sqlx::query_as(sql::SEND_KEYS).bind(keys.to_json()?).fetch_all(&mut *conn).await.map_err(error::of)?;
        for (key, name, hash, signal, deliveries) in found {
            let receipt = Receipt::repeated(SignalId(signal), usize::try_from(deliveries).map_err(error::foreign)?);
            used.insert(key, (name, hash, receipt));
        }
    }

    let mut first: HashMap<&str, usize> = HashMap::new();
    let mut plans = Vec::with_capacity(batch.signals.len());
    for (at, signal) in batch.signals.iter().enumerate() {
        let id = drawn + 1 + rows::limit(at);
        let (Some(key), Some(hash)) = (signal.key.as_deref(), hashes[at]) else {
            plans.push(Plan::Store(id));
            continue;
        };
        let reused = || Error::KeyReused { key: key.to_owned() };
        if let Some((name, stored, receipt)) = used.get(key) {
            if !signal.def.names().any(|own| own == name) || stored.as_slice() != hash {
                return Err(reused());
            }
            plans.push(Plan::Repeated(*receipt));
        } else if let Some(&earlier) = first.get(key) {
            if !signal.def.names().any(|own| own == batch.signals[earlier].def.name) || hashes[earlier] != Some(hash) {
                return Err(reused());
            }
            plans.push(Plan::SameAs(earlier));
        } else {
            first.insert(key, at);
            plans.push(Plan::Store(id));
        }
    }
    Ok(plans)
}

/// A signal to store, its id, and whom it reaches.
type Stored<'b> = (&'b Outgoing, i64, &'b [i64]);

async fn insert_signals(
    conn: &mut SqliteConnection,
    batch: &SendBatch,
    stored: &[Stored<'_>],
    now: Timestamp,
) -> Result<()> {
    let headers = &batch.context.headers;
    let (most, most_bytes) = CHUNK;
    let mut rest = stored;
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = rest.iter().take(most).take_while(|(signal, ..)| {
            let fits = bytes == 0 || bytes + signal.payload.len() <= most_bytes;
            bytes += signal.payload.len().max(1);
            fits
        });
        let (chunk, later) = rest.split_at(fits.count());
        let signals = chunk
            .iter()
            .map(|(signal, id, fanout)| {
                let payload = std::str::from_utf8(&signal.payload).map_err(error::foreign)?;
                Ok((*id, signal.def.name, signal.def.version, payload, fanout.to_vec()))
            })
            .collect::<Result<Vec<_>>>()?;
        sqlx::query(sql::SEND_SIGNALS)
            .bind(signals.to_json()?)
            .bind(headers.correlation.map(|id| id.0))
            .bind(headers.causation.map(|id| id.0))
            .bind(headers.traceparent.as_deref())
            .bind(headers.build.as_deref())
            .bind(now.as_micros())
            .execute(&mut *conn)
            .await
            .map_err(error::of)?;
        rest = later;
    }
    Ok(())
}

async fn insert_deliveries(conn: &mut SqliteConnection, stored: &[Stored<'_>], now: Timestamp) -> Result<()> {
    let (mut ready, mut later) = (Vec::new(), Vec::new());
    for (signal, id, fanout) in stored {
        let version = signal.def.version;
        match signal.due.resolve(now)? {
            None => ready.extend(fanout.iter().map(|&receiver| (receiver, version, 0, *id))),
            Some(due) => later.extend(fanout.iter().map(|&receiver| (*id, receiver, version, due.as_micros()))),
        }
    }
    if !ready.is_empty() {
        let count = ready.len();
        let first = draw(conn, count).await? + 1 - rows::limit(count);
        for (row, id) in ready.iter_mut().zip(first..) {
            row.2 = id;
        }
        // Ids follow the order of the batch; the rows go in by lane.
        ready.sort_unstable();
        for chunk in ready.chunks(rows::CHUNK) {
            let chunk = chunk.to_json()?;
            sqlx::query(sql::SEND_DELIVERIES).bind(chunk).execute(&mut *conn).await.map_err(error::of)?;
        }
    }
    for chunk in later.chunks(rows::CHUNK) {
        let chunk = chunk.to_json()?;
        sqlx::query(sql::SEND_LATER).bind(chunk).execute(&mut *conn).await.map_err(error::of)?;
    }
    Ok(())
}

async fn insert_keys(
    conn: &mut SqliteConnection,
    batch: &SendBatch,
    plans: &[Plan],
    hashes: &[Option<[u8; 32]>],
    fanout: &[Vec<i64>],
    defs: &Defs,
    now: Timestamp,
) -> Result<()> {
    let mut keys = Vec::new();
    for (at, signal) in batch.signals.iter().enumerate() {
        if let (Plan::Store(id), Some(key), Some(hash)) = (&plans[at], signal.key.as_deref(), hashes[at]) {
            let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
            keys.push((key, signal.def.name, hash, *id, fanout[defs.at[at]].len()));
        }
    }
    for chunk in keys.chunks(rows::CHUNK) {
        sqlx::query(sql::SEND_NOTE_KEYS)
            .bind(chunk.to_json()?)
            .bind(now.as_micros())
            .execute(&mut *conn)
            .await
            .map_err(error::of)?;
    }
    Ok(())
}

/// Draws `count` ids for deliveries, and returns the last of them.
pub(super) async fn draw(conn: &mut SqliteConnection, count: usize) -> Result<i64> {
    sqlx::query_scalar(sql::DRAW).bind(rows::limit(count)).fetch_one(conn).await.map_err(error::of)
}

/// What makes two sends under one key the same. Not std's hasher: it is stored, and must never change.
fn hash(signal: &Outgoing) -> [u8; 32] {
    Sha256::digest(&signal.payload).into()
}
