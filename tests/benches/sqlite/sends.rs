//! A business transaction (begin, one INSERT, commit) without a send, with one to 1, 3 and 10 receivers, and with the rows that
//! such a send stores written by hand: how much of a send's price are the tables, and how much is the library.
//!
//! Each kind has a file of its own, so that each pays for its own checkpoints. Short blocks of the kinds take turns. Means
//! hold those checkpoints, and every hiccup of the disk; medians are shown beside them.

use std::path::Path;
use std::time::Instant;

use signals_runtime::{Signal, Signals, SqliteBackend};
use sqlx::{Sqlite, SqliteConnection, Transaction};

use crate::facts::{self, One, Ten, Three};
use crate::series::{Series, Took, Watch, median, micros};
use crate::{Result, Size, raw};

/// Transactions of one block.
const BLOCK: usize = 5;

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
    /// As `Bare`, with the rows of a send to so many receivers.
    ByHand(usize),
}

const KINDS: [(Kind, &str); 8] = [
    (Kind::Bare, "bare transaction"),
    (Kind::Nothing, "Tx without a send"),
    (Kind::One, "send to 1"),
    (Kind::Three, "send to 3"),
    (Kind::Ten, "send to 10"),
    (Kind::ByHand(1), "rows of 1 by hand"),
    (Kind::ByHand(3), "rows of 3 by hand"),
    (Kind::ByHand(10), "rows of 10 by hand"),
];

/// One kind with what its transactions took.
struct Run {
    kind: Kind,
    name: &'static str,
    signals: Signals<SqliteBackend>,
    each: Vec<f64>,
    took: Took,
}

impl Run {
    /// Another block of transactions.
    async fn block(&mut self) -> Result {
        let watch = Watch::start();
        for _ in 0..BLOCK {
            let began = Instant::now();
            transaction(&self.signals, self.kind, self.each.len() as i64).await?;
            self.each.push(micros(began.elapsed(), 1));
        }
        self.took += watch.stop();
        Ok(())
    }

    /// Forgets the times of the first block, which warmed caches and statements up, but not that it was there.
    fn warmed_up(&mut self) {
        self.took = Took::default();
    }

    fn median(&self) -> f64 {
        median(self.each[BLOCK..].to_vec())
    }
}

pub(crate) async fn measure(place: &Path, size: Size, series: &mut Series) -> Result {
    let mut runs = Vec::new();
    for (kind, name) in KINDS {
        let signals = facts::open(&place.join(format!("{name}.db"))).await?;
        let mut run = Run { kind, name, signals, each: Vec::new(), took: Took::default() };
        run.block().await?;
        run.warmed_up();
        runs.push(run);
    }
    for _ in 0..size.blocks {
        for run in &mut runs {
            run.block().await?;
        }
    }
    let transactions = size.blocks * BLOCK;
    tell(&runs, transactions, series);
    for run in runs {
        run.signals.backend().pool().close().await;
    }
    Ok(())
}

fn tell(runs: &[Run], transactions: usize, series: &mut Series) {
    let mean = |run: &Run| micros(run.took.wall, transactions);
    let bare = &runs[0];
    for run in runs {
        let name = run.name;
        series.push(format!("{name}, mean"), "us", mean(run));
        series.push(format!("{name}, median"), "us", run.median());
        series.push(format!("{name}, processor"), "us", micros(run.took.processor, transactions));
        if run.kind != Kind::Bare {
            series.push(format!("{name} / bare transaction"), "x", mean(run) / mean(bare));
            series.push(format!("{name} / bare transaction, medians"), "x", run.median() / bare.median());
            series.push(format!("{name} adds"), "us", mean(run) - mean(bare));
            series.push(format!("{name} adds, medians"), "us", run.median() - bare.median());
        }
    }
    for (receivers, own) in [(1, Kind::One), (3, Kind::Three), (10, Kind::Ten)] {
        let of = |kind| runs.iter().find(|run| run.kind == kind).expect("every kind was run");
        let (own, by_hand) = (of(own), of(Kind::ByHand(receivers)));
        let name = format!("send to {receivers} / the same rows by hand");
        series.push(name.clone(), "x", mean(own) / mean(by_hand));
        series.push(format!("{name}, medians"), "x", own.median() / by_hand.median());
    }
}

async fn transaction(signals: &Signals<SqliteBackend>, kind: Kind, number: i64) -> Result {
    match kind {
        Kind::Bare => {
            let mut tx = begin(signals).await?;
            business(&mut tx, number).await?;
            tx.commit().await?;
        }
        Kind::ByHand(receivers) => {
            let mut tx = begin(signals).await?;
            business(&mut tx, number).await?;
            raw::send(&mut tx, &One::new(number), receivers).await?;
            tx.commit().await?;
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

/// A transaction of sqlx's own.
async fn begin(signals: &Signals<SqliteBackend>) -> Result<Transaction<'static, Sqlite>> {
    #[expect(clippy::disallowed_methods, reason = "what the library is compared with; it is not dropped")]
    Ok(signals.backend().pool().begin_with("BEGIN IMMEDIATE").await?)
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
