//! The application: an order that is sent in the transaction that books it, and three receivers of it.

use std::time::Duration;

use signals_runtime::{Delivery, Receipt, Result, RetryAfter, Signals, State, Tx, receiver, signal};

use crate::database::Database;
use crate::{LEASE, Log};

/// What the receivers of this application are called.
pub(crate) const RECEIVERS: [&str; 3] = [PLAIN, TRANSACTIONAL, RELUCTANT];
pub(crate) const PLAIN: &str = "chaos.plain";
pub(crate) const TRANSACTIONAL: &str = "chaos.transactional";
pub(crate) const RELUCTANT: &str = "chaos.reluctant";

/// How many attempts the reluctant receiver has.
pub(crate) const ATTEMPTS: u32 = 4;

/// After how long it wants to be tried again, in every other attempt that fails; in the others its schedule says it.
pub(crate) const PAUSE: Duration = Duration::from_millis(400);

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

    /// How long after its send it is due: at once, but for one in eight.
    pub(crate) fn delay(number: i64) -> Duration {
        let mut chance = chance(number);
        let is_delayed = chance.u32(0..8) == 0 && number < LONG;
        if is_delayed { Duration::from_millis(chance.u64(100..3_000)) } else { Duration::ZERO }
    }

    /// How many attempts of its reluctant receiver fail before one succeeds: all that it has, of one in 32.
    pub(crate) fn failures(number: i64) -> u32 {
        let mut chance = chance(number);
        // The first draw is the delay's.
        chance.u32(0..8);
        match chance.u32(0..32) {
            _ if number >= LONG => 0,
            0 => ATTEMPTS,
            few if few < ATTEMPTS => few,
            _ => 0,
        }
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

/// Fails its first attempts, and of some orders all of them.
#[receiver(
    signal = Order,
    name = "chaos.reluctant",
    timeout = "20s",
    max_attempts = 4,
    backoff(initial = "100ms", max = "400ms")
)]
pub(crate) async fn reluctant(order: &Order, State(log): State<Log>, delivery: Delivery) -> anyhow::Result<()> {
    log.write("reluctant", order.number, delivery.attempt)?;
    if delivery.attempt > Order::failures(order.number) {
        return Ok(log.write("reluctant-effect", order.number, delivery.attempt)?);
    }
    log.write("reluctant-fails", order.number, delivery.attempt)?;
    if asks_for_pause(delivery.attempt) {
        return Err(RetryAfter(PAUSE).into());
    }
    anyhow::bail!("it is not in the mood")
}

/// Whether the reluctant receiver says itself when it is to be tried again, when this attempt fails.
pub(crate) const fn asks_for_pause(attempt: u32) -> bool {
    attempt % 2 == 1
}

/// What becomes of an order is chance, and the same whoever asks: its number comes from the seed of the campaign.
fn chance(number: i64) -> fastrand::Rng {
    fastrand::Rng::with_seed(number.unsigned_abs())
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
    let sending = order.send(&mut *tx).after(Order::delay(number));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_orders_are_delayed_and_of_some_every_attempt_fails_and_what_is_held_does_neither() {
        let orders = || 1_000..2_000_i64;
        let count = |of: &dyn Fn(i64) -> bool| orders().filter(|number| of(*number)).count();
        let delayed = count(&|number| Order::delay(number) > Duration::ZERO);
        let [never, few] = [ATTEMPTS, 1].map(|failures| count(&|number| Order::failures(number) == failures));
        assert!((80..170).contains(&delayed) && (15..50).contains(&never) && (15..50).contains(&few));
        let held = |number| (Order::delay(number), Order::failures(number));
        assert!((LONG..LONG + 200).all(|number| held(number) == (Duration::ZERO, 0)));
    }
}
