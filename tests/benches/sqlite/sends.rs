//! A business transaction (begin, one INSERT, commit) without a send, and with one to 1, 3 and 10 receivers.
//!
//! Each kind has a file of its own, so that each pays for its own checkpoints. Blocks of the kinds take turns.

use std::path::Path;

use signals_runtime::{Signal, Signals, SqliteBackend};
use sqlx::SqliteConnection;

use crate::facts::{self, One, Ten, Three};
use crate::series::{Series, Took, Watch, micros};
use crate::{Result, Size};

/// Transactions of one block.
const BLOCK: usize = 25;

/// What is in a transaction beside the business row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// sqlx's own transaction, without the library.
    Bare,
    /// The library's transaction, without a send.
    Nothing,
    One,
    Three,
    Ten,
}

const KINDS: [(Kind, &str); 5] = [
    (Kind::Bare, "bare transaction"),
    (Kind::Nothing, "Tx without a send"),
    (Kind::One, "send to 1"),
    (Kind::Three, "send to 3"),
    (Kind::Ten, "send to 10"),
];

pub(crate) async fn measure(place: &Path, size: Size, series: &mut Series) -> Result {
    let mut runs = Vec::new();
    for (kind, name) in KINDS {
        let signals = facts::open(&place.join(format!("{name}.db"))).await?;
        runs.push((kind, name, signals, Took::default()));
    }
    // The first block warms caches and statements up; it does not count.
    for block in 0..=size.blocks {
        for (kind, _, signals, took) in &mut runs {
            let watch = Watch::start();
            for number in 0..BLOCK {
                transaction(signals, *kind, (block * BLOCK + number) as i64).await?;
            }
            if block > 0 {
                *took += watch.stop();
            }
        }
    }
    let bare = runs[0].3;
    let transactions = size.blocks * BLOCK;
    for (kind, name, signals, took) in runs {
        series.push(format!("{name}, wall"), "us", micros(took.wall, transactions));
        series.push(format!("{name}, processor"), "us", micros(took.processor, transactions));
        if kind != Kind::Bare {
            let ratio = took.wall.as_secs_f64() / bare.wall.as_secs_f64();
            series.push(format!("{name} / bare transaction"), "x", ratio);
        }
        signals.backend().pool().close().await;
    }
    Ok(())
}

async fn transaction(signals: &Signals<SqliteBackend>, kind: Kind, number: i64) -> Result {
    match kind {
        Kind::Bare => {
            #[expect(clippy::disallowed_methods, reason = "what the library is compared with; it is not dropped")]
            let mut tx = signals.backend().pool().begin_with("BEGIN IMMEDIATE").await?;
            business(&mut tx, number).await?;
            tx.commit().await?;
            return Ok(());
        }
        Kind::Nothing => {
            let mut tx = signals.begin().await?;
            business(&mut tx, number).await?;
            tx.commit().await?;
        }
        Kind::One => send(signals, number, &One::new(number)).await?,
        Kind::Three => send(signals, number, &Three::new(number)).await?,
        Kind::Ten => send(signals, number, &Ten::new(number)).await?,
    }
    Ok(())
}

async fn send(signals: &Signals<SqliteBackend>, number: i64, signal: &impl Signal) -> Result {
    let mut tx = signals.begin().await?;
    business(&mut tx, number).await?;
    signal.send(&mut tx).await?;
    tx.commit().await?;
    Ok(())
}

/// The row that the application writes.
async fn business(conn: &mut SqliteConnection, number: i64) -> Result {
    let insert = "INSERT INTO payment (id, amount, reference) VALUES (?1, ?2, ?3)";
    sqlx::query(insert).bind(number).bind(129_900).bind("a reference of some length").execute(conn).await?;
    Ok(())
}
