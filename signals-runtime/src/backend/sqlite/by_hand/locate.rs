//! Where deliveries are: by primary key where that is known, by a scan of their lanes where it is not.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::str::FromStr as _;

use signals_core::Result;
use signals_core::delivery::{DeliveryId, ReceiverId, State};
use sqlx::SqliteConnection;

use super::super::super::common::by_hand::{Found, Located, Place};
use super::super::connections::Connections;
use super::super::rows::{self, ToJson as _};
use super::super::{error, sql};
use super::heirs;

/// Signal, receiver, state; version and id of one in a lane.
type LocatedRow = (i64, i64, String, Option<i64>, Option<i64>);

/// The most bytes of payload that one transaction copies, and then one signal more.
const MOST_BYTES: usize = 4 << 20;

/// What a look in a snapshot found: where to look first under the lock.
#[derive(Default)]
pub(super) struct Places {
    /// Those in lanes.
    places: HashMap<DeliveryId, Place>,
    /// Those that were nowhere. Ids are never used twice, so they will not be somewhere either.
    absent: HashSet<DeliveryId>,
    /// The last id of a delivery that was drawn by then: what has moved since has a higher one.
    drawn: i64,
    /// The bytes of the payloads of the signals.
    bytes: HashMap<i64, usize>,
}

impl Places {
    /// The first of `asked`: as many as one transaction changes, for what they copy holds the write lock.
    pub(super) fn split<'a>(&self, asked: &'a [DeliveryId]) -> (&'a [DeliveryId], &'a [DeliveryId]) {
        let mut bytes = 0;
        let fits = asked.iter().take(rows::CHUNK).take_while(|id| {
            let fits = bytes <= MOST_BYTES;
            bytes += self.bytes.get(&id.signal.0).copied().unwrap_or_default();
            fits
        });
        asked.split_at(fits.count())
    }
}

/// Looks in one snapshot where all of `asked` are.
pub(super) async fn places(connections: &Connections, asked: &[DeliveryId]) -> Result<Places> {
    let mut snapshot = connections.snapshot().await?;
    let drawn = sqlx::query_scalar(sql::DRAWN).fetch_one(&mut *snapshot).await.map_err(error::of)?;
    let mut places = Places { drawn, ..Places::default() };
    for batch in asked.chunks(rows::CHUNK) {
        let Located { found, heirs } = locate(&mut snapshot, batch, &Places::default()).await?;
        // Not so whoever took over names: another merge may bring it one.
        let took_over = |id: &&DeliveryId| heirs.values().any(|heir| *heir == id.receiver);
        places.absent.extend(batch.iter().filter(|id| !found.contains_key(id) && !took_over(id)));
        places.bytes.extend(weigh(&mut snapshot, batch).await?);
        places.places.extend(found.into_iter().filter_map(|(id, found)| Some((id, found.place?))));
    }
    Ok(places)
}

/// Looks where a batch is by now, under the write lock.
pub(super) async fn under_lock(conn: &mut SqliteConnection, batch: &[DeliveryId], places: &Places) -> Result<Located> {
    locate(conn, batch, places).await
}

/// Where one delivery is: under its own id, or under the receiver that took over its receiver's names.
pub(in super::super) async fn find(
    conn: &mut SqliteConnection,
    asked: DeliveryId,
) -> Result<Option<(DeliveryId, Found)>> {
    Ok(locate(conn, &[asked], &Places::default()).await?.find(asked))
}

async fn locate(conn: &mut SqliteConnection, batch: &[DeliveryId], places: &Places) -> Result<Located> {
    let mut located = Located { found: HashMap::new(), heirs: heirs(&mut *conn).await? };
    let keys = located.keys(batch);
    let place = |id: &DeliveryId| places.places.get(id).map(|place| (place.version, place.id));
    let at: Vec<_> = keys.iter().map(|id| row(*id, place(id))).collect();
    by_key(conn, &at, &mut located.found).await?;
    let missing = keys.into_iter().filter(|id| !located.found.contains_key(id) && !places.absent.contains(id));
    let (moved, unknown): (Vec<_>, Vec<_>) = missing.partition(|id| places.places.contains_key(id));
    let mut at = scan(conn, &unknown).await?;
    at.extend(scan_ends(conn, &moved, places).await?);
    if !at.is_empty() {
        by_key(conn, &at, &mut located.found).await?;
    }
    Ok(located)
}

/// The bytes of the payloads of a batch's signals.
async fn weigh(conn: &mut SqliteConnection, batch: &[DeliveryId]) -> Result<Vec<(i64, usize)>> {
    let signals: Vec<i64> = batch.iter().map(|id| id.signal.0).collect();
    let rows: Vec<(i64, i64)> =
        sqlx::query_as(sql::WEIGH).bind(signals.to_json()?).fetch_all(conn).await.map_err(error::of)?;
    rows.into_iter().map(|(signal, bytes)| Ok((signal, usize::try_from(bytes).map_err(error::foreign)?))).collect()
}

/// Where those stand that have left their places since: behind what was drawn by then, if they are in a lane at all.
async fn scan_ends(conn: &mut SqliteConnection, moved: &[DeliveryId], places: &Places) -> Result<Vec<rows::PlaceRow>> {
    let mut lanes: BTreeMap<(ReceiverId, u32), Vec<i64>> = BTreeMap::new();
    for id in moved {
        lanes.entry((id.receiver, places.places[id].version)).or_default().push(id.signal.0);
    }
    let mut at = Vec::new();
    for ((receiver, version), signals) in lanes {
        let rows: Vec<(i64, i64)> = sqlx::query_as(sql::FIND_MOVED)
            .bind(signals.to_json()?)
            .bind(receiver.0)
            .bind(version)
            .bind(places.drawn)
            .fetch_all(&mut *conn)
            .await
            .map_err(error::of)?;
        let place = |(signal, id)| row(rows::delivery(signal, receiver.0), Some((version, id)));
        at.extend(rows.into_iter().map(place));
    }
    Ok(at)
}

/// What there is at known places, or outside of lanes.
async fn by_key(
    conn: &mut SqliteConnection,
    at: &[rows::PlaceRow],
    found: &mut HashMap<DeliveryId, Found>,
) -> Result<()> {
    let rows: Vec<LocatedRow> =
        sqlx::query_as(sql::LOCATE).bind(at.to_json()?).fetch_all(conn).await.map_err(error::of)?;
    for (signal, receiver, state, version, id) in rows {
        let place = version.zip(id).map(|(version, id)| Place { version: rows::count(version), id });
        let state = State::from_str(&state).map_err(error::foreign)?;
        found.insert(rows::delivery(signal, receiver), Found { state, place });
    }
    Ok(())
}

/// Where in lanes those stand whose place is not known.
async fn scan(conn: &mut SqliteConnection, ids: &[DeliveryId]) -> Result<Vec<rows::PlaceRow>> {
    let mut signals: BTreeMap<ReceiverId, Vec<i64>> = BTreeMap::new();
    for id in ids {
        signals.entry(id.receiver).or_default().push(id.signal.0);
    }
    let mut places = Vec::with_capacity(ids.len());
    for (receiver, signals) in signals {
        let rows: Vec<(i64, i64, i64, i64)> = sqlx::query_as(sql::FIND)
            .bind(signals.to_json()?)
            .bind(receiver.0)
            .bind(signals.iter().min())
            .bind(signals.iter().max())
            .bind(rows::limit(signals.len()))
            .fetch_all(&mut *conn)
            .await
            .map_err(error::of)?;
        let place =
            |(signal, receiver, version, id)| row(rows::delivery(signal, receiver), Some((rows::count(version), id)));
        places.extend(rows.into_iter().map(place));
    }
    Ok(places)
}

fn row(id: DeliveryId, place: Option<(u32, i64)>) -> rows::PlaceRow {
    (id.signal.0, id.receiver.0, place.map(|(version, _)| version), place.map(|(_, id)| id))
}
