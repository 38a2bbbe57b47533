//! One by one, beside the same work by raw SQL.
//!
//! A worker claims and acknowledges what comes together in one statement, and no setting makes it take one by one. What takes
//! one by one is asked for in two ways: the store, which a worker stands on, is told to claim one and to acknowledge one;
//! and receivers that take a transaction are acknowledged in it, each in its own, as users get it.

use std::time::{Duration, Instant};

use signals_runtime::{Signal as _, defaults};

use crate::bed::Bed;
use crate::facts::{Booked, One};
use crate::hand::Hand;
use crate::series::Series;
use crate::{Result, Size, by_hand, crew, drains, fill, raw, turns};

/// Who claims, works and acknowledges at once, on connections of its own.
const CLIENTS: usize = 4;

/// Transactions of receivers at once.
const TRANSACTIONS: usize = 16;

pub(crate) async fn measure(bed: &Bed, size: Size, series: &mut Series) -> Result {
    for (what, history) in [("without history", Duration::ZERO), ("with history", defaults::HISTORY)] {
        statements(bed, what, !history.is_zero(), size.unbatched, series).await?;
        transactions(bed, what, history, size.unbatched, series).await?;
    }
    sends(bed, size.unbatched, series).await
}

/// A claim of one and an acknowledgement of one, on both sides.
async fn statements(bed: &Bed, what: &str, history: bool, count: usize, series: &mut Series) -> Result {
    let place = drains::filled(bed, count).await?;
    let receiver = by_hand::receivers(place.pool(), One::RECEIVERS).await?[0];
    let mut pairs = Vec::new();
    for _ in 0..CLIENTS {
        pairs.push(raw::Pair::open(place.pool()).await?);
    }
    let began = Instant::now();
    turns::each(pairs, |pair| pair.one_by_one(receiver, history)).await?;
    let raw = began.elapsed().as_secs_f64();

    let place = drains::filled(bed, count).await?;
    let mut hands = Vec::new();
    for _ in 0..CLIENTS {
        hands.push(Hand::of(&place.another(2)).await?);
    }
    let began = Instant::now();
    turns::each(hands, |mut hand| async move {
        loop {
            let claimed = hand.claim(1).await?;
            if claimed.is_empty() {
                return Ok(());
            }
            hand.ack(&claimed, history).await?;
        }
    })
    .await?;
    let own = began.elapsed().as_secs_f64();
    crew::emptied(&place).await?;

    series.push(format!("raw claims and deletes one by one {what}"), "rows/s", count as f64 / raw);
    series.push(
        format!("the store's claims and acknowledgements one by one {what}"),
        "deliveries/s",
        count as f64 / own,
    );
    series.push(format!("claims and acknowledgements one by one {what} / raw, time"), "x", own / raw);
    Ok(())
}

/// Receivers with transactions of their own, which write a row: claims in batches, a commit for each delivery, on both sides.
async fn transactions(bed: &Bed, what: &str, history: Duration, count: usize, series: &mut Series) -> Result {
    let connections = u32::try_from(2 * TRANSACTIONS)? + 2;
    let place = bed.place(connections).await?;
    fill::fill(&place.signals, 0, count, Booked::new).await?;
    let receiver = by_hand::receivers(place.pool(), Booked::RECEIVERS).await?[0];
    let mut pairs = Vec::new();
    for _ in 0..TRANSACTIONS {
        pairs.push(raw::Pair::open(place.pool()).await?);
    }
    let began = Instant::now();
    turns::each(pairs, |pair| pair.in_transactions(receiver, !history.is_zero())).await?;
    let raw = began.elapsed().as_secs_f64();

    let place = bed.place(connections).await?;
    fill::fill(&place.signals, 0, count, Booked::new).await?;
    let worker = place.another(u32::try_from(TRANSACTIONS)? + 2);
    let worker = worker.worker().only([Booked::RECEIVERS]).concurrency(TRANSACTIONS).history(history).build()?;
    let own = crew::drain(bed, &place, count, vec![worker]).await?.own.wall.as_secs_f64();

    series.push(format!("raw transactions, a row and a delete each {what}"), "rows/s", count as f64 / raw);
    series.push(format!("drain of transactional receivers {what}"), "deliveries/s", count as f64 / own);
    series.push(format!("drain of transactional receivers {what} / raw, time"), "x", own / raw);
    Ok(())
}

/// Sends awaited one after the other in one transaction, and their rows, a statement for each.
async fn sends(bed: &Bed, count: usize, series: &mut Series) -> Result {
    let place = bed.place(2).await?;
    let receivers = by_hand::receivers(place.pool(), One::RECEIVERS).await?;
    let count = i64::try_from(count)?;
    // Prepares both.
    let mut took = [Duration::ZERO; 2];
    for count in [10, count] {
        let began = Instant::now();
        let mut tx = by_hand::begin(place.pool()).await?;
        for number in 0..count {
            by_hand::store(&mut tx, number, &receivers).await?;
        }
        tx.commit().await?;
        took[0] = began.elapsed();
        let began = Instant::now();
        let mut tx = place.signals.begin().await?;
        for number in 0..count {
            One::new(number).send(&mut tx).await?;
        }
        tx.commit().await?;
        took[1] = began.elapsed();
    }
    let [raw, own] = took.map(|took| took.as_secs_f64());
    series.push("sends one after the other in one transaction", "signals/s", count as f64 / own);
    series.push("sends one after the other in one transaction / the same rows by hand, time", "x", own / raw);
    Ok(())
}
