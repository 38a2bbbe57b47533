//! What can happen in a history, and with which likelihood it does.

use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use proptest::strategy::{BoxedStrategy, Just, Union};
use serde::{Deserialize, Serialize};

/// How many workers a history has.
pub(super) const WORKERS: usize = 3;

/// How many builds of the program there are.
pub(super) const BUILDS: usize = 5;

/// How many receivers a history has at most, in the order of their registration.
const RECEIVERS: usize = 4;

/// One step. What it is about is counted backwards from what was sent or claimed last, so that a step means something in
/// whatever history it stands, on either side; what is not there is left alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// T1.
    Send {
        /// The payload of each signal; several are one call.
        orders: Vec<i64>,
        /// In how many seconds it is due.
        after: u64,
        /// The idempotency key.
        key: Option<u8>,
        /// The second version of the payload.
        v2: bool,
        /// What becomes of it.
        end: End,
    },
    /// T2 and T9.
    Claim {
        /// Who.
        worker: usize,
        /// How many.
        limit: usize,
        /// Whether expired leases may be stolen.
        steal: bool,
        /// Whether a suspect may be among them.
        suspect: bool,
    },
    /// T3.
    Renew(Held),
    /// T4, with or without history.
    Ack(Held, bool),
    /// T4 in a transaction that commits or not.
    AckInTransaction(Held, bool),
    /// T5 with attempts left, after so many seconds.
    Fail(Held, u64),
    /// T5 without.
    Exhaust(Held),
    /// T6, for so many seconds.
    Snooze(Held, u64),
    /// T7.
    Discard(Held),
    /// T8.
    Release(Held),
    /// T10.
    Cancel(Vec<Place>),
    /// T10, into dead letters.
    DiscardByHand(Vec<Place>),
    /// T11.
    Retry(Vec<Place>),
    /// T12 of what is older than so many seconds, by hand or not.
    Prune(u64, bool),
    /// T13 likewise.
    Forget(u64),
    /// A worker is killed, and another begins in its place.
    Restart(usize),
    /// Claims of a receiver stop or go on.
    Pause(usize, bool),
    /// Another build registers; where it lists names of several receivers, they are merged (I15).
    Deploy(usize),
    /// So many seconds pass.
    Advance(u64),
}

/// What becomes of a send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    /// Its transaction commits.
    Commit,
    /// Its transaction is rolled back.
    Rollback,
    /// The savepoint around it is rolled back, and the transaction commits.
    Undo,
}

/// Deliveries that were claimed: the one so many before the last, and those before that, in one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// How many claims ago.
    pub back: usize,
    /// How many.
    pub many: usize,
}

/// A delivery: how many signals ago its signal was sent, and its receiver in the order of registration.
pub type Place = (usize, usize);

/// What a history is mostly about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Focus {
    /// Everything.
    Everything,
    /// Workers that are late, die and are robbed.
    Dying,
    /// Attempts that fail, are put off and come back.
    Failing,
    /// Operators and time.
    Deciding,
    /// Deployments that rename receivers, and merge them.
    Renaming,
}

impl Focus {
    /// How likely sends, claims, endings, decisions, the passing of time and what surrounds them are.
    const fn weights(self) -> [u32; 6] {
        match self {
            Self::Everything => [9, 7, 12, 4, 5, 4],
            Self::Dying => [5, 14, 10, 1, 10, 2],
            Self::Failing => [6, 10, 18, 2, 8, 1],
            Self::Deciding => [7, 7, 8, 14, 5, 6],
            Self::Renaming => [9, 8, 8, 5, 3, 12],
        }
    }

    /// How likely a deployment is among what surrounds deliveries, where each other thing weighs 1.
    const fn deployments(self) -> u32 {
        match self {
            Self::Everything | Self::Dying | Self::Failing | Self::Deciding => 1,
            Self::Renaming => 8,
        }
    }

    /// Draws one step.
    pub(super) fn step(self) -> BoxedStrategy<Step> {
        let [sends, claims, endings, decisions, time, rest] = self.weights();
        Union::new_weighted(vec![
            (sends, send()),
            (claims, claim()),
            (endings, ending()),
            (decisions, decision()),
            (time, (0_u64..40).prop_map(Step::Advance).boxed()),
            (rest, surroundings(self.deployments())),
        ])
        .boxed()
    }
}

fn send() -> BoxedStrategy<Step> {
    let key = Union::new_weighted(vec![(3, Just(None).boxed()), (1, (0_u8..3).prop_map(Some).boxed())]);
    let end = Union::new_weighted(vec![(8, Just(End::Commit)), (1, Just(End::Rollback)), (1, Just(End::Undo))]);
    let after = Union::new_weighted(vec![(1, Just(0).boxed()), (1, (0_u64..90).boxed())]);
    let v2 = Union::new_weighted(vec![(4, Just(false)), (1, Just(true))]);
    let send = |(orders, after, key, v2, end)| Step::Send { orders, after, key, v2, end };
    (vec(0_i64..3, 1..3), after, key, v2, end).prop_map(send).boxed()
}

fn claim() -> BoxedStrategy<Step> {
    let claim = |(worker, limit, steal, suspect)| Step::Claim { worker, limit, steal, suspect };
    (0..WORKERS, 0_usize..6, any::<bool>(), any::<bool>()).prop_map(claim).boxed()
}

fn ending() -> BoxedStrategy<Step> {
    let held = || (0_usize..6, 1_usize..4).prop_map(|(back, many)| Held { back, many });
    Union::new_weighted(vec![
        (2, held().prop_map(Step::Renew).boxed()),
        (2, (held(), any::<bool>()).prop_map(|(held, keep)| Step::Ack(held, keep)).boxed()),
        (2, (held(), any::<bool>()).prop_map(|(held, commit)| Step::AckInTransaction(held, commit)).boxed()),
        (3, (held(), 0_u64..90).prop_map(|(held, after)| Step::Fail(held, after)).boxed()),
        (1, held().prop_map(Step::Exhaust).boxed()),
        (1, (held(), 0_u64..90).prop_map(|(held, after)| Step::Snooze(held, after)).boxed()),
        (1, held().prop_map(Step::Discard).boxed()),
        (2, held().prop_map(Step::Release).boxed()),
    ])
    .boxed()
}

fn decision() -> BoxedStrategy<Step> {
    let places = || vec((0_usize..8, 0..RECEIVERS), 1..4);
    Union::new_weighted(vec![
        (1, places().prop_map(Step::Cancel).boxed()),
        (1, places().prop_map(Step::DiscardByHand).boxed()),
        (2, places().prop_map(Step::Retry).boxed()),
    ])
    .boxed()
}

fn surroundings(deployments: u32) -> BoxedStrategy<Step> {
    Union::new_weighted(vec![
        (1, (0_u64..300, any::<bool>()).prop_map(|(keep, by_hand)| Step::Prune(keep, by_hand)).boxed()),
        (1, (0_u64..300).prop_map(Step::Forget).boxed()),
        (1, (0..WORKERS).prop_map(Step::Restart).boxed()),
        (1, (0..RECEIVERS, 0_u8..3).prop_map(|(receiver, of)| Step::Pause(receiver, of == 2)).boxed()),
        (deployments, (0..BUILDS).prop_map(Step::Deploy).boxed()),
    ])
    .boxed()
}
