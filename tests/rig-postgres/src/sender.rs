//! A sending process: writes what it is about to do into the journal, does it, and writes what came of it.

use std::time::Duration;

use signals_runtime::{Error, PgBackend, PgTx, Receipt, Result, Signal as _, Signals};

use crate::{Log, Work};

/// The numbers of one sender are these.
const NUMBERS: i64 = 1_000_000;

/// How it pauses when the database refuses.
const PAUSE: Duration = Duration::from_millis(20);

/// What came of a send, as far as its sender knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// Committed.
    Stored,
    /// Not committed.
    Refused,
    /// The connection was cut during the commit.
    Unknown,
}

impl Sent {
    /// Its word in the journal.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        }
    }
}

/// Books `work` and sends it, in one transaction, under a key of its own: what was sent before is not booked again.
///
/// # Errors
///
/// As [`send`](signals_runtime::Signal::send) and [`commit`](signals_runtime::Tx::commit).
pub async fn book(signals: &Signals<PgBackend>, work: &Work) -> Result<Receipt> {
    let (tx, receipt) = prepare(signals, work).await?;
    tx.commit().await?;
    Ok(receipt)
}

/// As [`book`], all but the commit.
///
/// # Errors
///
/// As [`send`](signals_runtime::Signal::send).
pub async fn prepare(signals: &Signals<PgBackend>, work: &Work) -> Result<(PgTx, Receipt)> {
    let mut tx = signals.begin().await?;
    let sending = work.send(&mut tx).idempotency_key(format!("work {}", work.number));
    let receipt = sending.after(Duration::from_millis(work.delay_ms)).await?;
    if !receipt.repeated {
        sqlx::query("INSERT INTO booking (number, signal) VALUES ($1, $2)")
            .bind(work.number)
            .bind(receipt.signal_id.0)
            .execute(&mut *tx)
            .await
            .map_err(|error| Error::Unavailable(error.into()))?;
    }
    Ok((tx, receipt))
}

/// Sends as number `slot` until `stop` says so. What nobody knows the outcome of, it repeats under its key until it does.
///
/// # Errors
///
/// Returns an error when a send fails for a reason that no server which is killed, full or read-only explains.
pub async fn send_until(
    signals: &Signals<PgBackend>,
    journal: &Log,
    slot: i64,
    failing: u8,
    mut stop: impl FnMut() -> bool,
) -> anyhow::Result<()> {
    for number in slot * NUMBERS.. {
        // Where some fail, some are due later, too.
        let delay_ms = if failing > 0 && number % 5 == 0 { 50 } else { 0 };
        let work = Work { failing, delay_ms, ..Work::light(number) };
        loop {
            let sent = attempt(signals, &work).await?;
            journal.write(sent.name(), number, 0)?;
            if sent == Sent::Stored || (stop() && sent == Sent::Refused) {
                break;
            }
            // tidy: not a wait: the rate of a sender that is refused
            tokio::time::sleep(PAUSE).await;
        }
        if stop() {
            break;
        }
    }
    Ok(())
}

async fn attempt(signals: &Signals<PgBackend>, work: &Work) -> Result<Sent> {
    match book(signals, work).await {
        Ok(_) => Ok(Sent::Stored),
        Err(Error::CommitUnknown(_)) => Ok(Sent::Unknown),
        Err(error) if error.is_retryable() || matches!(error, Error::NotWritable(_)) => Ok(Sent::Refused),
        Err(error) => Err(error),
    }
}
