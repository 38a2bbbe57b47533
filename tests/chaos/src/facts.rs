//! What is known at the end of a campaign: from the records outside of the database, and from the framework's own interface.

use std::collections::BTreeMap;

use anyhow::Context as _;
use signals_runtime::delivery::{Counters, DeliveryId, State};
use signals_runtime::store::{AttemptOutcome, DeathReason, Filter};
use signals_runtime::{Backend, Signals};

use crate::app::{PLAIN, RELUCTANT, TRANSACTIONAL};
use crate::database::{Books, Database};
use crate::files::Files;
use crate::leases::Leases;
use crate::member::{Fate, Outage};
use crate::nemesis::Ill;
use crate::told::{
    Connected, Outcome, Stolen, Waited, acknowledged, began, connected, gave_up, given_back, refused, starved, stolen,
    waited,
};
use crate::{Line, Log};

/// One of the three receivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Receiver {
    Plain,
    Transactional,
    Reluctant,
}

impl Receiver {
    /// Which of them writes this line when it starts.
    pub(crate) fn that_starts(what: &str) -> Option<Self> {
        match what {
            "plain" => Some(Self::Plain),
            "transactional" => Some(Self::Transactional),
            "reluctant" => Some(Self::Reluctant),
            _ => None,
        }
    }
}

/// A delivery, as the framework shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fact {
    pub(crate) id: DeliveryId,
    pub(crate) receiver: Receiver,
    pub(crate) state: State,
    pub(crate) counters: Counters,
    /// Why it is dead.
    pub(crate) death: Option<DeathReason>,
}

/// A lease that was lost, as the history of the delivery knows it: by which process, and when another took it over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lost {
    pub(crate) delivery: DeliveryId,
    pub(crate) receiver: Receiver,
    pub(crate) pid: u32,
    pub(crate) incarnation: u32,
    pub(crate) at: i64,
    /// Whether the delivery had lost one before: such are taken over one at a time.
    pub(crate) again: bool,
}

/// What nobody but the campaign saw.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) fates: Vec<Fate>,
    pub(crate) outages: Vec<Outage>,
    pub(crate) ills: Vec<Ill>,
    pub(crate) surprises: Vec<(&'static str, String)>,
    pub(crate) leases: Leases,
}

/// Everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    /// Whether the database lets one transaction at a time write.
    pub(crate) one_writer: bool,
    /// What senders intended and what came of it.
    pub(crate) journal: Vec<Line>,
    /// What receivers did.
    pub(crate) effects: Vec<Line>,
    /// What the nemesis did.
    pub(crate) fates: Vec<Fate>,
    /// When whom it kept from the database.
    pub(crate) outages: Vec<Outage>,
    /// What it did to the database, and to wires.
    pub(crate) ills: Vec<Ill>,
    /// What else should not have happened, and what it breaks.
    pub(crate) surprises: Vec<(&'static str, String)>,
    /// What the application has in its tables.
    pub(crate) books: Books,
    pub(crate) deliveries: Vec<Fact>,
    pub(crate) workers: Vec<Connected>,
    pub(crate) waits: Vec<Waited>,
    /// Transactions that waited long to begin. Nobody steals later because of that.
    pub(crate) begins: Vec<Waited>,
    /// When the machine did not let a worker run.
    pub(crate) starved: Vec<Waited>,
    /// When workers could not start: the moment, and the process.
    pub(crate) given_up: Vec<(i64, u32)>,
    /// What the campaign saw of leases.
    pub(crate) leases: Leases,
    pub(crate) lost: Vec<Lost>,
    /// Leases that somebody lost who never was connected.
    pub(crate) strangers: Vec<DeliveryId>,
    /// What was taken over, as those told who did.
    pub(crate) stolen: Vec<Stolen>,
    /// What was given back, or may have been.
    pub(crate) given_back: Vec<Stolen>,
    /// Acknowledgements that the database took, as workers were told.
    pub(crate) acknowledged: Vec<Outcome>,
    /// Outcomes of which workers were told that they came too late.
    pub(crate) refusals: Vec<Outcome>,
}

impl Facts {
    /// Reads everything that is left when all processes have ended.
    pub(crate) async fn gather<D: Database>(
        files: &Files,
        signals: &Signals<D::Backend>,
        seen: Seen,
    ) -> anyhow::Result<Self> {
        let told = std::fs::read_to_string(&files.events);
        let told = told.with_context(|| format!("reading {}", files.events.display()))?;
        let workers: Vec<Connected> = told.lines().filter_map(connected).collect();
        let deliveries = deliveries(signals).await?;
        let (lost, strangers) = lost(signals, &deliveries, &workers).await?;
        Ok(Self {
            one_writer: D::ONE_WRITER,
            journal: files.journals().chain([files.journal_of_workers()]).flat_map(|journal| journal.read()).collect(),
            effects: Log(files.effects.clone()).read(),
            fates: seen.fates,
            outages: seen.outages,
            ills: seen.ills,
            surprises: seen.surprises,
            leases: seen.leases,
            books: D::read_books(signals).await?,
            lost,
            strangers,
            deliveries,
            workers,
            waits: told.lines().filter_map(waited).collect(),
            begins: told.lines().filter_map(began).collect(),
            given_up: told.lines().filter_map(gave_up).collect(),
            starved: told.lines().filter_map(starved).collect(),
            given_back: told.lines().filter_map(given_back).collect(),
            stolen: told.lines().filter_map(stolen).collect(),
            acknowledged: told.lines().filter_map(acknowledged).collect(),
            refusals: told.lines().filter_map(refused).collect(),
        })
    }
}

async fn deliveries(signals: &Signals<impl Backend>) -> anyhow::Result<Vec<Fact>> {
    let mut filter = Filter { limit: Filter::MOST, ..Filter::default() };
    let mut facts = Vec::new();
    loop {
        let page = signals.inspect().list(&filter).await?;
        filter.after = page.next;
        for delivery in page.deliveries {
            let receiver = match delivery.receiver.as_str() {
                PLAIN => Receiver::Plain,
                TRANSACTIONAL => Receiver::Transactional,
                RELUCTANT => Receiver::Reluctant,
                other => anyhow::bail!("nothing was sent to `{other}`"),
            };
            let (id, state, counters, death) = (delivery.id, delivery.state, delivery.counters, delivery.death);
            facts.push(Fact { id, receiver, state, counters, death });
        }
        if page.next.is_none() {
            return Ok(facts);
        }
    }
}

/// The leases that were lost, from the histories of the deliveries that lost any; those that nobody had.
async fn lost(
    signals: &Signals<impl Backend>,
    deliveries: &[Fact],
    workers: &[Connected],
) -> anyhow::Result<(Vec<Lost>, Vec<DeliveryId>)> {
    let pids: BTreeMap<u32, u32> = workers.iter().map(|worker| (worker.incarnation, worker.pid)).collect();
    let (mut lost, mut strangers) = (Vec::new(), Vec::new());
    for fact in deliveries.iter().filter(|fact| fact.counters.lost_leases > 0) {
        let detail = signals.inspect().get(fact.id).await?.context("a delivery that was listed is gone")?;
        let attempts = detail.attempts.iter().filter(|attempt| attempt.outcome == AttemptOutcome::LeaseLost);
        for (nth, attempt) in attempts.enumerate() {
            let incarnation = attempt.worker.bits();
            let Some(pid) = pids.get(&incarnation).copied() else {
                strangers.push(fact.id);
                continue;
            };
            let (delivery, receiver, at) = (fact.id, fact.receiver, attempt.ended_at.as_micros());
            lost.push(Lost { delivery, receiver, pid, incarnation, at, again: nth > 0 });
        }
    }
    Ok((lost, strangers))
}
