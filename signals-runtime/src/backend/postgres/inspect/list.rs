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
use sqlx::PgConnection;
use sqlx::postgres::PgRow;

use super::super::connections::Connections;
use super::super::rows::{self, get as column, moment};
use super::super::time::Moment;
use super::super::{error, sql};

/// How many signals one page looks at.
const WINDOW: i64 = 5_000;

/// How many rows are little.
const LITTLE: i64 = 10_000;

/// A delivery as it is looked for: signal, receiver, and where it stands in a lane, version and id.
pub(super) type PlaceRow = (i64, i64, Option<i64>, Option<i64>);

/// One page.
pub(in super::super) async fn list(connections: &Connections, filter: &Filter) -> Result<Page> {
    let mut snapshot = connections.snapshot().await?;
    let now = snapshot.now().await?;
    let (places, next) = page(&mut snapshot, filter, filter.page(), now).await?;
    Ok(Page { deliveries: show(&mut snapshot, &places).await?, next })
}

/// The ids alone.
pub(in super::super) async fn find(connections: &Connections, filter: &Filter, limit: usize) -> Result<Found> {
    let mut snapshot = connections.snapshot().await?;
    let now = snapshot.now().await?;
    let (places, next) = page(&mut snapshot, filter, limit, now).await?;
    let ids = places.iter().map(|&(signal, receiver, ..)| rows::delivery(signal, receiver)).collect();
    Ok(Found { ids, next })
}

/// Where the deliveries of one page are, and where the next begins.
async fn page(
    conn: &mut PgConnection,
    filter: &Filter,
    limit: usize,
    now: Timestamp,
) -> Result<(Vec<PlaceRow>, Option<DeliveryId>)> {
    if [&filter.receiver, &filter.signal, &filter.error].into_iter().flatten().any(|text| text.contains('\0')) {
        return Ok((Vec::new(), None)); // nothing stored has one, and the server takes none
    }
    let wanted = Wanted::new(filter, now);
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
    outcomes: Vec<&'static str>,
    receiver: Option<&'f str>,
    signal: Option<&'f str>,
    sent_by: Option<Moment>,
    sent_after: Option<Moment>,
    error: Option<String>,
    after: DeliveryId,
}

impl<'f> Wanted<'f> {
    fn new(filter: &'f Filter, now: Timestamp) -> Self {
        let states = filter.states();
        let before = |age| Moment(now.saturating_sub(age));
        Self {
            ready: states.contains(&State::Ready),
            running: states.contains(&State::Running),
            outcomes: states.iter().filter(|state| state.is_settled()).map(|state| state.as_str()).collect(),
            receiver: filter.receiver.as_deref(),
            signal: filter.signal.as_deref(),
            sent_by: filter.older_than.map(before),
            sent_after: filter.younger_than.map(before),
            error: filter.error.as_ref().map(|text| text.to_ascii_lowercase()),
            after: filter.after.unwrap_or(rows::delivery(i64::MAX, i64::MAX)),
        }
    }
}

/// Receivers and versions.
type Lanes = (Vec<i64>, Vec<i64>);

/// The lanes to look at, and whether there is little in all of them. What runs is little by itself: no worker has
/// more than its slots, and none needs a look at all the ready ones in order.
async fn lanes(conn: &mut PgConnection, wanted: &Wanted<'_>) -> Result<(Lanes, bool)> {
    let found: Vec<(i64, i64, i64)> = sqlx::query_as(sql::LIST_LANES)
        .bind(wanted.receiver)
        .bind(LITTLE + 1)
        .bind(wanted.ready)
        .bind(wanted.ready)
        .bind(&wanted.outcomes)
        .fetch_all(conn)
        .await
        .map_err(error::of)?;
    let lanes = found.iter().map(|&(receiver, version, _)| (receiver, version)).unzip();
    Ok((lanes, found.iter().map(|&(.., rows)| rows).sum::<i64>() <= LITTLE))
}

/// The lowest signal that a page looks at; `None` when those are the last.
async fn window(conn: &mut PgConnection, from: i64) -> Result<Option<i64>> {
    let (lowest, count): (Option<i64>, i64) =
        sqlx::query_as(sql::LIST_WINDOW).bind(from).bind(WINDOW).fetch_one(conn).await.map_err(error::of)?;
    Ok(lowest.filter(|_| count >= WINDOW))
}

/// Which deliveries are told, and where they are.
async fn places(
    conn: &mut PgConnection,
    wanted: &Wanted<'_>,
    lanes: &Lanes,
    little: bool,
    bottom: Option<i64>,
    limit: usize,
) -> Result<Vec<PlaceRow>> {
    sqlx::query_as(sql::LIST)
        .bind(&lanes.0)
        .bind(&lanes.1)
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
pub(super) async fn show(conn: &mut PgConnection, places: &[PlaceRow]) -> Result<Vec<DeliverySummary>> {
    let signals: Vec<i64> = places.iter().map(|&(signal, ..)| signal).collect();
    let receivers: Vec<i64> = places.iter().map(|&(_, receiver, ..)| receiver).collect();
    let versions: Vec<Option<i64>> = places.iter().map(|&(_, _, version, _)| version).collect();
    let ids: Vec<Option<i64>> = places.iter().map(|&(.., id)| id).collect();
    let query = sqlx::query(sql::SHOW).bind(signals).bind(receivers).bind(versions).bind(ids);
    query.fetch_all(conn).await.map_err(error::of)?.iter().map(summary).collect()
}

fn summary(row: &PgRow) -> Result<DeliverySummary> {
    let (signal, receiver) = (column(row, "signal")?, column(row, "receiver")?);
    let sent_at: Moment = column(row, "sent_at")?;
    Ok(DeliverySummary {
        id: rows::delivery(signal, receiver),
        lane: rows::lane(receiver, column(row, "version")?),
        receiver: column(row, "receiver_name")?,
        signal: column(row, "name")?,
        state: State::from_str(column(row, "state")?).map_err(error::foreign)?,
        life: rows::small(row, "life")?,
        counters: rows::counters(row)?,
        sent_at: sent_at.0,
        due_at: moment(row, "due_at")?,
        worker: column::<Option<i64>>(row, "token")?.map(|bits| rows::token(bits).incarnation()),
        lease_until: moment(row, "lease_until")?,
        settled_at: moment(row, "settled_at")?,
        death: column::<Option<&str>>(row, "reason")?.and_then(DeathReason::from_word),
        actor: column(row, "actor")?,
    })
}
