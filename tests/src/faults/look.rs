//! What everybody may see of a database, to tell whether something has happened.

use std::collections::BTreeSet;
use std::fmt::Debug;

use signals_core::delivery::State;
use signals_core::store::Verb;
use signals_core::{Error, Result};

use super::story::Doubt;
use super::{Ground, Story};

/// The most lines of the log that a tale leaves.
const LINES: usize = 100;

/// Receivers, deliveries and the log of actions, past every fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) receivers: Vec<Receives>,
    /// By the number of their signal, from 1, and by their receiver.
    pub(super) deliveries: Vec<Stands>,
    /// The newest first.
    pub(super) actions: Vec<String>,
}

/// A receiver, by what it is called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Receives {
    pub(super) name: String,
    pub(super) aliases: Vec<String>,
    pub(super) paused: bool,
}

/// How a delivery stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stands {
    pub(super) signal: usize,
    pub(super) receiver: String,
    pub(super) state: State,
    pub(super) life: u32,
}

impl Receives {
    /// One that is claimed for.
    pub(super) fn of(name: &str, aliases: &[&str]) -> Self {
        let aliases = aliases.iter().map(|&alias| alias.to_owned()).collect();
        Self { name: name.to_owned(), aliases, paused: false }
    }
}

impl Stands {
    /// One in its first life.
    pub(super) fn of(signal: usize, receiver: &str, state: State) -> Self {
        Self { signal, receiver: receiver.to_owned(), state, life: 0 }
    }
}

impl Look {
    async fn at<G: Ground>(story: &Story<G>) -> Self {
        let direct = story.ground.direct();
        let receivers = direct.inspect().receivers().await.expect("nobody is in the judge's way");
        let mut receivers: Vec<_> = receivers
            .into_iter()
            .map(|receiver| Receives { name: receiver.name, aliases: receiver.aliases, paused: receiver.paused })
            .collect();
        receivers.sort();
        let found = story.deliveries().await;
        let signals: BTreeSet<_> = found.iter().map(|delivery| delivery.id.signal).collect();
        let number = |of| signals.range(..=of).count();
        let mut deliveries: Vec<_> = found
            .into_iter()
            .map(|delivery| Stands {
                signal: number(delivery.id.signal),
                receiver: delivery.receiver,
                state: delivery.state,
                life: delivery.life,
            })
            .collect();
        deliveries.sort();
        let actions = direct.inspect().actions(None, LINES).await.expect("nobody is in the judge's way");
        Self { receivers, deliveries, actions: actions.into_iter().map(|action| action.verb).collect() }
    }

    /// The one delivery of `receiver`.
    pub(super) fn delivery(&mut self, receiver: &str) -> &mut Stands {
        self.deliveries.iter_mut().find(|delivery| delivery.receiver == receiver).expect("it has one")
    }

    /// One receiver.
    pub(super) fn receiver(&mut self, name: &str) -> &mut Receives {
        self.receivers.iter_mut().find(|receiver| receiver.name == name).expect("it is registered")
    }

    /// The log has another line.
    pub(super) fn acted(&mut self, verb: Verb) {
        self.actions.insert(0, verb.to_string());
    }
}

/// What was left may be on its way still, and happen between two of the questions: it is asked until two looks are the same.
pub(super) async fn until_still<S: PartialEq>(look: &impl AsyncFn() -> S) -> S {
    let mut seen = look().await;
    loop {
        let again = look().await;
        if again == seen {
            return seen;
        }
        seen = again;
    }
}

impl<G: Ground> Story<G> {
    /// A deed that is one transaction, begun again until it has happened: all of `change` is seen then. Whoever is told that it
    /// did not happen finds everything as it was, and whoever is told that nobody knows one of the two.
    pub(super) async fn all_or_nothing(
        &self,
        what: &str,
        change: impl FnOnce(&mut Look),
        deed: impl AsyncFnMut(Doubt) -> Result<()>,
    ) {
        self.one_transaction(what, async || Look::at(self).await, change, deed).await;
    }

    /// The same of whatever `see` tells of the database.
    pub(super) async fn one_transaction<S: Clone + Debug + PartialEq>(
        &self,
        what: &str,
        see: impl AsyncFn() -> S,
        change: impl FnOnce(&mut S),
        mut deed: impl AsyncFnMut(Doubt) -> Result<()>,
    ) {
        let before = see().await;
        let (mut first, mut after) = (Some(before.clone()), before.clone());
        change(&mut after);
        self.in_turn(what, async |doubt| {
            let was = match first.take() {
                Some(before) => before,
                None => until_still(&see).await,
            };
            let told = deed(doubt).await;
            let is = until_still(&see).await;
            match &told {
                Ok(()) => assert_eq!(is, after, "{what}: all of it"),
                Err(Error::CommitUnknown(_)) => assert!(is == before || is == after, "{what}: all or nothing: {is:#?}"),
                Err(error) => assert_eq!(is, was, "{what}: nothing, as was told: {error}"),
            }
            told
        })
        .await;
    }
}
