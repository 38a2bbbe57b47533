//! The ordinary send, in one round: signals of one type, due at once, without keys. All its statements go to the
//! connection's thread together, for what a send costs is the way there and back.
//!
//! ```text
//! send_draw ─► send_open ─► send_stored ─► send_addressed ─► send_close
//! ids; refuses   savepoint    the signals    their deliveries   release
//! who is missing
//! ```
//!
//! Ids that were drawn for nothing harm nobody, so they are drawn before the savepoint: SQLite keeps a copy of each page that
//! is written inside one, and with more than 64 KiB of them, which ten lanes come close to, it opens a file.

use std::sync::LazyLock;

use futures_util::TryStreamExt as _;
use signals_core::delivery::SignalId;
use signals_core::{Due, Receipt, Result, SendBatch, SignalDef};
use sqlx::error::ErrorKind;
use sqlx::sqlite::SqliteQueryResult;
use sqlx::{Executor as _, SqliteConnection};

use super::super::rows::{self, ToJson as _};
use super::super::{error, sql, transactions};
use super::CHUNK;

/// The statements of a round. Parameters are numbered across all of them; sqlx prepares and keeps each.
static ROUND: LazyLock<String> = LazyLock::new(|| {
    [sql::SEND_DRAW, sql::SEND_OPEN, sql::SEND_STORED, sql::SEND_ADDRESSED, sql::SEND_CLOSE].join(";\n")
});

/// Which of the round's statements stores the signals, and which their deliveries.
const STORED: usize = 2;
const ADDRESSED: usize = 3;

/// The type of the signals, when one round can store `batch`.
pub(super) fn fits(batch: &SendBatch) -> Option<&'static SignalDef> {
    let first = batch.signals.first()?;
    let (most, most_bytes) = CHUNK;
    let bytes: usize = batch.signals.iter().map(|signal| signal.payload.len()).sum();
    let same_type = |def: &SignalDef| (def.name, def.version) == (first.def.name, first.def.version);
    let ordinary =
        batch.signals.iter().all(|signal| same_type(signal.def) && signal.due == Due::Now && signal.key.is_none());
    (ordinary && batch.signals.len() <= most && bytes <= most_bytes).then_some(first.def)
}

/// Stores `batch`, all of one type. `None`, and nothing is stored, when a receiver that is linked into this program is not
/// registered for it under its own name, or when the type has an alias that is another type in this database.
pub(super) async fn store(
    conn: &mut SqliteConnection,
    batch: &SendBatch,
    def: &'static SignalDef,
) -> Result<Option<Vec<Receipt>>> {
    let aliases: Vec<&str> = def.names().filter(|name| *name != def.name).collect();
    let linked: Vec<&str> = batch.context.registry.receivers_of(def.name).map(|receiver| receiver.name).collect();
    let payloads = batch.signals.iter().map(|signal| std::str::from_utf8(&signal.payload).map_err(error::foreign));
    let headers = &batch.context.headers;
    // The time is read under the lock: every transaction that can send took it when it began. Were one adopted that has not
    // written yet, its signals would be as old as the call; nothing is decided by that, for all are due at once.
    let query = sqlx::query(ROUND.as_str())
        .bind(rows::limit(batch.signals.len()))
        .bind(def.name)
        .bind(linked.to_json()?)
        .bind(rows::limit(linked.len()))
        .bind(aliases.to_json()?)
        .bind(payloads.collect::<Result<Vec<_>>>()?.to_json()?)
        .bind(def.version)
        .bind(headers.correlation.map(|id| id.0))
        .bind(headers.causation.map(|id| id.0))
        .bind(headers.traceparent.as_deref())
        .bind(headers.build.as_deref())
        .bind(batch.context.clock.now().as_micros());

    let mut round = Round { conn, over: false };
    let done = round.conn.fetch_many(query).try_filter_map(async |answer| Ok(answer.left()));
    match done.try_collect::<Vec<_>>().await {
        Ok(done) => {
            let receipts = receipts(&done, batch.signals.len())?;
            round.over = true;
            Ok(Some(receipts))
        }
        Err(refused) if is_refusal(&refused) => Ok(None),
        Err(failed) => Err(error::of(failed)),
    }
}

/// Undone when it is dropped before it is over: a round stops where its future was dropped, or at its first error.
struct Round<'c> {
    conn: &'c mut SqliteConnection,
    over: bool,
}

impl Drop for Round<'_> {
    fn drop(&mut self) {
        if !self.over {
            // Of a round that is not as far as its savepoint, or past it, there is nothing to undo, and SQLite says so to
            // nobody.
            transactions::start(self.conn, sql::SEND_UNDO);
            transactions::start(self.conn, sql::SEND_CLOSE);
        }
    }
}

/// Whether the round stopped at what it cannot store: see `send_draw`.
fn is_refusal(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| error.kind() == ErrorKind::NotNullViolation)
}

/// What the statements of a round did, in their order.
fn receipts(done: &[SqliteQueryResult], signals: usize) -> Result<Vec<Receipt>> {
    let [stored, addressed] = [STORED, ADDRESSED].map(|at| done.get(at).map_or(0, SqliteQueryResult::rows_affected));
    if stored != signals as u64 {
        return Err(error::foreign(format!("{stored} of {signals} signals were stored: is `signals_counter` empty?")));
    }
    let deliveries = usize::try_from(addressed / stored).map_err(error::foreign)?;
    let last = done[STORED].last_insert_rowid();
    let first = last - rows::limit(signals) + 1;
    Ok((first..=last).map(|id| Receipt::stored(SignalId(id), deliveries)).collect())
}
