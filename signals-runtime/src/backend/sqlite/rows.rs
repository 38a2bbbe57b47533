//! Lists of rows as JSON arrays: one bound parameter for any number of rows, read by `json_each`.

use std::sync::Arc;

use signals_core::clock::Timestamp;
use signals_core::delivery::{Counters, SignalId};
use signals_core::store::{Held, StoredSignal};
use signals_core::{Headers, Result};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

pub(super) use super::super::common::held::CHUNK;
pub(super) use super::super::common::rows::{count, delivery, lane, limit, token, token_bits};
use super::error;

/// A held delivery as the statements expect it: receiver, version, id, signal, life, token.
pub(super) type HeldRow = (i64, u32, i64, i64, u32, i64);

/// A delivery as it is looked for: signal, receiver, and where it stands in a lane, version and id.
pub(super) type PlaceRow = (i64, i64, Option<u32>, Option<i64>);

/// See [`HeldRow`].
pub(super) fn held(held: &Held) -> HeldRow {
    let Held { delivery, lane, position, life, token } = held;
    (lane.receiver.0, lane.version, *position, delivery.signal.0, *life, token_bits(*token))
}

/// `rows` as JSON text. Tuples of numbers and strings only.
pub(super) trait ToJson {
    /// See [`ToJson`].
    fn to_json(&self) -> Result<String>;
}

macro_rules! to_json {
    ($($row:ty),+ $(,)?) => {$(
        impl ToJson for [$row] {
            fn to_json(&self) -> Result<String> {
                serde_json::to_string(self).map_err(error::foreign)
            }
        }
    )+};
}

to_json! {
    HeldRow, PlaceRow, i64, (i64, i64), (i64, i64, i64), (i64, u32), (i64, u32, i64), (i64, u32, i64, i64),
    (i64, i64, u32, i64), &str, (usize, &str), (usize, usize, &str), (i64, &str, u32, &str, Vec<i64>),
    (&str, &str, String, i64, usize),
    (i64, u32, i64, i64, u32, i64, i64, bool),
    (i64, u32, i64, i64, u32, i64, &str, &str, Option<i64>),
    (i64, u32, i64, i64, u32, Option<i64>, &str, Option<&str>, Option<&str>, Option<i64>),
}

/// The counters in columns `attempt`, `lost_leases` and `refunds`.
pub(super) fn counters(row: &SqliteRow) -> Result<Counters> {
    Ok(Counters {
        attempt: count(get(row, "attempt")?),
        lost_leases: count(get(row, "lost_leases")?),
        refunds: count(get(row, "refunds")?),
    })
}

/// The signal `id` whose columns are in `row`.
pub(super) fn signal(id: i64, row: &SqliteRow) -> Result<StoredSignal> {
    let text = |column| get::<Option<String>>(row, column).map(|text| text.map(Arc::from));
    Ok(StoredSignal {
        id: SignalId(id),
        name: get::<String>(row, "name")?.into(),
        version: count(get(row, "version")?),
        payload: get::<String>(row, "payload")?.into_bytes(),
        headers: Headers {
            correlation: get::<Option<i64>>(row, "correlation")?.map(SignalId),
            causation: get::<Option<i64>>(row, "causation")?.map(SignalId),
            traceparent: text("traceparent")?,
            build: text("build")?,
        },
        sent_at: Timestamp::from_micros(get(row, "sent_at")?),
    })
}

/// The signals of a JSON array of [id, name, version, payload, correlation, causation, traceparent, build, sent_at].
pub(super) fn signals(json: &str) -> Result<Vec<StoredSignal>> {
    type Row = (i64, String, i64, String, Option<i64>, Option<i64>, Option<String>, Option<String>, i64);
    let rows: Vec<Row> = serde_json::from_str(json).map_err(error::foreign)?;
    let signal =
        |(id, name, version, payload, correlation, causation, traceparent, build, sent_at): Row| StoredSignal {
            id: SignalId(id),
            name: name.into(),
            version: count(version),
            payload: payload.into_bytes(),
            headers: Headers {
                correlation: correlation.map(SignalId),
                causation: causation.map(SignalId),
                traceparent: traceparent.map(Arc::from),
                build: build.map(Arc::from),
            },
            sent_at: Timestamp::from_micros(sent_at),
        };
    Ok(rows.into_iter().map(signal).collect())
}

/// A column.
pub(super) fn get<'r, T>(row: &'r SqliteRow, column: &'static str) -> Result<T>
where
    T: sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
{
    row.try_get(column).map_err(error::of)
}
