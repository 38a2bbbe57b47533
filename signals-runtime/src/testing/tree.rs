//! The cascade as a tree: signal → receivers → attempts → the signals that they sent.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use signals_core::clock::Timestamp;
use signals_core::delivery::{DeliveryId, SignalId, State};
use signals_core::store::{DeliverySummary, Fate, Filter, StoredSignal};

use super::journal::Entry;
use super::message::Message;
use super::run::{Ended, is_direct};
use super::words::{duration, payload};
use super::{TestBackend, TestSignals};

/// How many signals a chain shows, each sent because of the one before.
const DEEPEST: usize = 20;

/// The most lines of a tree. The chains in which something went wrong come first.
const MOST_LINES: usize = 100;

impl<B: TestBackend> TestSignals<B> {
    /// See [`TestSignals::cascade`].
    pub(super) async fn tree(&self) -> Result<String, Message> {
        let signals = self.all_signals().await?;
        let mut deliveries = BTreeMap::<SignalId, Vec<DeliverySummary>>::new();
        for delivery in self.deliveries(Filter::default()).await? {
            deliveries.entry(delivery.id.signal).or_default().push(delivery);
        }
        let journal = self.journal();
        let tree = Tree {
            signals: signals.iter().map(|signal| (signal.id, signal)).collect(),
            deliveries,
            attempts: journal.by_delivery(),
            now: self.now(),
        };
        Ok(tree.print())
    }
}

struct Tree<'t> {
    signals: BTreeMap<SignalId, &'t StoredSignal>,
    deliveries: BTreeMap<SignalId, Vec<DeliverySummary>>,
    attempts: BTreeMap<DeliveryId, Vec<&'t Entry>>,
    now: Timestamp,
}

/// One line, and what is below it.
struct Node {
    line: String,
    below: Vec<Node>,
}

impl Tree<'_> {
    fn print(&self) -> String {
        let caused: BTreeSet<SignalId> =
            self.attempts.values().flatten().flat_map(|entry| entry.sent.iter().copied()).collect();
        let roots = self.signals.keys().filter(|id| !caused.contains(id));
        let mut roots: Vec<Node> = roots.filter_map(|id| self.signal(*id, 0)).collect();
        if roots.is_empty() {
            return "nothing was sent".to_owned();
        }
        roots.sort_by_key(|root| !root.is_trouble());
        let mut lines = Vec::new();
        for root in &roots {
            lines.push(root.line.clone());
            root.print_below("", &mut lines);
        }
        let more = lines.len().saturating_sub(MOST_LINES);
        lines.truncate(MOST_LINES);
        lines.extend((more > 0).then(|| format!("… and {more} more lines")));
        lines.join("\n")
    }

    /// A signal that so many others led to.
    fn signal(&self, id: SignalId, depth: usize) -> Option<Node> {
        let signal = self.signals.get(&id)?;
        if depth == DEEPEST {
            return Some(Node { line: "… and what came of it".to_owned(), below: Vec::new() });
        }
        let by_test = if is_direct(signal) { " (handed to one receiver by the test)" } else { "" };
        let line = format!("{} #{id} {}{by_test}", signal.name, payload(&signal.payload));
        let mut below: Vec<Node> =
            self.deliveries.get(&id).into_iter().flatten().map(|delivery| self.delivery(delivery, depth)).collect();
        if below.is_empty() {
            below.push(Node { line: "nobody receives it".to_owned(), below: Vec::new() });
        }
        Some(Node { line, below })
    }

    fn delivery(&self, delivery: &DeliverySummary, depth: usize) -> Node {
        let line = format!("{}: {}", delivery.receiver, state(delivery, self.now));
        let attempts = self.attempts.get(&delivery.id).into_iter().flatten();
        Node { line, below: attempts.map(|entry| self.attempt(entry, depth)).collect() }
    }

    fn attempt(&self, entry: &Entry, depth: usize) -> Node {
        let line = format!("attempt {}: {}", entry.ran.attempt, ended(&entry.ran.ended));
        Node { line, below: entry.sent.iter().filter_map(|id| self.signal(*id, depth + 1)).collect() }
    }
}

impl Node {
    /// Whether something below did not go well.
    fn is_trouble(&self) -> bool {
        let went_well = self.line.ends_with(": ok") || self.line.ends_with(": done") || !self.line.contains(": ");
        !went_well || self.below.iter().any(Self::is_trouble)
    }

    fn print_below(&self, indent: &str, lines: &mut Vec<String>) {
        for (at, node) in self.below.iter().enumerate() {
            let is_last = at + 1 == self.below.len();
            let (branch, trunk) = if is_last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            lines.push(format!("{indent}{branch}{}", node.line));
            node.print_below(&format!("{indent}{trunk}"), lines);
        }
    }
}

/// What a delivery is, in words.
pub(super) fn state(delivery: &DeliverySummary, now: Timestamp) -> String {
    let mut text = delivery.state.to_string();
    let _ = match (delivery.state, delivery.due_at, delivery.lease_until, delivery.death) {
        (State::Ready, Some(due), ..) if due > now => write!(text, " in {}", duration(due.since(now))),
        (State::Running, _, Some(until), _) => {
            write!(text, ", held by a worker for another {}", duration(until.since(now)))
        }
        (State::Dead, .., Some(death)) => write!(text, " ({death})"),
        _ => Ok(()),
    };
    if let Some(actor) = &delivery.actor {
        let _ = write!(text, " by {actor}");
    }
    text
}

fn ended(ended: &Ended) -> String {
    match ended {
        Ended::Done => "ok".to_owned(),
        Ended::Failed { outcome, error, fate: Fate::Retry { delay } } => {
            format!("{outcome}: {error} (again after {})", duration(*delay))
        }
        Ended::Failed { outcome, error, fate: Fate::Dead(_) } => format!("{outcome}: {error}"),
        Ended::Snoozed(delay) => format!("snoozed for {}", duration(*delay)),
        Ended::Released => "given back".to_owned(),
        Ended::Refused(None) => "ran, and was refused: another holds the delivery".to_owned(),
        Ended::Refused(Some(error)) => format!("failed, and was refused: another holds the delivery: {error}"),
        Ended::Crashed(point, None) => format!("the worker died {point}"),
        Ended::Crashed(point, Some(error)) => format!("the worker died {point}, which had failed: {error}"),
    }
}
