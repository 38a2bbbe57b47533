//! What is known at the end of a campaign: from the records outside of the database, and from the framework's own interface.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use signals_runtime::backend::sqlite::SqliteBackend;
use signals_runtime::delivery::{Counters, DeliveryId, State};
use signals_runtime::store::{AttemptOutcome, Filter};
use signals_runtime::{Backend as _, Signals};

use super::app::{PLAIN, TRANSACTIONAL};
use super::fleet::{Fate, Files};
use crate::{Line, Log};

/// One of the two receivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Receiver {
    Plain,
    Transactional,
}

/// A delivery, as the framework shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fact {
    pub(super) id: DeliveryId,
    pub(super) receiver: Receiver,
    pub(super) state: State,
    pub(super) counters: Counters,
}

/// A worker that was told that its outcome came too late: which one, for which delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) delivery: DeliveryId,
    pub(super) incarnation: u32,
    /// Whether the history of the delivery knows that this incarnation lost its lease.
    pub(super) explained: bool,
}

/// When a worker was connected: its process, and the moment, in microseconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Connected {
    pub(super) pid: u32,
    pub(super) at: i64,
}

/// A worker that waited long for the write lock: until when, and for how long, both in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Waited {
    pub(super) pid: u32,
    pub(super) until: i64,
    pub(super) lasted: i64,
}

/// Everything.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    /// What senders intended and what came of it.
    pub(super) journal: Vec<Line>,
    /// What receivers did.
    pub(super) effects: Vec<Line>,
    /// What the nemesis did.
    pub(super) fates: Vec<Fate>,
    /// What else should not have happened to a process.
    pub(super) surprises: Vec<String>,
    /// The orders that were booked: number, and the id of the signal sent with it.
    pub(super) orders: Vec<(i64, i64)>,
    /// The numbers in the rows that transactional receivers wrote.
    pub(super) rows: Vec<i64>,
    pub(super) deliveries: Vec<Fact>,
    pub(super) workers: Vec<Connected>,
    pub(super) waits: Vec<Waited>,
    pub(super) refusals: Vec<Refusal>,
    /// What `PRAGMA integrity_check` said.
    pub(super) integrity: String,
}

impl Facts {
    /// Reads everything that is left when all processes have ended.
    pub(super) async fn gather(
        files: &Files,
        signals: &Signals<SqliteBackend>,
        fates: Vec<Fate>,
        surprises: Vec<String>,
    ) -> anyhow::Result<Self> {
        let told = std::fs::read_to_string(&files.events);
        let told = told.with_context(|| format!("reading {}", files.events.display()))?;
        let pool = signals.backend().pool();
        let day = std::time::Duration::from_secs(86_400);
        let workers = signals.backend().store().workers(day).await?;
        Ok(Self {
            journal: Log(files.journal.clone()).read(),
            effects: Log(files.effects.clone()).read(),
            fates,
            surprises,
            orders: sqlx::query_as("SELECT number, signal FROM kills_order").fetch_all(pool).await?,
            rows: sqlx::query_scalar("SELECT number FROM kills_effect").fetch_all(pool).await?,
            deliveries: deliveries(signals).await?,
            workers: workers.iter().map(|known| Connected { pid: known.pid, at: known.started.as_micros() }).collect(),
            waits: told.lines().filter_map(waited).collect(),
            refusals: refusals(signals, &told).await?,
            integrity: sqlx::query_scalar("PRAGMA integrity_check").fetch_one(pool).await?,
        })
    }
}

async fn deliveries(signals: &Signals<SqliteBackend>) -> anyhow::Result<Vec<Fact>> {
    let mut filter = Filter { limit: Filter::MOST, ..Filter::default() };
    let mut facts = Vec::new();
    loop {
        let page = signals.list(&filter).await?;
        filter.after = page.deliveries.last().map(|delivery| delivery.id);
        for delivery in page.deliveries {
            let receiver = match delivery.receiver.as_str() {
                PLAIN => Receiver::Plain,
                TRANSACTIONAL => Receiver::Transactional,
                other => anyhow::bail!("nothing was sent to `{other}`"),
            };
            facts.push(Fact { id: delivery.id, receiver, state: delivery.state, counters: delivery.counters });
        }
        if !page.more {
            return Ok(facts);
        }
    }
}

/// Reads the refusals out of what workers told, and looks for their reasons in the histories.
async fn refusals(signals: &Signals<SqliteBackend>, told: &str) -> anyhow::Result<Vec<Refusal>> {
    let mut histories: BTreeMap<DeliveryId, BTreeSet<u32>> = BTreeMap::new();
    let mut refusals = Vec::new();
    for (delivery, incarnation) in told.lines().filter_map(refused) {
        if let std::collections::btree_map::Entry::Vacant(unknown) = histories.entry(delivery) {
            let detail = signals.get(delivery).await?.context("a delivery that was refused does not exist")?;
            let lost = detail.attempts.iter().filter(|attempt| attempt.outcome == AttemptOutcome::LeaseLost);
            unknown.insert(lost.map(|attempt| attempt.worker.bits()).collect());
        }
        let explained = histories[&delivery].contains(&incarnation);
        refusals.push(Refusal { delivery, incarnation, explained });
    }
    Ok(refusals)
}

/// The delivery and the incarnation in an event that tells of a refused outcome.
fn refused(line: &str) -> Option<(DeliveryId, u32)> {
    if !line.contains("outcome refused") {
        return None;
    }
    let field = |name: &str| line.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    let incarnation = field("token")?.split(':').next()?;
    Some((field("delivery")?.parse().ok()?, u32::from_str_radix(incarnation, 16).ok()?))
}

/// A wait, in an event that tells of a long one when it ends.
fn waited(line: &str) -> Option<Waited> {
    let (_, lasted) = line.split_once("write lock")?.1.split_once("lasted=")?;
    let (number, unit) = lasted.split_at(lasted.find(|c: char| c.is_ascii_alphabetic())?);
    let seconds = number.parse::<f64>().ok()? / if unit.starts_with("ms") { 1e3 } else { 1.0 };
    let mut words = line.split(' ');
    let (until, pid) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    Some(Waited { pid, until, lasted: (seconds * 1e6) as i64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_outcome_is_read_from_what_the_worker_told() {
        let line = "1795348718128974 17  WARN signals: outcome refused: stolen, cancelled or settled meanwhile \
                    receiver=\"kills.plain\" delivery=12.3 token=00ab00cd:17 verb=\"ack\"";
        let (delivery, incarnation) = refused(line).expect("it is one");
        assert_eq!((delivery.signal.0, delivery.receiver.0, incarnation), (12, 3, 0x00ab_00cd));
        assert_eq!(waited(line), None);
        assert_eq!(refused("WARN signals: stole a delivery delivery=12.3 token=1:2"), None);
    }

    #[test]
    fn a_wait_is_read_from_what_the_worker_told() {
        let line = |lasted| {
            format!("5000000 17  INFO signals: waited long for the database's write lock: many want it lasted={lasted}")
        };
        assert_eq!(waited(&line("1.25s")), Some(Waited { pid: 17, until: 5_000_000, lasted: 1_250_000 }));
        assert_eq!(waited(&line("670.5ms")), Some(Waited { pid: 17, until: 5_000_000, lasted: 670_500 }));
    }
}
