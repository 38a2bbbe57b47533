//! Building a registry: every contradiction is found, and all are reported together.

use std::collections::{BTreeMap, BTreeSet};

use super::{Linked, Problem, Problems, Registry, Retired};
use crate::{Location, Receiver, ReceiverDef, Result, Signal, SignalDef, name};

/// Collects signals and receivers; [`build`](Self::build) checks them.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct RegistryBuilder {
    signals: Vec<&'static SignalDef>,
    receivers: Vec<&'static ReceiverDef>,
    retired: Vec<(&'static str, Option<Location>)>,
    expected: Vec<Linked>,
}

impl RegistryBuilder {
    /// Adds a signal. Those of receivers need not be added.
    pub fn signal<S: Signal>(self) -> Self {
        self.signal_def(S::DEF)
    }

    /// Adds a receiver and its signal.
    pub fn receiver<R: Receiver>(self) -> Self {
        self.receiver_def(R::DEF)
    }

    /// Declares the receiver of this name gone.
    pub fn retired(mut self, name: &'static str) -> Self {
        self.retired.push((name, None));
        self
    }

    /// Adds a signal by its definition.
    pub fn signal_def(mut self, def: &'static SignalDef) -> Self {
        self.signals.push(def);
        self
    }

    /// Adds a receiver by its definition.
    pub fn receiver_def(mut self, def: &'static ReceiverDef) -> Self {
        self.receivers.push(def);
        self.signals.push(def.signal);
        self
    }

    pub(super) fn retired_at(mut self, retired: Retired) -> Self {
        self.retired.push((retired.name, Some(retired.location)));
        self
    }

    pub(super) fn expect_crate(mut self, linked: Linked) -> Self {
        self.expected.push(linked);
        self
    }

    /// Checks everything.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Registry`](crate::Error::Registry) with every problem that there is, each with file, line and
    /// the way out.
    pub fn build(self) -> Result<Registry> {
        let mut problems = Vec::new();
        let signals = distinct(&self.signals, |def| (def.name, def.version, def.location));
        let receivers = distinct(&self.receivers, |def| (def.name, def.signal.version, def.location));

        check_names(
            "signal",
            &mut problems,
            signals.iter().flat_map(|def| def.names().map(|name| (name, def.location))),
        );
        check_names(
            "receiver",
            &mut problems,
            receivers.iter().flat_map(|def| def.names().map(|name| (name, def.location))),
        );
        for def in &receivers {
            check_options(def, &mut problems);
        }
        self.check_retired(&receivers, &mut problems);
        self.check_crates(&signals, &receivers, &mut problems);

        Problems::check(problems)?;
        Ok(Registry {
            signals: signals.into_iter().map(|def| (def.name, def)).collect(),
            receivers: receivers.into_iter().map(|def| (def.name, def)).collect(),
            retired: self.retired.iter().map(|(name, _)| *name).collect::<BTreeSet<_>>().into_iter().collect(),
        })
    }

    fn check_retired(&self, receivers: &[&'static ReceiverDef], problems: &mut Vec<Problem>) {
        for (name, location) in &self.retired {
            let said = location.map(|at| format!(" ({at})")).unwrap_or_default();
            if let Err(why) = name::check(name) {
                problems.push(Problem::new(format!("`retired!(\"{name}\")`{said}: a name {why}")));
            }
            for def in receivers.iter().filter(|def| def.names().any(|other| other == *name)) {
                problems.push(Problem::new(format!(
                    "receiver `{name}` is declared retired{said} but still exists at {}: remove one of the two",
                    def.location
                )));
            }
        }
    }

    fn check_crates(
        &self,
        signals: &[&'static SignalDef],
        receivers: &[&'static ReceiverDef],
        problems: &mut Vec<Problem>,
    ) {
        let contributed: BTreeSet<&str> = signals
            .iter()
            .map(|def| def.location.krate())
            .chain(receivers.iter().map(|def| def.location.krate()))
            .chain(self.retired.iter().filter_map(|(_, location)| location.map(|at| at.krate())))
            .collect();
        for linked in &self.expected {
            if !contributed.contains(linked.krate) {
                let Linked { krate, location } = linked;
                problems.push(Problem::new(format!(
                    "crate `{krate}`, named in `link!` at {location}, contributed no signal and no receiver: remove it, \
                     put back what it lost, or write `link!(real_name as {krate})` if Cargo.toml renames it"
                )));
            }
        }
    }
}

/// Without repetitions: two declarations that agree in name, place and version are one, in a crate that is built twice
/// for a dev-dependency cycle.
fn distinct<D, K: PartialEq>(defs: &[&'static D], key: impl Fn(&D) -> K) -> Vec<&'static D> {
    let mut kept: Vec<&'static D> = Vec::with_capacity(defs.len());
    let mut keys: Vec<K> = Vec::with_capacity(defs.len());
    for &def in defs {
        let key = key(def);
        if !keys.contains(&key) {
            keys.push(key);
            kept.push(def);
        }
    }
    kept
}

fn check_names(kind: &str, problems: &mut Vec<Problem>, names: impl Iterator<Item = (&'static str, Location)>) {
    let mut seen: BTreeMap<&str, Vec<Location>> = BTreeMap::new();
    for (name, location) in names {
        if let Err(why) = name::check(name) {
            problems.push(Problem::new(format!("{kind} `{name}` at {location}: a name {why}")));
        }
        seen.entry(name).or_default().push(location);
    }
    for (name, mut places) in seen {
        if places.len() > 1 {
            places.sort_by_key(|at| (at.file, at.line));
            let places: Vec<String> = places.iter().map(Location::to_string).collect();
            problems.push(Problem::new(format!(
                "{kind} name `{name}` is declared {} times, at {}: give all but one another `name`, or remove the alias",
                places.len(),
                places.join(" and ")
            )));
        }
    }
}

fn check_options(def: &ReceiverDef, problems: &mut Vec<Problem>) {
    let ReceiverDef { name, location, options, .. } = def;
    let mut wrong = |what: &str| problems.push(Problem::new(format!("receiver `{name}` at {location}: {what}")));
    if options.retry.max_attempts == 0 {
        wrong("`max_attempts` must be at least 1");
    }
    if options.concurrency == Some(0) {
        wrong("`concurrency` must be at least 1");
    }
    if options.timeout.is_some_and(|timeout| timeout.is_zero()) {
        wrong("`timeout` must be longer than zero");
    }
    let factor = options.retry.backoff.factor;
    if !factor.is_finite() || factor < 1.0 {
        wrong("the backoff's `factor` must be 1 or more");
    }
    if options.retry.backoff.max < options.retry.backoff.initial {
        wrong("the backoff's `max` must not be shorter than its `initial`");
    }
    let transactions = def.needs().transactions().len();
    if transactions > 1 {
        wrong(&format!("it takes {transactions} transactions, but runs in one: remove all but one"));
    }
    if transactions > 0 && def.body.is_blocking() {
        wrong("a plain `fn` cannot use a transaction, which is asynchronous: make it an `async fn`");
    }
}
