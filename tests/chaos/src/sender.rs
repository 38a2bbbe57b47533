//! A sending process: writes what it is about to do into the journal, does it, and writes what came of it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

use signals_runtime::{Error, Signals};

use crate::app::{LONG, Order, book, prepare, put};
use crate::database::Database;
use crate::files::ended;
use crate::member::end_with_the_campaign;
use crate::{Line, Log};

/// The numbers of one sender, and of those who take its place, are these.
const NUMBERS: i64 = 1_000_000_000;

/// Each seed has numbers of its own among them, and so orders of its own: what becomes of one follows from its number.
const SEEDS: u64 = 1_000;
const OF_A_SEED: i64 = NUMBERS / SEEDS.cast_signed();

/// So many bytes of its journal a sender reads: what has no outcome is among the last lines, for nobody goes on before it has.
const TAIL: u64 = 64 * 1024;

/// How far its sends are apart.
const APART: Duration = Duration::from_millis(15);

/// Sends the orders of this `seed` as number `slot` until it is killed. What its predecessor left without an outcome, it repeats
/// under its key.
///
/// # Errors
///
/// Returns an error when the database cannot be opened, or a send fails for a reason that nothing here explains.
pub async fn send_for_ever<D: Database>(address: &str, journal: &Log, slot: i64, seed: u64) -> anyhow::Result<()> {
    // No number of an order: it is said for whoever asks later when the database did not answer.
    end_with_the_campaign()?;
    journal.write("opens", -1 - slot, 0)?;
    let signals = D::open(address).await?;
    journal.write("opened", -1 - slot, 0)?;
    let own = slot * NUMBERS..(slot + 1) * NUMBERS;
    let before: Vec<Line> = journal.read_last(TAIL).into_iter().filter(|line| own.contains(&line.number)).collect();
    repeat_open::<D>(&signals, journal, &before).await?;
    let first = own.start + (seed % SEEDS).cast_signed() * OF_A_SEED;
    let next = before.iter().map(|line| line.number + 1).max().unwrap_or(first);
    for number in next.. {
        send::<D>(&signals, journal, number).await?;
        // tidy: not a wait: the rate
        tokio::time::sleep(APART).await;
    }
    Ok(())
}

/// What workers send has these numbers.
pub(crate) const OF_WORKERS: Range<i64> = 600 * NUMBERS..LONG;

/// Sends orders beside the worker of this process until the campaign ends, and never answers. On Postgres that worker has what is
/// due at once before anybody could claim it. They have no keys: nobody repeats what a killed worker was about to send.
///
/// # Errors
///
/// As [`send`].
pub(crate) async fn send_beside<D: Database>(signals: &Signals<D::Backend>, journal: &Log) -> anyhow::Result<()> {
    let first = fastrand::i64(OF_WORKERS.start..OF_WORKERS.end - NUMBERS) | 1;
    for number in (first..OF_WORKERS.end).step_by(2) {
        if ended(journal).exists() {
            break;
        }
        send::<D>(signals, journal, number).await?;
        // tidy: not a wait: the rate
        tokio::time::sleep(APART * 4).await;
    }
    std::future::pending().await
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
pub async fn send_and_stay<D: Database>(address: &str, journal: &Log, number: i64, point: Point) -> anyhow::Result<()> {
    let signals = D::open(address).await?;
    let (tx, _) = prepare::<D>(&signals, number).await?;
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

/// Repeats, under their keys, the sends of which `before` does not say what came of them, until that is known.
pub(crate) async fn repeat_open<D: Database>(
    signals: &Signals<D::Backend>,
    journal: &Log,
    before: &[Line],
) -> anyhow::Result<()> {
    for number in open_intents(before).into_iter().filter(|number| Order::is_keyed(*number)) {
        while !["stored", "repeated"].contains(&send::<D>(signals, journal, number).await?) {
            // tidy: not a wait: the rate of a sender that is refused
            tokio::time::sleep(APART).await;
        }
    }
    Ok(())
}

/// The numbers with an intent of which nobody knows the outcome. A refusal answers the last intent and no other.
pub(crate) fn open_intents(journal: &[Line]) -> BTreeSet<i64> {
    let mut unanswered: BTreeMap<i64, i64> = BTreeMap::new();
    for line in journal {
        match line.what.as_str() {
            "intent" => *unanswered.entry(line.number).or_default() += 1,
            "refused" => *unanswered.entry(line.number).or_default() -= 1,
            "stored" | "repeated" => *unanswered.entry(line.number).or_default() = 0,
            _ => {}
        }
    }
    unanswered.into_iter().filter(|(_, count)| *count > 0).map(|(number, _)| number).collect()
}

/// Why a send was refused, as the journal has it before the outcome.
const fn cause(error: &Error) -> &'static str {
    match error {
        Error::Contention(_) => "contention",
        Error::NotWritable(_) => "not-writable",
        _ => "unavailable",
    }
}

/// Sends order `number`, once; what came of it, as the journal says it.
pub(crate) async fn send<D: Database>(
    signals: &Signals<D::Backend>,
    journal: &Log,
    number: i64,
) -> anyhow::Result<&'static str> {
    journal.write("intent", number, 0)?;
    let outcome = match book::<D>(signals, number).await {
        Ok(receipt) if receipt.repeated => "repeated",
        Ok(_) => "stored",
        Err(error) => failed(journal, number, error)?,
    };
    journal.write(outcome, number, 0)?;
    Ok(outcome)
}

/// Sends these orders in one transaction, once; whether they are stored.
pub(crate) async fn send_together<D: Database>(
    signals: &Signals<D::Backend>,
    journal: &Log,
    numbers: impl Iterator<Item = i64> + Clone,
) -> anyhow::Result<bool> {
    for number in numbers.clone() {
        journal.write("intent", number, 0)?;
    }
    let together = async {
        let mut tx = signals.begin().await?;
        for number in numbers.clone() {
            put::<D>(&mut tx, number).await?;
        }
        tx.commit().await
    };
    let sent = together.await;
    let stored = sent.is_ok();
    let outcome = sent.map_or_else(|error| failed(journal, LONG, error), |()| Ok("stored"))?;
    for number in numbers {
        journal.write(outcome, number, 0)?;
    }
    Ok(stored)
}

/// What came of a send that failed, as the journal has it.
fn failed(journal: &Log, number: i64, error: Error) -> anyhow::Result<&'static str> {
    match error {
        Error::CommitUnknown(_) => Ok("unknown"),
        error if error.is_retryable() || matches!(error, Error::NotWritable(_)) => {
            journal.write(cause(&error), number, 0)?;
            Ok("refused")
        }
        error => Err(error.into()),
    }
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
            line("intent", 6),
            line("intent", 6),
            line("refused", 6),
        ];
        // Of 6 the second was refused; of the first nobody knows.
        assert_eq!(open_intents(&journal).into_iter().collect::<Vec<_>>(), [2, 4, 6]);
    }
}
