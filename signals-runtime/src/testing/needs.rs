//! Whether a receiver can run here: asked when it must, not before, so that a test of the sender alone needs nothing.

use std::any::TypeId;
use std::time::Instant;

use signals_core::{Body, ReceiverDef};

use super::message::Message;
use super::{TestBackend, TestSignals};
use crate::worker::{ByHand, RunReceiver};

/// How a test gets rid of receivers of others that are linked into it.
const OR_NAME: &str = "or name the receivers of this test with `.receiver::<…>()`, which leaves the others out";

impl<B: TestBackend> TestSignals<B> {
    /// Whether this receiver can run in this test as it would in a worker.
    pub(super) fn check_needs(&self, worker: &ByHand, receiver: usize) -> Result<(), Message> {
        let runs = worker.runs(receiver);
        self.check_transaction(runs.def)?;
        self.check_states(runs.def)?;
        self.check_timeout(runs)?;
        self.check_clock(runs.def)
    }

    fn check_transaction(&self, receiver: &ReceiverDef) -> Result<(), Message> {
        let ReceiverDef { name, location, .. } = receiver;
        let needs = receiver.needs();
        let Some(tx) = needs.transactions().iter().find(|tx| tx.backend != TypeId::of::<B>()) else { return Ok(()) };
        let backend = tx.type_name.rsplit("::").next().unwrap_or(tx.type_name);
        Err(Message::new(format!("`{name}` at {location} takes a transaction of the {} backend", tx.name))
            .expected(format!("a test on {}: `TestSignals::builder().on::<{backend}>()`; {OR_NAME}", tx.name))
            .instead(format!("this test runs on {}", B::NAME)))
    }

    fn check_states(&self, receiver: &ReceiverDef) -> Result<(), Message> {
        let ReceiverDef { name, location, .. } = receiver;
        let needs = receiver.needs();
        let missing = needs.states().iter().filter(|state| !self.states.contains(state.id));
        let missing: Vec<&str> = missing.map(|state| state.name).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let wrapped = |names: &[&str]| names.iter().map(|name| format!("`State<{name}>`")).collect::<Vec<_>>();
        let given: Vec<&str> = self.states.names().collect();
        let takes = wrapped(&missing).join(" and ");
        let ways = missing.iter().map(|state| format!("`.state(…)` of the builder with a `{state}`"));
        Err(Message::new(format!("`{name}` at {location} takes {takes}, which this test was not given"))
            .expected(ways.chain([OR_NAME.to_owned()]).collect::<Vec<_>>().join("\n"))
            .instead(match given.as_slice() {
                [] => "this test was given no state".to_owned(),
                given => format!("this test was given {}", wrapped(given).join(" and ")),
            }))
    }

    /// What no worker would start with fails here, too.
    fn check_timeout(&self, runs: &RunReceiver) -> Result<(), Message> {
        let ReceiverDef { name, location, .. } = runs.def;
        let unfit = runs.unfit_timeout(crate::defaults::LEASE, &self.signals.store().capabilities());
        unfit.map_or(Ok(()), |unfit| {
            Err(Message::new(format!("no worker would run `{name}` at {location}"))
                .expected("a receiver that a worker with its default settings accepts")
                .instead(unfit))
        })
    }

    /// Under a paused clock of tokio's time leaps ahead while a thread or a pool is waited for.
    fn check_clock(&self, receiver: &ReceiverDef) -> Result<(), Message> {
        let waits_for = match receiver.body {
            Body::Blocking(_) => "runs on a thread of its own",
            Body::Async(_) if self.signals.store().capabilities().pool_size.is_some() => "waits for a pool",
            Body::Async(_) => return Ok(()),
        };
        if !is_tokio_paused() {
            return Ok(());
        }
        let name = receiver.name;
        Err(Message::new(format!("`{name}` {waits_for}, for which tokio's paused clock does not wait"))
            .expected(UNPAUSED)
            .instead("`#[tokio::test(start_paused = true)]`, or `tokio::time::pause()`"))
    }
}

/// What to do instead of pausing tokio's clock.
pub(super) const UNPAUSED: &str =
    "tokio's clock running: `.longest_timeout(…)` of the builder lets a test of a time-out be short";

/// Whether tokio's clock stands still, or runs ahead, as under `start_paused`.
pub(super) fn is_tokio_paused() -> bool {
    // One clock, unless it is paused.
    let (now, tokios) = (Instant::now, tokio::time::Instant::now); // tidy: a duration: how far the two are apart
    let (before, between, after) = (now(), tokios().into_std(), now());
    !(before..=after).contains(&between)
}
