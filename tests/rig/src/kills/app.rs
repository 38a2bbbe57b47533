//! The application: an order that is sent in the transaction that books it, and two receivers of it.

use std::path::Path;
use std::time::Duration;

use signals_runtime::{Delivery, Error, Receipt, Result, Signals, SqliteBackend, SqliteTx, State, receiver, signal};

use super::LEASE;
use crate::Log;

/// What the receivers of this application are called.
pub(super) const RECEIVERS: [&str; 2] = [PLAIN, TRANSACTIONAL];
pub(super) const PLAIN: &str = "kills.plain";
pub(super) const TRANSACTIONAL: &str = "kills.transactional";

/// Something that is booked.
#[signal(name = "kills.order")]
#[derive(Debug)]
pub struct Order {
    /// Which.
    pub number: i64,
}

/// Orders from this number on are held for longer than a lease.
pub(super) const LONG: i64 = 1_000_000_000_000;

impl Order {
    /// How long its receivers take: another time for each, and the same in every attempt. One in eight takes so long that a
    /// worker which was stopped meets the one that took it over.
    fn holds(&self) -> Duration {
        if self.number >= LONG {
            return LEASE + LEASE / 4;
        }
        let longer = if self.number % 8 == 0 { 600 } else { 0 };
        Duration::from_millis((self.number * 7919 % 160).unsigned_abs() + longer)
    }

    /// Orders that are booked under an idempotency key may be repeated.
    pub(super) fn is_keyed(number: i64) -> bool {
        number % 2 == 0
    }
}

/// Its effect is outside of the database: a line in the log.
#[receiver(signal = Order, name = "kills.plain", timeout = "20s")]
async fn plain(order: &Order, State(log): State<Log>, delivery: Delivery) -> std::io::Result<()> {
    log.write("plain", order.number, delivery.attempt)?;
    // tidy: not a wait: it is the work
    tokio::time::sleep(order.holds()).await;
    log.write("plain-effect", order.number, delivery.attempt)
}

/// Its effect is a row, which nothing keeps from being there twice.
#[receiver(signal = Order, name = "kills.transactional", timeout = "600ms")]
async fn transactional(
    order: &Order,
    tx: &mut SqliteTx,
    State(log): State<Log>,
    delivery: Delivery,
) -> anyhow::Result<()> {
    log.write("transactional", order.number, delivery.attempt)?;
    sqlx::query("INSERT INTO kills_effect (number) VALUES ($1)").bind(order.number).execute(&mut **tx).await?;
    // tidy: not a wait: it is the work
    tokio::time::sleep(order.holds().min(Duration::from_millis(160)) / 64).await;
    Ok(())
}

/// Opens the file, with the tables of this application in it.
///
/// # Errors
///
/// Returns the database's error.
pub async fn open(database: &Path) -> anyhow::Result<Signals<SqliteBackend>> {
    let signals = crate::open(database).await?;
    for table in [
        "CREATE TABLE IF NOT EXISTS kills_order (number INTEGER NOT NULL, signal INTEGER NOT NULL) STRICT",
        "CREATE TABLE IF NOT EXISTS kills_effect (number INTEGER NOT NULL) STRICT",
    ] {
        sqlx::query(table).execute(signals.backend().pool()).await?;
    }
    Ok(signals)
}

/// Books an order and sends it, in one transaction. An order that was sent before under its key is not booked again.
///
/// # Errors
///
/// As [`send`](signals_runtime::Signal::send) and [`commit`](signals_runtime::Tx::commit).
pub async fn book(signals: &Signals<SqliteBackend>, number: i64) -> Result<Receipt> {
    let (tx, receipt) = prepare(signals, number).await?;
    tx.commit().await?;
    Ok(receipt)
}

/// As [`book`], all but the commit.
pub(super) async fn prepare(signals: &Signals<SqliteBackend>, number: i64) -> Result<(SqliteTx, Receipt)> {
    use signals_runtime::Signal as _;

    let mut tx = signals.begin().await?;
    let order = Order { number };
    let sending = order.send(&mut tx);
    let receipt = if Order::is_keyed(number) {
        sending.idempotency_key(format!("order {number}")).await?
    } else {
        sending.await?
    };
    if !receipt.repeated {
        sqlx::query("INSERT INTO kills_order (number, signal) VALUES ($1, $2)")
            .bind(number)
            .bind(receipt.signal_id.0)
            .execute(&mut *tx)
            .await
            .map_err(|error| Error::Unavailable(error.into()))?;
    }
    Ok((tx, receipt))
}
