//! What is known at the end of a campaign: from the records outside of the database, and from the framework's own interface.

use std::collections::BTreeMap;

use anyhow::Context as _;
use signals_runtime::Signals;
use signals_runtime::backend::sqlite::SqliteBackend;
use signals_runtime::delivery::{Counters, DeliveryId, State};
use signals_runtime::store::{AttemptOutcome, Filter};

use super::app::{PLAIN, TRANSACTIONAL};
use super::fleet::{Fate, Files};
use super::leases::Leases;
use crate::{Line, Log, starvation};

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
}

/// A lease that was lost, as the history of the delivery knows it: by which process, and when another took it over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lost {
    pub(super) delivery: DeliveryId,
    pub(super) receiver: Receiver,
    pub(super) pid: u32,
    pub(super) incarnation: u32,
    pub(super) at: i64,
    /// Whether the delivery had lost one before: such are taken over one at a time.
    pub(super) again: bool,
}

/// When a worker was connected: its process, and the moment, in microseconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Connected {
    pub(super) pid: u32,
    pub(super) incarnation: u32,
    pub(super) at: i64,
}

/// A worker that waited long, for the write lock or for the machine: until when, and for how long, both in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Waited {
    pub(super) pid: u32,
    pub(super) until: i64,
    pub(super) lasted: i64,
}

/// What nobody but the campaign saw.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) fates: Vec<Fate>,
    pub(super) surprises: Vec<String>,
    pub(super) leases: Leases,
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
    /// When the machine did not let a worker run.
    pub(super) starved: Vec<Waited>,
    /// What the campaign saw of leases.
    pub(super) leases: Leases,
    pub(super) lost: Vec<Lost>,
    pub(super) refusals: Vec<Refusal>,
    /// What `PRAGMA integrity_check` said.
    pub(super) integrity: String,
}

impl Facts {
    /// Reads everything that is left when all processes have ended.
    pub(super) async fn gather(files: &Files, signals: &Signals<SqliteBackend>, seen: Seen) -> anyhow::Result<Self> {
        let told = std::fs::read_to_string(&files.events);
        let told = told.with_context(|| format!("reading {}", files.events.display()))?;
        let pool = signals.backend().pool();
        let workers: Vec<Connected> = told.lines().filter_map(connected).collect();
        let deliveries = deliveries(signals).await?;
        Ok(Self {
            journal: Log(files.journal.clone()).read(),
            effects: Log(files.effects.clone()).read(),
            fates: seen.fates,
            surprises: seen.surprises,
            leases: seen.leases,
            orders: sqlx::query_as("SELECT number, signal FROM kills_order").fetch_all(pool).await?,
            rows: sqlx::query_scalar("SELECT number FROM kills_effect").fetch_all(pool).await?,
            lost: lost(signals, &deliveries, &workers).await?,
            deliveries,
            workers,
            waits: told.lines().filter_map(waited).collect(),
            starved: told.lines().filter_map(starved).collect(),
            refusals: told.lines().filter_map(refused).collect(),
            integrity: sqlx::query_scalar("PRAGMA integrity_check").fetch_one(pool).await?,
        })
    }
}

async fn deliveries(signals: &Signals<SqliteBackend>) -> anyhow::Result<Vec<Fact>> {
    let mut filter = Filter { limit: Filter::MOST, ..Filter::default() };
    let mut facts = Vec::new();
    loop {
        let page = signals.inspect().list(&filter).await?;
        filter.after = page.next;
        for delivery in page.deliveries {
            let receiver = match delivery.receiver.as_str() {
                PLAIN => Receiver::Plain,
                TRANSACTIONAL => Receiver::Transactional,
                other => anyhow::bail!("nothing was sent to `{other}`"),
            };
            facts.push(Fact { id: delivery.id, receiver, state: delivery.state, counters: delivery.counters });
        }
        if page.next.is_none() {
            return Ok(facts);
        }
    }
}

/// The leases that were lost, from the histories of the deliveries that lost any.
async fn lost(
    signals: &Signals<SqliteBackend>,
    deliveries: &[Fact],
    workers: &[Connected],
) -> anyhow::Result<Vec<Lost>> {
    let pids: BTreeMap<u32, u32> = workers.iter().map(|worker| (worker.incarnation, worker.pid)).collect();
    let mut lost = Vec::new();
    for fact in deliveries.iter().filter(|fact| fact.counters.lost_leases > 0) {
        let detail = signals.inspect().get(fact.id).await?.context("a delivery that was listed is gone")?;
        let attempts = detail.attempts.iter().filter(|attempt| attempt.outcome == AttemptOutcome::LeaseLost);
        for (nth, attempt) in attempts.enumerate() {
            let incarnation = attempt.worker.bits();
            let pid = *pids.get(&incarnation).context("a lease was lost by a worker that never enlisted")?;
            let (delivery, receiver, at) = (fact.id, fact.receiver, attempt.ended_at.as_micros());
            lost.push(Lost { delivery, receiver, pid, incarnation, at, again: nth > 0 });
        }
    }
    Ok(lost)
}

/// When an event was told, and by which process.
fn told_by(line: &str) -> Option<(i64, u32)> {
    let mut words = line.split(' ');
    Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}

/// The value of a field of an event.
fn field<'l>(line: &'l str, name: &str) -> Option<&'l str> {
    line.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}

/// A worker that has enlisted.
fn connected(line: &str) -> Option<Connected> {
    let (at, pid) = told_by(line)?;
    let incarnation = field(line, "worker").filter(|_| line.contains("worker enlisted"))?;
    Some(Connected { pid, incarnation: u32::from_str_radix(incarnation, 16).ok()?, at })
}

/// A refused outcome.
fn refused(line: &str) -> Option<Refusal> {
    let delivery = field(line, "delivery").filter(|_| line.contains("outcome refused"))?;
    let incarnation = field(line, "token")?.split(':').next()?;
    let incarnation = u32::from_str_radix(incarnation, 16).ok()?;
    Some(Refusal { delivery: delivery.parse().ok()?, incarnation })
}

/// A wait, in an event that tells of a long one when it ends.
fn waited(line: &str) -> Option<Waited> {
    let (until, pid) = told_by(line)?;
    let lasted = field(line, "lasted").filter(|_| line.contains("write lock"))?;
    let (number, unit) = lasted.split_at(lasted.find(|c: char| c.is_ascii_alphabetic())?);
    let seconds = number.parse::<f64>().ok()? / if unit.starts_with("ms") { 1e3 } else { 1.0 };
    Some(Waited { pid, until, lasted: (seconds * 1e6) as i64 })
}

/// A gap between two ticks of a process.
fn starved(line: &str) -> Option<Waited> {
    let (until, pid) = told_by(line)?;
    Some(Waited { pid, until, lasted: field(line, starvation::WORD)?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_outcome_is_read_from_what_the_worker_told() {
        let line = "1795348718128974 17  WARN signals: outcome refused: stolen, cancelled or settled meanwhile \
                    receiver=\"kills.plain\" delivery=12.3 token=00ab00cd:17 verb=\"ack\"";
        let Refusal { delivery, incarnation } = refused(line).expect("it is one");
        assert_eq!((delivery.signal.0, delivery.receiver.0, incarnation), (12, 3, 0x00ab_00cd));
        assert_eq!(waited(line), None);
        assert_eq!(refused("1 2  WARN signals: stole a delivery delivery=12.3 token=1:2"), None);
    }

    #[test]
    fn a_connection_is_read_from_what_the_worker_told() {
        let line = "1795349963678011 3962  INFO signals: worker enlisted worker=43419c69 receivers=1";
        let expected = Connected { pid: 3962, incarnation: 0x4341_9c69, at: 1_795_349_963_678_011 };
        assert_eq!(connected(line), Some(expected));
        assert_eq!(connected(&line.replace("enlisted", "stopped")), None);
    }

    #[test]
    fn a_wait_is_read_from_what_the_worker_told() {
        let line = |lasted| {
            format!("5000000 17  INFO signals: waited long for the database's write lock: many want it lasted={lasted}")
        };
        assert_eq!(waited(&line("1.25s")), Some(Waited { pid: 17, until: 5_000_000, lasted: 1_250_000 }));
        assert_eq!(waited(&line("670.5ms")), Some(Waited { pid: 17, until: 5_000_000, lasted: 670_500 }));
        assert_eq!(starved(&line("1.25s")), None);
    }

    #[test]
    fn a_gap_in_which_a_process_could_not_run_is_read_from_what_it_told() {
        let line = "5000000 17 starved_us=1250000";
        assert_eq!(starved(line), Some(Waited { pid: 17, until: 5_000_000, lasted: 1_250_000 }));
        assert_eq!(waited(line), None);
    }
}
