//! Lists: which deliveries a page tells is found first, and then what is told of them, in one snapshot.
//!
//! Nothing orders the lanes by signal, so a page looks at a window of signals only, and passes over the rest of a lane with one
//! comparison a row; what waits and what is settled is walked by signal. Where there is little to look at in all, it looks
//! at everything instead, so that rare things are not searched for window by window.

use std::str::FromStr as _;

use signals_core::Result;
use signals_core::clock::Timestamp;
use signals_core::delivery::{DeliveryId, ReceiverId, SignalId, State};
use signals_core::store::{DeathReason, DeliverySummary, Filter, Found, Page};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::super::connections::Connections;
use super::super::rows::{self, ToJson as _, get as column};
use super::super::{error, sql};

/// How many signals one page looks at.
const WINDOW: i64 = 5_000;

/// How many rows are little.
const LITTLE: i64 = 10_000;

/// One page.
pub(in super::super) async fn list(connections: &Connections, filter: &Filter) -> Result<Page> {
    let now = connections.now();
    let mut snapshot = connections.snapshot().await?;
    let (places, next) = page(&mut snapshot, filter, filter.page(), now).await?;
    Ok(Page { deliveries: show(&mut snapshot, &places).await?, next })
}

/// The ids alone.
pub(in super::super) async fn find(connections: &Connections, filter: &Filter, limit: usize) -> Result<Found> {
    let now = connections.now();
    let mut snapshot = connections.snapshot().await?;
    let (places, next) = page(&mut snapshot, filter, limit, now).await?;
    let ids = places.iter().map(|&(signal, receiver, ..)| rows::delivery(signal, receiver)).collect();
    Ok(Found { ids, next })
}

/// Where the deliveries of one page are, and where the next begins.
async fn page(
    conn: &mut SqliteConnection,
    filter: &Filter,
    limit: usize,
    now: Timestamp,
) -> Result<(Vec<rows::PlaceRow>, Option<DeliveryId>)> {
    let wanted = Wanted::new(filter, now)?;
    let (lanes, little) = lanes(conn, &wanted).await?;
    let bottom = if little { None } else { window(conn, wanted.after.signal.0).await? };
    let mut places = places(conn, &wanted, &lanes, little, bottom, limit.saturating_add(1)).await?;
    let next = if places.len() > limit {
        places.truncate(limit);
        places.last().map(|&(signal, receiver, ..)| rows::delivery(signal, receiver))
    } else {
        bottom.map(|signal| DeliveryId { signal: SignalId(signal), receiver: ReceiverId(i64::MAX) })
    };
    Ok((places, next))
}

/// A filter in the words of the statements.
struct Wanted<'f> {
    ready: bool,
    running: bool,
    outcomes: String,
    receiver: Option<&'f str>,
    signal: Option<&'f str>,
    sent_by: Option<i64>,
    sent_after: Option<i64>,
    error: Option<String>,
    after: DeliveryId,
}

impl<'f> Wanted<'f> {
    fn new(filter: &'f Filter, now: Timestamp) -> Result<Self> {
        let states = filter.states();
        let outcomes: Vec<&str> =
            states.iter().filter(|state| state.is_settled()).map(|state| state.as_str()).collect();
        let before = |age| now.saturating_sub(age).as_micros();
        Ok(Self {
            ready: states.contains(&State::Ready),
            running: states.contains(&State::Running),
            outcomes: outcomes.to_json()?,
            receiver: filter.receiver.as_deref(),
            signal: filter.signal.as_deref(),
            sent_by: filter.older_than.map(before),
            sent_after: filter.younger_than.map(before),
            error: filter.error.as_ref().map(|text| text.to_ascii_lowercase()),
            after: filter.after.unwrap_or(rows::delivery(i64::MAX, i64::MAX)),
        })
    }
}

/// The lanes to look at, as JSON, and whether there is little in all of them. What runs is little by itself: no worker has
/// more than its slots, and none needs a look at all the ready ones in order.
async fn lanes(conn: &mut SqliteConnection, wanted: &Wanted<'_>) -> Result<(String, bool)> {
    let found: Vec<(i64, i64, i64)> = sqlx::query_as(sql::LIST_LANES)
        .bind(wanted.receiver)
        .bind(LITTLE + 1)
        .bind(wanted.ready)
        .bind(wanted.ready)
        .bind(&wanted.outcomes)
        .fetch_all(conn)
        .await
        .map_err(error::of)?;
    let lanes: Vec<(i64, i64)> = found.iter().map(|&(receiver, version, _)| (receiver, version)).collect();
    Ok((lanes.to_json()?, found.iter().map(|&(.., rows)| rows).sum::<i64>() <= LITTLE))
}

/// The lowest signal that a page looks at; `None` when those are the last.
async fn window(conn: &mut SqliteConnection, from: i64) -> Result<Option<i64>> {
    let (lowest, count): (Option<i64>, i64) =
        sqlx::query_as(sql::LIST_WINDOW).bind(from).bind(WINDOW).fetch_one(conn).await.map_err(error::of)?;
    Ok(lowest.filter(|_| count >= WINDOW))
}

/// Which deliveries are told, and where they are.
async fn places(
    conn: &mut SqliteConnection,
    wanted: &Wanted<'_>,
    lanes: &str,
    little: bool,
    bottom: Option<i64>,
    limit: usize,
) -> Result<Vec<rows::PlaceRow>> {
    sqlx::query_as(sql::LIST)
        .bind(lanes)
        .bind(&wanted.outcomes)
        .bind(wanted.signal)
        .bind(wanted.after.signal.0)
        .bind(wanted.after.receiver.0)
        .bind(rows::limit(limit))
        .bind(wanted.ready)
        .bind(wanted.running)
        .bind(bottom.unwrap_or(i64::MIN))
        .bind(wanted.sent_by)
        .bind(wanted.sent_after)
        .bind(wanted.error.as_deref())
        .bind(little)
        .fetch_all(conn)
        .await
        .map_err(error::of)
}

/// What is told of deliveries, newest signal first.
pub(super) async fn show(conn: &mut SqliteConnection, places: &[rows::PlaceRow]) -> Result<Vec<DeliverySummary>> {
    let places = places.to_json()?;
    let rows = sqlx::query(sql::SHOW).bind(places).fetch_all(conn).await.map_err(error::of)?;
    rows.iter().map(summary).collect()
}

fn summary(row: &SqliteRow) -> Result<DeliverySummary> {
    let (signal, receiver) = (column(row, "signal")?, column(row, "receiver")?);
    let moment = |name| column::<Option<i64>>(row, name).map(|micros| micros.map(Timestamp::from_micros));
    Ok(DeliverySummary {
        id: rows::delivery(signal, receiver),
        lane: rows::lane(receiver, column(row, "version")?),
        receiver: column(row, "receiver_name")?,
        signal: column(row, "name")?,
        state: State::from_str(&column::<String>(row, "state")?).map_err(error::foreign)?,
        life: rows::count(column(row, "life")?),
        counters: rows::counters(row)?,
        sent_at: Timestamp::from_micros(column(row, "sent_at")?),
        due_at: moment("due_at")?,
        worker: column::<Option<i64>>(row, "token")?.map(|bits| rows::token(bits).incarnation()),
        lease_until: moment("lease_until")?,
        settled_at: moment("settled_at")?,
        death: column::<Option<String>>(row, "reason")?.and_then(|reason| DeathReason::from_word(&reason)),
        actor: column(row, "actor")?,
    })
}
