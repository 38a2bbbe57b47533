//! Moments between the library and `timestamptz`, whose unit is the same and whose year zero is 2000.

use std::time::Duration;

use signals_core::BoxError;
use signals_core::clock::{Timestamp, micros};
use sqlx::encode::IsNull;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, PgValueFormat, PgValueRef};
use sqlx::{Decode, Encode, Postgres, Type};

/// 2000-01-01, in microseconds since 1970.
const EPOCH: i64 = 946_684_800_000_000;

/// The first moment that Postgres knows, in its own count; below it there is only `-infinity`.
const FIRST: i64 = -211_813_488_000_000_000;

/// A thousand years. Longer than that is "for ever", and Postgres' calendar and intervals have an end.
const LONGEST: Duration = Duration::from_secs(1_000 * 366 * 86_400);

/// A length of time as the factor of `interval '1 microsecond'`.
pub(super) fn span(length: Duration) -> i64 {
    micros(length.min(LONGEST))
}

/// A moment as a parameter or a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment(pub(super) Timestamp);

impl Type<Postgres> for Moment {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(1184)) // timestamptz, in every database
    }
}

impl PgHasArrayType for Moment {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(1185))
    }
}

impl Encode<'_, Postgres> for Moment {
    fn encode_by_ref(&self, buf: &mut PgArgumentBuffer) -> Result<IsNull, BoxError> {
        let micros = self.0.as_micros().saturating_sub(EPOCH);
        // Before the first moment it is `-infinity`: earlier than everything, as was meant.
        let micros = if micros < FIRST { i64::MIN } else { micros };
        buf.extend_from_slice(&micros.to_be_bytes());
        Ok(IsNull::No)
    }
}

impl Decode<'_, Postgres> for Moment {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxError> {
        match value.format() {
            PgValueFormat::Binary => {
                let bytes: [u8; 8] = value.as_bytes()?.try_into()?;
                Ok(Self(Timestamp::from_micros(i64::from_be_bytes(bytes).saturating_add(EPOCH))))
            }
            PgValueFormat::Text => Err("moments are read by prepared statements only".into()),
        }
    }
}
