//! Lists of rows as arrays, one for each column: any number of rows in a fixed number of parameters.

use std::sync::Arc;

use signals_core::clock::Timestamp;
use signals_core::delivery::{Counters, DeliveryId, SignalId};
use signals_core::store::{Held, StoredSignal};
use signals_core::{Headers, Result};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::QueryAs;
use sqlx::{Postgres, Row as _};

pub(super) use super::super::common::rows::{count, delivery, lane, limit, token, token_bits};
use super::error;
use super::time::Moment;

/// Held deliveries, as the statements expect them.
#[derive(Debug, Default)]
pub(super) struct HeldRows {
    receivers: Vec<i64>,
    versions: Vec<i64>,
    ids: Vec<i64>,
    signals: Vec<i64>,
    lives: Vec<i64>,
    tokens: Vec<i64>,
}

impl<'h> FromIterator<&'h Held> for HeldRows {
    fn from_iter<I: IntoIterator<Item = &'h Held>>(held: I) -> Self {
        let mut rows = Self::default();
        for Held { delivery, lane, position, life, token } in held {
            rows.receivers.push(lane.receiver.0);
            rows.versions.push(lane.version.into());
            rows.ids.push(*position);
            rows.signals.push(delivery.signal.0);
            rows.lives.push((*life).into());
            rows.tokens.push(token_bits(*token));
        }
        rows
    }
}

/// Binds what is held: receivers, versions, ids, signals, lives, tokens.
pub(super) trait BindHeld {
    /// See [`BindHeld`].
    fn bind_held(self, rows: HeldRows) -> Self;
}

impl<O> BindHeld for QueryAs<'_, Postgres, O, PgArguments> {
    fn bind_held(self, rows: HeldRows) -> Self {
        let HeldRows { receivers, versions, ids, signals, lives, tokens } = rows;
        self.bind(receivers).bind(versions).bind(ids).bind(signals).bind(lives).bind(tokens)
    }
}

/// The signals and the receivers of deliveries.
pub(super) fn columns<'d>(ids: impl IntoIterator<Item = &'d DeliveryId>) -> (Vec<i64>, Vec<i64>) {
    ids.into_iter().map(|id| (id.signal.0, id.receiver.0)).unzip()
}

/// The counters in columns `attempt`, `lost_leases` and `refunds`.
pub(super) fn counters(row: &PgRow) -> Result<Counters> {
    Ok(Counters {
        attempt: small(row, "attempt")?,
        lost_leases: short(row, "lost_leases")?,
        refunds: short(row, "refunds")?,
    })
}

/// A count in an `integer` column.
pub(super) fn small(row: &PgRow, column: &'static str) -> Result<u32> {
    get::<i32>(row, column).map(|value| count(value.into()))
}

/// A count in a `smallint` column.
fn short(row: &PgRow, column: &'static str) -> Result<u32> {
    get::<i16>(row, column).map(|value| count(value.into()))
}

/// A moment that may be missing.
pub(super) fn moment(row: &PgRow, column: &'static str) -> Result<Option<Timestamp>> {
    Ok(get::<Option<Moment>>(row, column)?.map(|moment| moment.0))
}

/// The signal `id` whose columns are in `row`.
pub(super) fn signal(id: i64, row: &PgRow) -> Result<StoredSignal> {
    let text = |column| get::<Option<&str>>(row, column).map(|text| text.map(Arc::from));
    Ok(StoredSignal {
        id: SignalId(id),
        name: get::<&str>(row, "name")?.into(),
        version: count(get(row, "version")?),
        payload: get::<String>(row, "payload")?.into_bytes(),
        headers: Headers {
            correlation: get::<Option<i64>>(row, "correlation")?.map(SignalId),
            causation: get::<Option<i64>>(row, "causation")?.map(SignalId),
            traceparent: text("traceparent")?,
            build: text("build")?,
        },
        sent_at: get::<Moment>(row, "sent_at")?.0,
    })
}

/// A column.
pub(super) fn get<'r, T>(row: &'r PgRow, column: &'static str) -> Result<T>
where
    T: sqlx::Decode<'r, Postgres> + sqlx::Type<Postgres>,
{
    row.try_get(column).map_err(error::of)
}
