//! A sending process: writes what it is about to do into the journal, does it, and writes what came of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use signals_runtime::{Error, Signals, SqliteBackend};

use super::app::{Order, book, open, prepare};
use crate::{Line, Log};

/// The numbers of one sender, and of those who take its place, are these.
const NUMBERS: i64 = 1_000_000_000;

/// How far its sends are apart.
const APART: Duration = Duration::from_millis(15);

/// Sends as number `slot` until it is killed. What its predecessor left without an outcome, it repeats under its key.
///
/// # Errors
///
/// Returns an error when the database cannot be opened, or a send fails for a reason that nothing here explains.
pub async fn send_for_ever(database: &Path, journal: &Log, slot: i64) -> anyhow::Result<()> {
    // No number of an order: it is said for whoever asks later when the database did not answer.
    journal.write("opens", -1 - slot, 0)?;
    let signals = open(database).await?;
    journal.write("opened", -1 - slot, 0)?;
    let own = slot * NUMBERS..(slot + 1) * NUMBERS;
    let before: Vec<Line> = journal.read().into_iter().filter(|line| own.contains(&line.number)).collect();
    repeat_open(&signals, journal, &before).await?;
    let next = before.iter().map(|line| line.number + 1).max().unwrap_or(own.start);
    for number in next.. {
        send(&signals, journal, number).await?;
        // tidy: not a wait: the rate
        tokio::time::sleep(APART).await;
    }
    Ok(())
}

/// Where a sender can be made to stay until it is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// After the send, before the COMMIT.
    Inserted,
    /// After the COMMIT, before anybody is told.
    Committed,
}

impl Point {
    /// What it is called on command lines, and in the journal once the sender is there.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Inserted => "inserted",
            Self::Committed => "committed",
        }
    }
}

/// Sends order `number` as far as `point`, and stays there.
///
/// # Errors
///
/// Returns the database's error.
pub async fn send_and_stay(database: &Path, journal: &Log, number: i64, point: Point) -> anyhow::Result<()> {
    let signals = open(database).await?;
    let (tx, _) = prepare(&signals, number).await?;
    let open = match point {
        Point::Inserted => Some(tx),
        Point::Committed => {
            tx.commit().await?;
            None
        }
    };
    journal.write(point.name(), number, 0)?;
    std::future::pending::<()>().await;
    drop(open);
    Ok(())
}

/// Repeats, under their keys, the sends of which `before` does not say what came of them.
pub(super) async fn repeat_open(
    signals: &Signals<SqliteBackend>,
    journal: &Log,
    before: &[Line],
) -> anyhow::Result<()> {
    for number in open_intents(before).into_iter().filter(|number| Order::is_keyed(*number)) {
        send(signals, journal, number).await?;
    }
    Ok(())
}

/// The intents without an outcome, or with one that says that nobody knows.
fn open_intents(journal: &[Line]) -> BTreeSet<i64> {
    let mut last = BTreeMap::new();
    for line in journal {
        last.insert(line.number, line.what.as_str());
    }
    last.into_iter().filter(|(_, what)| ["intent", "unknown"].contains(what)).map(|(number, _)| number).collect()
}

/// Why a send was refused, as the journal has it before the outcome.
const fn cause(error: &Error) -> &'static str {
    match error {
        Error::Contention(_) => "contention",
        Error::NotWritable(_) => "not-writable",
        _ => "unavailable",
    }
}

/// Sends order `number`, once; the journal says what came of it.
pub(super) async fn send(signals: &Signals<SqliteBackend>, journal: &Log, number: i64) -> anyhow::Result<()> {
    journal.write("intent", number, 0)?;
    let outcome = match book(signals, number).await {
        Ok(receipt) if receipt.repeated => "repeated",
        Ok(_) => "stored",
        Err(Error::CommitUnknown(_)) => "unknown",
        Err(error) if error.is_retryable() || matches!(error, Error::NotWritable(_)) => {
            journal.write(cause(&error), number, 0)?;
            "refused"
        }
        Err(error) => return Err(error.into()),
    };
    journal.write(outcome, number, 0)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_outcome_is_repeated_and_nothing_else() {
        let line = |what: &str, number| Line { what: what.to_owned(), number, attempt: 0, at: 0, pid: 1 };
        let journal = [
            line("intent", 1),
            line("stored", 1),
            line("intent", 2),
            line("intent", 3),
            line("refused", 3),
            line("intent", 4),
            line("unknown", 4),
            line("intent", 5),
            line("intent", 5),
            line("repeated", 5),
        ];
        assert_eq!(open_intents(&journal).into_iter().collect::<Vec<_>>(), [2, 4]);
    }
}
