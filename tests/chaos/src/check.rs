//! Compares what was intended, what was done and what is stored. Pure: facts in, findings out.
//!
//! What is checked, promise by promise, and what this rig cannot show: `docs/guarantees.md` says what does.
//!
//! | promise | by | what is not seen here, and why |
//! |---|---|---|
//! | I1, T1 | `sends::all_or_none`, `sends::told` | savepoints: senders have none |
//! | I2 | `sends::told`, `sends::unknown`, `settled`, `outcomes::acknowledged`; what waits for ever is found by the campaign's drain | |
//! | I3 | `effects`, by the lines of plain receivers; `attempts` | |
//! | I4 | `outcomes::stale`: no second acknowledgement is taken | endings by hand: nobody has a hand in it |
//! | I5 | `effects`, by the rows of transactional receivers | |
//! | I6, T4 | `outcomes::stale`, `outcomes::refusals`; strangers | |
//! | I7, I8, T2 | `starts::counted`: no more starts than claims | which token started: receivers do not know it. The limits themselves: nobody snoozes a hundred times |
//! | I9 | `starts::early`, of delayed sends and of retries that asked for a pause | a jittered wait: anything from nothing on is right. An upper bound: the machine is kept busy on purpose |
//! | I10 | `attempts`: no plain delivery pays for a reluctant neighbour | timing of neighbours, for the same reason |
//! | I11 | `attempts` stands on the number of the attempt being right | the key: receivers do not write it down |
//! | I12, I14, I15 | | every process links the same receivers: `skew` has builds that differ |
//! | I13 | | errors are harmless: the vectors of bad input are not |
//! | L1, T9 | `recovery::late`, and the campaign's drain | how soon fresh work starts: killed workers hold their share of it |
//! | L2, T8 | `leaving::late`, `settled`, and who does not end (`fleet`) | |
//! | T3 | `robbery::judge`: who lives and renews loses nothing | |
//! | T5 | `attempts`, `starts::early` | time-outs: nothing takes that long |
//! | T6, T7 | | no receiver snoozes or discards |
//! | T10, T11 | | nobody cancels or retries by hand: histories do |
//! | T12, T13 | | nothing gets old enough |
//! | S1, S2 | `sends` | |
//! | S7, on Postgres | all of this after a server that had no connection left for anybody: it cost time and no delivery | a pool that is empty; on SQLite nothing falls ill |
//! | W1 to W5 | `effects`, `starts`, `outcomes`, after what the nemesis did | |
//! | W6 | | an acknowledgement that came after its lease, of which nobody was robbed, looks like any other |
//! | W13, W14, on Postgres | `returning::judge`, of servers and of wires, and who gave up (`check`) | on SQLite nothing falls ill |

mod attempts;
mod outcomes;
mod sends;
mod starts;

use std::collections::{BTreeMap, BTreeSet};

use signals_runtime::clock::micros;
use signals_runtime::delivery::{DeliveryId, State};

use crate::facts::{Fact, Facts, Receiver};
use crate::member::What;
use crate::told::Connected;
use crate::{LEASE, Line, leaving, recovery, returning, robbery};

/// A promise that was broken, and by what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) promise: &'static str,
    pub(crate) evidence: String,
    /// The order that it is about, if it is about one.
    pub(crate) order: Option<i64>,
}

/// Everything that is wrong.
pub(crate) fn check(facts: &Facts) -> Vec<Finding> {
    let mut findings = Findings::of(facts);
    sends::check(facts, &mut findings);
    settled(facts, &mut findings);
    effects(facts, &mut findings);
    starts::check(facts, &mut findings);
    attempts::check(facts, &mut findings);
    outcomes::check(facts, &mut findings);
    for (delivery, late) in recovery::late(facts) {
        findings.add_of("L1", delivery, late);
    }
    for (delivery, robbed) in robbery::judge(facts).found {
        findings.add_of("T9", delivery, robbed);
    }
    for lost in returning::judge(facts).found {
        findings.add("W13", None, lost);
    }
    for late in leaving::late(facts) {
        findings.add("L2", None, late);
    }
    for (at, pid) in &facts.given_up {
        if was_connected(facts, *pid, *at) {
            findings.add("W13", None, format!("worker {pid} was connected, and ended with an error at {at}"));
        }
    }
    for felled in facts.fates.iter().filter(|fate| fate.what == What::Felled) {
        if was_connected(facts, felled.pid, felled.at) {
            findings.add("L2", None, format!("worker {} was connected, and did not hear SIGTERM", felled.pid));
        }
    }
    for (promise, surprise) in &facts.surprises {
        findings.add(promise, None, surprise.clone());
    }
    if facts.books.integrity != "ok" {
        findings.add("integrity", None, facts.books.integrity.clone());
    }
    findings.found
}

/// Whether the process that had this number at this moment had been connected: numbers come round within minutes.
fn was_connected(facts: &Facts, pid: u32, at: i64) -> bool {
    let mut connected = facts.workers.iter().filter(|worker| worker.pid == pid && worker.at < at);
    let ended = |since: i64| {
        let mut ends = facts.fates.iter().filter(|fate| fate.pid == pid && fate.what.is_an_end());
        ends.any(|end| (since..at).contains(&end.at))
    };
    connected.any(|worker| !ended(worker.at))
}

/// The first finding of each promise before the second of any: so few are shown that those of one would hide all others.
pub(crate) fn by_turns(findings: Vec<Finding>) -> Vec<Finding> {
    let mut of_each: BTreeMap<&'static str, usize> = BTreeMap::new();
    let numbered = findings.into_iter().map(|finding| {
        let nth = of_each.entry(finding.promise).or_default();
        *nth += 1;
        (*nth, finding)
    });
    let mut numbered: Vec<_> = numbered.collect();
    numbered.sort_by_key(|(nth, _)| *nth);
    numbered.into_iter().map(|(_, finding)| finding).collect()
}

/// How many acknowledgements were taken that came from nobody who held the delivery.
pub(crate) fn stale_acknowledgements(facts: &Facts) -> usize {
    outcomes::stale(facts).len()
}

/// How many sends are gone of which their sender was told that they are stored, and how many deliveries: of an order that is
/// booked, without a trace, left behind unsettled, or dead without a reason.
pub(crate) fn lost(facts: &Facts) -> usize {
    let unsettled = |fact: &&Fact| !fact.state.is_settled();
    let left = facts.deliveries.iter().filter(|fact| unsettled(fact) || is_lost(fact)).count();
    sends::lost(facts) + sends::vanished(facts) + left
}

#[derive(Default)]
struct Findings {
    found: Vec<Finding>,
    /// The number of each signal.
    orders: BTreeMap<i64, i64>,
}

impl Findings {
    fn of(facts: &Facts) -> Self {
        let orders = facts.books.orders.iter().map(|(number, signal)| (*signal, *number)).collect();
        Self { found: Vec::new(), orders }
    }

    fn add(&mut self, promise: &'static str, order: Option<i64>, evidence: String) {
        self.found.push(Finding { promise, evidence, order });
    }

    fn add_of(&mut self, promise: &'static str, delivery: DeliveryId, evidence: String) {
        self.add(promise, self.number(delivery), evidence);
    }

    /// The order that is booked with the signal of `delivery`.
    fn number(&self, delivery: DeliveryId) -> Option<i64> {
        self.orders.get(&delivery.signal.0).copied()
    }
}

/// I2, L2: when all is over nothing waits and nothing is held.
fn settled(facts: &Facts, findings: &mut Findings) {
    for fact in facts.deliveries.iter().filter(|fact| !matches!(fact.state, State::Done | State::Dead)) {
        let promise = if fact.state == State::Running { "L2" } else { "I2" };
        findings.add_of(promise, fact.id, format!("left behind: {fact:?}"));
    }
    for fact in facts.deliveries.iter().filter(|fact| is_lost(fact)) {
        findings.add_of("I2", fact.id, format!("dead, though no nemesis killed it five times: {fact:?}"));
    }
}

/// Whether it is dead for another reason than five lost leases. When a reluctant one must be, `attempts` knows.
fn is_lost(fact: &Fact) -> bool {
    fact.state == State::Dead
        && fact.receiver != Receiver::Reluctant
        && fact.counters.lost_leases < signals_runtime::delivery::MAX_LOST_LEASES
}

/// I5: a row for each transactional delivery that is done, one for each; I3: an effect of each plain one.
fn effects(facts: &Facts, findings: &mut Findings) {
    let mut rows: BTreeMap<i64, usize> = BTreeMap::new();
    for number in &facts.books.rows {
        *rows.entry(*number).or_default() += 1;
    }
    let written = |what: &str| -> BTreeSet<i64> {
        facts.effects.iter().filter(|line| line.what == what).map(|line| line.number).collect()
    };
    let (plain, reluctant) = (written("plain-effect"), written("reluctant-effect"));
    for fact in &facts.deliveries {
        let Some(number) = findings.number(fact.id) else { continue };
        let done = fact.state == State::Done;
        match fact.receiver {
            Receiver::Transactional => {
                let found = rows.remove(&number).unwrap_or_default();
                if found != usize::from(done) {
                    let evidence = format!("order {number} has {found} rows of its transactional receiver: {fact:?}");
                    findings.add("I5", Some(number), evidence);
                }
            }
            Receiver::Plain | Receiver::Reluctant => {
                let written = if fact.receiver == Receiver::Plain { &plain } else { &reluctant };
                if done && !written.contains(&number) {
                    let evidence = format!("order {number} is done, and its receiver never wrote its effect: {fact:?}");
                    findings.add("I3", Some(number), evidence);
                }
            }
        }
    }
    for (number, found) in rows {
        let evidence = format!("{found} rows of a transactional receiver for order {number}, which was not sent");
        findings.add("I5", Some(number), evidence);
    }
}

/// When the database forgot what it had not flushed, and who was connected.
struct Crashes<'f> {
    spans: Vec<(i64, i64)>,
    workers: &'f [Connected],
}

impl<'f> Crashes<'f> {
    /// A commit that does not wait for the disk is there after three rounds of the server's WAL writer, 600 ms; a delivery starts
    /// soon after its claim. Twice that, and more.
    const UNFLUSHED: i64 = 2_000_000;

    fn of(facts: &'f Facts) -> Self {
        let crashes = facts.outages.iter().filter(|outage| outage.ill.forgets());
        let spans = crashes.map(|outage| (outage.from, outage.to)).collect();
        Self { spans, workers: &facts.workers }
    }

    /// Whether a claim of that moment may be one of which the database knows nothing.
    fn may_take_back(&self, at: i64) -> bool {
        self.spans.iter().any(|(from, to)| (from - Self::UNFLUSHED..=*to).contains(&at))
    }

    /// Whether that may be so of the claim before this start. What a transactional receiver of before the crash waits for is the
    /// database: it starts once that is there again, unless its worker has learnt by then that the delivery is not its own.
    fn may_take_back_claim_of(&self, start: &Line) -> bool {
        let was_there = |crash| self.workers.iter().any(|worker| worker.pid == start.pid && worker.at < crash);
        let mut waited = self.spans.iter().filter(|(_, to)| (*to..to + micros(LEASE)).contains(&start.at));
        self.may_take_back(start.at) || waited.any(|(from, _)| was_there(*from))
    }
}

#[cfg(test)]
#[path = "check/tests.rs"]
mod tests;
