//! P1 and B5: a business transaction (begin, one INSERT, commit) without a send, with one to several receivers, and with the
//! rows of such a send by one raw statement: how much of a send's price is the database's, and how much is the library's.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use signals_runtime::{PgBackend, Signal, Signals};

use crate::bed::{Bed, Place};
use crate::facts::{Five, One, Ten, Three, Twenty};
use crate::series::{Series, median, micros};
use crate::{Result, Size, by_hand, turns};

/// Transactions of one block, by all clients together.
const BLOCK: usize = 320;

/// Clients at once, and to how many receivers they send: P1 first, then what B5 has beside.
const PLAN: [(usize, &[usize]); 5] =
    [(8, &[1, 3, 10]), (32, &[1, 3, 10]), (1, &[1, 5, 20]), (16, &[1, 5, 20]), (64, &[1, 5, 20])];

/// The clients that goals are held at.
const GOALS_AT: [usize; 2] = [8, 32];

/// What is in a transaction beside the business row.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// sqlx's own transaction, without the library.
    Bare,
    /// As `Bare`, committed by the library: what its checked commit costs.
    Adopted,
    /// The library's transaction, without a send.
    Nothing,
    /// A send to so many.
    Send(usize),
    /// As `Bare`, with the rows of a send to these.
    ByHand(Vec<i64>),
}

impl Kind {
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Bare => "bare transaction".to_owned(),
            Self::Adopted => "transaction committed by Tx".to_owned(),
            Self::Nothing => "Tx without a send".to_owned(),
            Self::Send(receivers) => format!("send to {receivers}"),
            Self::ByHand(receivers) => format!("rows of {} by hand", receivers.len()),
        }
    }

    /// The kinds that are compared when signals go to so many.
    pub(crate) async fn all(place: &Place, receivers: &[usize], by_hand: bool) -> Result<Vec<Self>> {
        let mut kinds = vec![Self::Bare, Self::Nothing];
        if by_hand {
            kinds.push(Self::Adopted);
        }
        for &count in receivers {
            kinds.push(Self::Send(count));
            if by_hand {
                kinds.push(Self::ByHand(by_hand::receivers(place.pool(), prefix(count)).await?));
            }
        }
        Ok(kinds)
    }

    /// Does it once.
    pub(crate) async fn run(&self, signals: &Signals<PgBackend>) -> Result {
        static NUMBERS: AtomicI64 = AtomicI64::new(0);
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        match self {
            Self::Bare | Self::ByHand(_) => {
                let mut tx = by_hand::begin(signals.backend().pool()).await?;
                by_hand::business(&mut tx, number).await?;
                if let Self::ByHand(receivers) = self {
                    by_hand::store(&mut tx, number, receivers).await?;
                }
                tx.commit().await?;
            }
            Self::Adopted => {
                let mut tx = signals.adopt(by_hand::begin(signals.backend().pool()).await?)?;
                by_hand::business(&mut tx, number).await?;
                tx.commit().await?;
            }
            Self::Nothing => {
                let mut tx = signals.begin().await?;
                by_hand::business(&mut tx, number).await?;
                tx.commit().await?;
            }
            Self::Send(1) => send(signals, number, &One::new(number)).await?,
            Self::Send(3) => send(signals, number, &Three::new(number)).await?,
            Self::Send(5) => send(signals, number, &Five::new(number)).await?,
            Self::Send(10) => send(signals, number, &Ten::new(number)).await?,
            Self::Send(_) => send(signals, number, &Twenty::new(number)).await?,
        }
        Ok(())
    }
}

fn prefix(receivers: usize) -> &'static str {
    match receivers {
        1 => One::RECEIVERS,
        3 => Three::RECEIVERS,
        5 => Five::RECEIVERS,
        10 => Ten::RECEIVERS,
        _ => Twenty::RECEIVERS,
    }
}

async fn send(signals: &Signals<PgBackend>, number: i64, signal: &impl Signal) -> Result {
    let mut tx = signals.begin().await?;
    by_hand::business(&mut tx, number).await?;
    signal.send(&mut tx).await?;
    tx.commit().await?;
    Ok(())
}

pub(crate) async fn measure(bed: &Bed, size: Size, series: &mut Series) -> Result {
    for (clients, receivers) in PLAN {
        let place = bed.place(u32::try_from(clients)? + 1).await?;
        let goals = GOALS_AT.contains(&clients);
        let kinds = Kind::all(&place, receivers, goals).await?;
        // Opens the connections, and prepares every statement on each.
        for kind in &kinds {
            block(&place, kind, clients).await?;
        }
        let mut spent: Vec<Spent> = kinds.iter().map(|_| Spent::default()).collect();
        for _ in 0..size.blocks {
            for (kind, spent) in kinds.iter().zip(&mut spent) {
                let watch = bed.watch()?;
                let wall = block(&place, kind, clients).await?;
                let took = watch.stop()?;
                spent.micros.push(micros(wall, BLOCK) * clients as f64);
                spent.own += took.own.processor;
                spent.server += took.server;
            }
        }
        tell(clients, &kinds, &spent, series);
    }
    Ok(())
}

/// What the blocks of one kind took.
#[derive(Clone, Debug, Default)]
struct Spent {
    /// Of one transaction, a value a block.
    micros: Vec<f64>,
    own: Duration,
    server: Duration,
}

async fn block(place: &Place, kind: &Kind, clients: usize) -> Result<Duration> {
    let began = Instant::now();
    turns::at_once(clients, |_| {
        let (signals, kind) = (place.signals.clone(), kind.clone());
        async move {
            for _ in 0..BLOCK / clients {
                kind.run(&signals).await?;
            }
            Ok(())
        }
    })
    .await?;
    Ok(began.elapsed())
}

fn tell(clients: usize, kinds: &[Kind], spent: &[Spent], series: &mut Series) {
    let medians: Vec<f64> = spent.iter().map(|spent| median(spent.micros.clone())).collect();
    for (at, kind) in kinds.iter().enumerate() {
        let name = format!("{clients} clients, {}", kind.name());
        series.push(name.clone(), "us", medians[at]);
        if at > 0 {
            series.push(format!("{name} / bare transaction"), "x", medians[at] / medians[0]);
        }
        if let Kind::ByHand(_) = kind {
            // A send stands before its rows by hand.
            let send = format!("{clients} clients, {} / the same rows by hand", kinds[at - 1].name());
            series.push(send, "x", medians[at - 1] / medians[at]);
        }
        let each = |time: Duration| micros(time, BLOCK * spent[at].micros.len());
        series.push(format!("{name}, our processor"), "us", each(spent[at].own));
        series.push(format!("{name}, the server's processor"), "us", each(spent[at].server));
    }
}
