//! T1: a batch of signals with their deliveries: one statement for each run of signals of one type, however many receivers
//! there are (`send/store.rs`).

mod store;

use std::collections::HashMap;
use std::mem;

use sha2::{Digest as _, Sha256};
use signals_core::delivery::SignalId;
use signals_core::store::Claimed;
use signals_core::{Error, Outgoing, Receipt, Result, SendBatch, Sent};
use sqlx::{Connection as _, PgConnection};

use super::{error, sql};
use crate::broken;
use store::Run;

/// The most signals of one statement, and the most bytes of payload. Between two statements the server waits for the client:
/// more signals save nothing that can be measured any more.
const CHUNK: (usize, usize) = (4_000, 8 << 20);

/// Stores `batch`.
pub(super) async fn send(conn: &mut PgConnection, batch: &SendBatch) -> Result<Sent> {
    if !conn.is_in_transaction() {
        return Err(Error::NotInTransaction);
    }
    let keys = Keys::of(batch)?;
    let mut receipts = Receipts { at: vec![None; batch.signals.len()], in_transaction: false, claimed: Vec::new() };
    let stored = store_all(conn, batch, &keys, &mut receipts).await;
    if stored.is_err() && receipts.any() {
        abort(conn).await;
    }
    stored?;
    #[cfg(fan_out_linked_only)]
    if broken::fan_out_linked_only() {
        leave_to_linked(conn, batch, &receipts).await?;
    }
    if broken::transaction() {
        sqlx::raw_sql("COMMIT AND CHAIN").execute(&mut *conn).await.map_err(error::of)?;
    }
    let (in_order, claimed) = (receipts.in_transaction, mem::take(&mut receipts.claimed));
    let receipts = receipts.with_repeated(&keys);
    if receipts.is_err() {
        // Also when no signal is stored: the key of one may be.
        abort(conn).await;
    }
    Ok(Sent { receipts: receipts?, in_order, claimed })
}

async fn store_all(conn: &mut PgConnection, batch: &SendBatch, keys: &Keys<'_>, receipts: &mut Receipts) -> Result<()> {
    let mut repeated = Vec::new();
    for places in runs(batch, keys) {
        let run = Run::new(batch, &places)?;
        if !run.is_plain() || !run.store(conn, receipts).await? {
            run.store_with(conn, receipts, &mut repeated).await?;
        }
    }
    if repeated.is_empty() { Ok(()) } else { look_up(conn, batch, &repeated, receipts).await }
}

/// Takes away what was just stored for receivers that this program does not link.
#[cfg(fan_out_linked_only)]
async fn leave_to_linked(conn: &mut PgConnection, batch: &SendBatch, receipts: &Receipts) -> Result<()> {
    let ids: Vec<i64> = receipts.at.iter().flatten().map(|receipt| receipt.signal_id.0).collect();
    let linked = batch.signals.iter().flat_map(|signal| batch.context.registry.receivers_of(signal.def.name));
    let names: Vec<&str> = linked.flat_map(|receiver| receiver.names()).collect();
    sqlx::query(sql::LEAVE_TO_LINKED).bind(&ids).bind(&names).execute(conn).await.map(drop).map_err(error::of)
}

/// S4: makes the server refuse to commit what `conn` is in.
pub(super) async fn abort(conn: &mut PgConnection) {
    // It is meant to fail. If it cannot even do that, the connection is lost, and its transaction with it.
    let _ = sqlx::raw_sql(sql::ABORT).execute(conn).await;
}

/// What becomes of each signal of the batch.
struct Receipts {
    at: Vec<Option<Receipt>>,
    /// Whether the server has shown that a transaction is open: something else was written in it before.
    in_transaction: bool,
    /// What was stored as claimed.
    claimed: Vec<Claimed>,
}

impl Receipts {
    /// Whether anything of the batch is stored.
    fn any(&self) -> bool {
        self.at.iter().any(Option::is_some)
    }

    /// All of them: what repeats a key of this batch has the receipt of the one before it.
    fn with_repeated(mut self, keys: &Keys<'_>) -> Result<Vec<Receipt>> {
        for (&at, &earlier) in &keys.same_as {
            self.at[at] = self.at[earlier].map(|first| Receipt::repeated(first.signal_id, first.deliveries));
        }
        let receipts: Option<Vec<_>> = self.at.into_iter().collect();
        receipts.ok_or_else(|| error::foreign("fewer signals were stored than sent: is a trigger on `signals.signal`?"))
    }
}

/// The keys of a batch: which signals repeat one that stands before them.
struct Keys<'b> {
    same_as: HashMap<usize, usize>,
    first: HashMap<&'b str, usize>,
}

impl<'b> Keys<'b> {
    fn of(batch: &'b SendBatch) -> Result<Self> {
        let mut keys = Self { same_as: HashMap::new(), first: HashMap::new() };
        for (at, signal) in batch.signals.iter().enumerate() {
            let Some(key) = signal.key.as_deref() else { continue };
            let Some(&earlier) = keys.first.get(key) else {
                keys.first.insert(key, at);
                continue;
            };
            let first = &batch.signals[earlier];
            if !signal.def.names().any(|own| own == first.def.name) || signal.payload != first.payload {
                return Err(Error::KeyReused { key: key.to_owned() });
            }
            keys.same_as.insert(at, earlier);
        }
        Ok(keys)
    }
}

/// The places of what one statement stores: neighbours of one type that are due at the same time, in bounded numbers.
fn runs(batch: &SendBatch, keys: &Keys<'_>) -> Vec<Vec<usize>> {
    let (most, most_bytes) = CHUNK;
    let mut runs: Vec<Vec<usize>> = Vec::new();
    let mut bytes = 0;
    for (at, signal) in batch.signals.iter().enumerate().filter(|(at, _)| !keys.same_as.contains_key(at)) {
        let fits = runs.last().is_some_and(|run| {
            let first = &batch.signals[run[0]];
            (first.def.name, first.def.version, first.due) == (signal.def.name, signal.def.version, signal.due)
                && run.len() < most
                && bytes + signal.payload.len() <= most_bytes
        });
        bytes = if fits { bytes + signal.payload.len() } else { signal.payload.len() };
        match runs.last_mut() {
            Some(run) if fits => run.push(at),
            _ => runs.push(vec![at]),
        }
    }
    runs
}

/// The receipts of sends that used the keys of `repeated` before. Their transactions have committed by now, or are this
/// one.
async fn look_up(
    conn: &mut PgConnection,
    batch: &SendBatch,
    repeated: &[(usize, SignalId)],
    receipts: &mut Receipts,
) -> Result<()> {
    let keys: Vec<&str> = repeated.iter().filter_map(|&(at, _)| batch.signals[at].key.as_deref()).collect();
    let found: Vec<(String, String, Vec<u8>, i64, i64)> =
        sqlx::query_as(sql::SEND_KEYS).bind(&keys).fetch_all(conn).await.map_err(error::of)?;
    let found: HashMap<&str, _> =
        found.iter().map(|(key, name, hash, id, of)| (key.as_str(), (name, hash, id, of))).collect();
    for &(at, drawn) in repeated {
        let signal = &batch.signals[at];
        let key = signal.key.as_deref().unwrap_or_default();
        let Some(&(name, stored, &id, &deliveries)) = found.get(key) else {
            // Committed since this transaction's snapshot, which is older than one statement: a new one sees it.
            return Err(Error::Contention(
                format!("idempotency key `{key}` is being used by another transaction").into(),
            ));
        };
        if id == drawn.0 {
            // Nobody used it before: this send has noted the key, and a foreign trigger has kept its signal out.
            continue;
        }
        if !signal.def.names().any(|own| own == name) || *stored != hash(signal) {
            return Err(Error::KeyReused { key: key.to_owned() });
        }
        let deliveries = usize::try_from(deliveries).map_err(error::foreign)?;
        receipts.at[at] = Some(Receipt::repeated(SignalId(id), deliveries));
    }
    Ok(())
}

/// What makes two sends under one key the same. Not std's hasher: it is stored, and must never change.
fn hash(signal: &Outgoing) -> Vec<u8> {
    Sha256::digest(&signal.payload).to_vec()
}
