//! P7: what waking workers of other processes costs senders: with hints, without, and with a NOTIFY in each transaction, as is
//! often done.

use std::time::{Duration, Instant};

use signals_runtime::{PgBackend, Signal as _, Signals};
use sqlx::postgres::PgListener;

use crate::bed::Bed;
use crate::facts::One;
use crate::series::{Series, median};
use crate::{Result, Size, turns};

const CLIENTS: usize = 32;

/// Transactions of one block, by all clients together.
const BLOCK: usize = 640;

pub(crate) async fn measure(bed: &Bed, size: Size, series: &mut Series) -> Result {
    let place = bed.place(u32::try_from(CLIENTS)? + 2).await?;
    let mute = Signals::new(place.signals.backend().clone().without_hints());
    // Somebody listens, or there would be nobody to wake.
    let mut listener = PgListener::connect_with(place.pool()).await?;
    listener.listen("signals").await?;
    let kinds = [(&mute, false), (&place.signals, false), (&mute, true)];
    let mut took = [const { Vec::new() }; 3];
    for (signals, notify) in kinds {
        block(signals, notify).await?;
    }
    for _ in 0..size.blocks {
        for ((signals, notify), took) in kinds.into_iter().zip(&mut took) {
            took.push(block(signals, notify).await?.as_secs_f64());
        }
    }
    let [without, with, inside] = took.map(median);
    series.push("32 clients, sends without hints", "tx/s", BLOCK as f64 / without);
    series.push("32 clients, sends with hints", "tx/s", BLOCK as f64 / with);
    series.push("32 clients, sends with a NOTIFY inside", "tx/s", BLOCK as f64 / inside);
    series.push("sends with hints / without, time", "x", with / without);
    series.push("sends with a NOTIFY inside / without hints, time", "x", inside / without);
    Ok(())
}

async fn block(signals: &Signals<PgBackend>, notify: bool) -> Result<Duration> {
    let began = Instant::now();
    turns::at_once(CLIENTS, |_| {
        let signals = signals.clone();
        async move {
            for _ in 0..BLOCK / CLIENTS {
                let mut tx = signals.begin().await?;
                One::new(0).send(&mut tx).await?;
                if notify {
                    sqlx::query("SELECT pg_notify('signals', '')").execute(&mut *tx).await?;
                }
                tx.commit().await?;
            }
            Ok(())
        }
    })
    .await?;
    Ok(began.elapsed())
}
