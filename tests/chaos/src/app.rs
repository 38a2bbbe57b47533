//! The application: an order that is sent in the transaction that books it, and two receivers of it.

use std::time::Duration;

use signals_runtime::{Delivery, Receipt, Result, Signals, State, Tx, receiver, signal};

use crate::database::Database;
use crate::{LEASE, Log};

/// What the receivers of this application are called.
pub(crate) const RECEIVERS: [&str; 2] = [PLAIN, TRANSACTIONAL];
pub(crate) const PLAIN: &str = "chaos.plain";
pub(crate) const TRANSACTIONAL: &str = "chaos.transactional";

/// The tables of this application. Nothing keeps an effect from being there twice.
pub(crate) const TABLES: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS chaos_order (number bigint NOT NULL, signal bigint NOT NULL)",
    "CREATE TABLE IF NOT EXISTS chaos_effect (number bigint NOT NULL)",
];

/// Something that is booked.
#[signal(name = "chaos.order")]
#[derive(Debug)]
pub struct Order {
    /// Which.
    pub number: i64,
}

/// Orders from this number on are held for longer than a lease.
pub(crate) const LONG: i64 = 1_000_000_000_000;

impl Order {
    /// How long its receivers take: another time for each, and the same in every attempt. One in eight takes so long that a
    /// worker which was stopped meets the one that took it over.
    pub(crate) fn holds(&self) -> Duration {
        if self.number >= LONG {
            return LEASE + LEASE / 4;
        }
        let longer = if self.number % 8 == 0 { 600 } else { 0 };
        Duration::from_millis((self.number * 7919 % 160).unsigned_abs() + longer)
    }

    /// For how long its transactional receiver keeps its transaction, and so what it has locked.
    pub(crate) fn holds_transaction(&self) -> Duration {
        self.holds().min(Duration::from_millis(160)) / 64
    }

    /// Orders that are booked under an idempotency key may be repeated.
    pub(crate) fn is_keyed(number: i64) -> bool {
        number % 2 == 0
    }
}

/// Its effect is outside of the database: a line in the log. The transactional receiver is the databases' own.
#[receiver(signal = Order, name = "chaos.plain", timeout = "20s")]
pub(crate) async fn plain(order: &Order, State(log): State<Log>, delivery: Delivery) -> std::io::Result<()> {
    log.write("plain", order.number, delivery.attempt)?;
    // tidy: not a wait: it is the work
    tokio::time::sleep(order.holds()).await;
    log.write("plain-effect", order.number, delivery.attempt)
}

/// Books an order and sends it, in one transaction. An order that was sent before under its key is not booked again.
///
/// # Errors
///
/// As [`send`](signals_runtime::Signal::send) and [`commit`](signals_runtime::Tx::commit).
pub async fn book<D: Database>(signals: &Signals<D::Backend>, number: i64) -> Result<Receipt> {
    let (tx, receipt) = prepare::<D>(signals, number).await?;
    tx.commit().await?;
    Ok(receipt)
}

/// As [`book`], all but the commit.
pub(crate) async fn prepare<D: Database>(
    signals: &Signals<D::Backend>,
    number: i64,
) -> Result<(Tx<D::Backend>, Receipt)> {
    let mut tx = signals.begin().await?;
    let receipt = put::<D>(&mut tx, number).await?;
    Ok((tx, receipt))
}

/// Books an order and sends it, in a transaction that goes on.
pub(crate) async fn put<D: Database>(tx: &mut Tx<D::Backend>, number: i64) -> Result<Receipt> {
    use signals_runtime::Signal as _;

    let order = Order { number };
    let sending = order.send(&mut *tx);
    let receipt = if Order::is_keyed(number) {
        sending.idempotency_key(format!("order {number}")).await?
    } else {
        sending.await?
    };
    if !receipt.repeated {
        D::write_order(tx, number, receipt.signal_id.0).await?;
    }
    Ok(receipt)
}
