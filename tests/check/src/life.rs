//! One delivery: sent, claimed, renewed, acknowledged, stolen, cancelled, by workers that are killed, in a database that
//! crashes and forgets what it had not flushed.
//!
//! ```text
//!   send ──► seen.row ◄── claim · renew · steal ── worker 0 ─┐ hold: token, life, phase
//!               │     ◄── ack · fail · snooze · … ─ worker 1 ─┘ (kept until it is told that it is stale: a zombie)
//!               │     ◄── cancel · discard · retry ── operator
//!          flush│  ▲crash
//!               ▼  │        claims, renewals and steals commit asynchronously, everything else durably
//!            safe.row
//! ```
//!
//! With [`Life::durable_claims`] claims commit durably, too, as `PgBackend::durable_claims(true)` has them.

mod promises;
mod rules;
mod world;

use signals_core::delivery::{Counters, Rule, State, TRANSITIONS, Transition};
use signals_core::retry::{Backoff, RetryPolicy};
use stateright::{Model, Property};

pub use promises::bound_of_starts;
pub use world::{Hold, Image, Past, Phase, Row, WORKERS, Worker, World};

/// What is checked: the rules, and how much may happen.
#[derive(Clone, Debug)]
pub struct Life {
    /// The transitions: [`TRANSITIONS`], or with a line changed.
    pub rules: Vec<Rule>,
    /// What is wrong beside the rules.
    pub flaw: Option<Flaw>,
    /// The receiver's effects are in the database that holds the delivery.
    pub transactional: bool,
    /// Claims wait for the disk, like everything else that workers write, so that no crash of the database forgets a start.
    pub durable_claims: bool,
    /// The counters that the delivery begins its life with: limits are near, so that a short walk meets them.
    pub worn: Counters,
    /// When attempts are used up.
    pub policy: RetryPolicy,
    /// The most claims.
    pub claims: u8,
    /// The most workers that are killed.
    pub kills: u8,
    /// The most crashes of the database.
    pub crashes: u8,
    /// The most retries by hand, 0 or 1: a third life proves nothing that the second does not.
    pub redrives: usize,
}

/// What can be wrong beside a line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// A token is the row's count of claims: what a crash of the database loses is drawn again.
    TokensAreCountedInTheRow,
    /// A worker draws tokens before its incarnation is durable.
    IncarnationsAreNotDurable,
    /// A transactional receiver's effects commit before its acknowledgement.
    EffectsCommitFirst,
    /// An acknowledgement before the receiver is called.
    AcknowledgesBeforeItRuns,
    /// Refunds are not counted.
    RefundsWithoutLimit,
    /// Lost leases are not counted.
    NeverBuries,
    /// An attempt is made whatever its number is.
    RunsWhatIsUsedUp,
    /// Claims that shall wait for the disk do not.
    DurableClaimsDoNotWait,
}

/// What can happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// T1.
    Send,
    /// A worker begins.
    Enlist(usize),
    /// T2.
    Claim(usize),
    /// T9, the steal or the burial.
    Steal(usize),
    /// The receiver is called.
    Start(usize),
    /// It returns `Ok`.
    Return(usize),
    /// T3 to T8.
    Finish(usize, Transition),
    /// T10 and T11.
    ByHand(Transition),
    /// T12.
    Prune,
    /// The lease is over.
    LeaseEnds,
    /// A worker is killed, and forgets everything.
    Kill(usize),
    /// The database writes down what it has committed asynchronously.
    Flush,
    /// The database crashes, and comes back with what it has written down. Workers go on.
    Crash,
}

/// What a worker may say of its attempt.
const ENDINGS: [Transition; 7] = [
    Transition::Renew,
    Transition::Ack,
    Transition::Retry,
    Transition::Exhaust,
    Transition::Snooze,
    Transition::Discard,
    Transition::Release,
];

/// What an operator may decide.
const BY_HAND: [Transition; 3] = [Transition::Cancel, Transition::DiscardByHand, Transition::Redrive];

impl Life {
    /// The rules as they are, with a plain receiver of two attempts.
    #[must_use]
    pub fn plain() -> Self {
        Self {
            rules: TRANSITIONS.to_vec(),
            flaw: None,
            transactional: false,
            durable_claims: false,
            worn: Counters::default(),
            policy: RetryPolicy { max_attempts: 2, backoff: Backoff::DEFAULT },
            claims: 3,
            kills: 0,
            crashes: 2,
            redrives: 1,
        }
    }

    /// The same with a worker that is killed, and fewer claims.
    #[must_use]
    pub fn with_a_kill(self) -> Self {
        Self { claims: 2, kills: 1, ..self }
    }

    /// The rules as they are, with a transactional receiver.
    #[must_use]
    pub fn transactional() -> Self {
        Self { transactional: true, ..Self::plain() }
    }

    /// The same with something wrong.
    #[must_use]
    pub fn with(self, flaw: Flaw) -> Self {
        Self { flaw: Some(flaw), ..self }
    }

    /// The same with the line of `transition` changed.
    #[must_use]
    pub fn with_rule(mut self, transition: Transition, change: impl FnOnce(&mut Rule)) -> Self {
        change(self.rules.iter_mut().find(|rule| rule.transition == transition).expect("the table has every line"));
        self
    }

    fn is(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }
}

impl Model for Life {
    type State = World;
    type Action = Act;

    fn init_states(&self) -> Vec<World> {
        let (seen, safe) = Default::default();
        let spent = self.worn.attempt + self.worn.lost_leases + self.worn.refunds;
        let past = Past { starts: [spent, 0], ..Past::default() };
        vec![World { seen, safe, overdue: false, workers: Default::default(), past }]
    }

    fn actions(&self, world: &World, acts: &mut Vec<Act>) {
        let past = &world.past;
        if !world.seen.sent {
            acts.push(Act::Send);
        }
        for (number, worker) in world.workers.iter().enumerate() {
            match (&worker.incarnation, &worker.hold) {
                // Workers are alike, so the first begins first.
                (None, _) if number == 0 || world.seen.incarnations > 0 => acts.push(Act::Enlist(number)),
                (None, _) => {}
                (Some(_), None) if past.claims < self.claims => {
                    acts.extend([Act::Claim(number), Act::Steal(number)]);
                }
                (Some(_), None) => {}
                (Some(_), Some(hold)) => self.attempt(number, *hold, acts),
            }
            if worker.incarnation.is_some() && past.kills < self.kills {
                acts.push(Act::Kill(number));
            }
        }
        let again = world.seen.row.as_ref().is_some_and(|row| row.life < self.redrives);
        acts.extend(BY_HAND.into_iter().filter(|act| again || *act != Transition::Redrive).map(Act::ByHand));
        acts.push(Act::Prune);
        if !world.overdue && world.seen.row.as_ref().is_some_and(|row| row.state == State::Running) {
            acts.push(Act::LeaseEnds);
        }
        if world.seen != world.safe {
            acts.extend([Act::Flush, Act::Crash]);
        }
    }

    fn next_state(&self, world: &World, act: Act) -> Option<World> {
        self.take(world, act)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        promises::all()
    }
}
