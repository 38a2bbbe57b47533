//! The cascade as a tree: signal → receivers → attempts → the signals that they sent.

use std::collections::{BTreeMap, BTreeSet};

use signals_core::delivery::{DeliveryId, SignalId, State};
use signals_core::store::{DeliverySummary, Fate, Filter, StoredSignal};

use super::journal::{Entry, Journal};
use super::message::Message;
use super::run::{Ended, is_direct};
use super::standing::Standing;
use super::words::{cut, duration, payload, shorten};
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
        let standing = self.standing().await?;
        let journal = self.journal();
        let tree = Tree {
            signals: signals.iter().map(|signal| (signal.id, signal)).collect(),
            deliveries,
            attempts: journal.by_delivery(),
            journal: &journal,
            standing,
        };
        Ok(tree.print())
    }
}

struct Tree<'t> {
    signals: BTreeMap<SignalId, &'t StoredSignal>,
    deliveries: BTreeMap<SignalId, Vec<DeliverySummary>>,
    attempts: BTreeMap<DeliveryId, Vec<&'t Entry>>,
    journal: &'t Journal,
    standing: Standing<'t>,
}

/// One line, or several of one error, and what is below.
struct Node {
    line: String,
    below: Vec<Node>,
    /// Whether it, or something below, did not go well.
    is_trouble: bool,
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
        roots.sort_by_key(|root| !root.is_trouble);
        let mut lines = Vec::new();
        for root in &roots {
            root.print("", "", &mut lines);
        }
        let more = lines.len().saturating_sub(MOST_LINES);
        lines.truncate(MOST_LINES);
        lines.extend((more > 0).then(|| format!("… and {more} more lines")));
        lines.join("\n")
    }

    /// A signal that so many others led to, and its receivers: those first that something went wrong with.
    fn signal(&self, id: SignalId, depth: usize) -> Option<Node> {
        let signal = self.signals.get(&id)?;
        if depth == DEEPEST {
            return Some(Node::new("… and what came of it", Vec::new(), false));
        }
        let by_test = if is_direct(signal) { " (handed to one receiver by the test)" } else { "" };
        let line = format!("{} #{id} {}{by_test}", signal.name, payload(&signal.payload));
        let mut below: Vec<Node> =
            self.deliveries.get(&id).into_iter().flatten().map(|delivery| self.delivery(delivery, depth)).collect();
        below.sort_by_key(|delivery| !delivery.is_trouble);
        if below.is_empty() {
            below.push(Node::new("nobody receives it", Vec::new(), false));
        }
        Some(Node::new(line, below, false))
    }

    fn delivery(&self, delivery: &DeliverySummary, depth: usize) -> Node {
        let line = format!("{}: {}", delivery.receiver, self.standing.of(delivery));
        let attempts = self.attempts.get(&delivery.id).into_iter().flatten();
        let mut below: Vec<Node> = attempts.map(|entry| self.attempt(entry, depth)).collect();
        if let Some(leases) = self.journal.buried(delivery.id) {
            below.push(Node::new(format!("given up: its lease was lost {leases} times"), Vec::new(), true));
        }
        Node::new(line, below, delivery.state != State::Done)
    }

    fn attempt(&self, entry: &Entry, depth: usize) -> Node {
        let line = format!("attempt {}: {}", entry.ran.attempt, ended(&entry.ran.ended));
        let below = entry.sent.iter().filter_map(|id| self.signal(*id, depth + 1)).collect();
        Node::new(line, below, !entry.ran.is_done())
    }
}

impl Node {
    fn new(line: impl Into<String>, below: Vec<Self>, is_trouble: bool) -> Self {
        let is_trouble = is_trouble || below.iter().any(|below| below.is_trouble);
        Self { line: line.into(), below, is_trouble }
    }

    /// The node behind `branch`, and what is below it behind `trunk`. What follows the first line of an error is marked, so
    /// that no error can look like a part of the tree.
    fn print(&self, branch: &str, trunk: &str, lines: &mut Vec<String>) {
        for (at, line) in shorten(self.line.lines().map(cut).collect()).iter().enumerate() {
            lines.push(if at == 0 { format!("{branch}{line}") } else { format!("{trunk}┆ {line}") });
        }
        for (at, node) in self.below.iter().enumerate() {
            let (fork, stem) = if at + 1 == self.below.len() { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            node.print(&format!("{trunk}{fork}"), &format!("{trunk}{stem}"), lines);
        }
    }
}

/// What came of an attempt, in words.
pub(super) fn ended(ended: &Ended) -> String {
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
