//! A delivery: its identity, its states, and the only table of legal transitions.
//!
//! Architecture invariant: what may follow what is decided here and nowhere else. Backends carry the guards of
//! [`TRANSITIONS`] into their statements; the memory backend, which the histories of the others are compared with, calls
//! [`step`] itself; the model checker in `tests/check` walks the same table through every state within its bounds.

use std::fmt;
use std::str::FromStr;

use crate::store::{DeathReason, Fate};

/// How many leases a delivery may lose before it is held to be what kills its workers (T9).
pub const MAX_LOST_LEASES: u32 = 5;

/// From this many lost leases on, a worker runs at most one such delivery at a time.
pub const SUSPECT_LEASES: u32 = 2;

/// The most attempts that are counted: what an `integer` column holds. More are run, and counted as these (D9).
pub const MAX_COUNTED_ATTEMPTS: u32 = i32::MAX.unsigned_abs();

/// How many attempts are refunded per life, snoozes and releases together (T6, T8).
pub const MAX_REFUNDS: u32 = 100;

/// The id of a signal as stored by one send. Never used twice by what was committed: a send that was rolled back stored
/// nothing, and its id may be drawn again, so note it down elsewhere only after the commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SignalId(pub i64);

/// The id that a receiver has in one database, for its name and all its aliases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReceiverId(pub i64);

/// One signal for one receiver. Written as `<signal id>.<receiver id>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId {
    /// What is delivered.
    pub signal: SignalId,
    /// To whom.
    pub receiver: ReceiverId,
}

impl fmt::Display for SignalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for ReceiverId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.signal, self.receiver)
    }
}

/// A text that is not a delivery's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotADeliveryId(String);

impl fmt::Display for NotADeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not the id of a delivery: expected `<signal>.<receiver>`, as in `42.3`", self.0)
    }
}

impl std::error::Error for NotADeliveryId {}

impl FromStr for DeliveryId {
    type Err = NotADeliveryId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split_once('.')
            .and_then(|(signal, receiver)| {
                Some(Self { signal: SignalId(signal.parse().ok()?), receiver: ReceiverId(receiver.parse().ok()?) })
            })
            .ok_or_else(|| NotADeliveryId(text.chars().take(64).collect()))
    }
}

/// The deliveries of one receiver whose payloads have one version: what a worker either knows or leaves alone (I12).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane {
    /// The receiver.
    pub receiver: ReceiverId,
    /// The version of the payload, as declared by the signal's struct in the binary that sent it.
    pub version: u32,
}

/// The states of a delivery. *Scheduled* and *retrying* are `Ready` with a due time in the future.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Waits to be claimed, now or when it is due.
    Ready,
    /// A worker holds its lease.
    Running,
    /// A receiver returned `Ok`.
    Done,
    /// No attempt is left, or none makes sense: a dead letter.
    Dead,
    /// Somebody decided that it shall not run.
    Cancelled,
}

impl State {
    /// All of them, in the order of a delivery's life.
    pub const ALL: [Self; 5] = [Self::Ready, Self::Running, Self::Done, Self::Dead, Self::Cancelled];

    /// Whether no worker will touch it again unless somebody retries it by hand.
    #[must_use]
    pub const fn is_settled(self) -> bool {
        matches!(self, Self::Done | Self::Dead | Self::Cancelled)
    }

    /// The word for it, in SQL, listings and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Done => "done",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for State {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or_else(|| UnknownState(text.to_owned()))
    }
}

/// A text that names no [`State`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownState(String);

impl fmt::Display for UnknownState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no state: expected ready, running, done, dead or cancelled", self.0)
    }
}

impl std::error::Error for UnknownState {}

/// What can happen to a delivery. T-numbers are those of the specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transition {
    /// T1: a send stores it.
    Send,
    /// T2: a worker takes it.
    Claim,
    /// T3: its worker extends the lease.
    Renew,
    /// T4: the receiver returned `Ok`.
    Ack,
    /// T5 with attempts left: it comes back after a backoff.
    Retry,
    /// T5 without: it is a dead letter.
    Exhaust,
    /// T6: the receiver asked to be called again later.
    Snooze,
    /// T7: the receiver said never again.
    Discard,
    /// T8: its worker is shutting down, or has no slot for what a send claimed for it.
    Release,
    /// T9: another worker takes it after its lease expired.
    Steal,
    /// T9 at the fifth lost lease: it is held to be what kills its workers.
    Crash,
    /// T10: cancelled by hand.
    Cancel,
    /// T10: discarded by hand.
    DiscardByHand,
    /// T11: retried by hand, in a new life.
    Redrive,
    /// T12: forgotten after its retention.
    Prune,
}

/// What must hold in the first write of a transition; if it does not, the transition did not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Nothing beyond the state it comes from.
    State,
    /// It is due, its lane is known, a slot is free, its receiver is not paused.
    Due,
    /// The caller holds its token.
    Token,
    /// Its lease expired, and the worker that steals was connected without a break for at least one lease.
    LeaseExpired,
    /// Its retention is over.
    Age,
}

/// One line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What happens.
    pub transition: Transition,
    /// Where it may come from; none: it did not exist.
    pub from: &'static [State],
    /// Where it goes; `None`: it is gone.
    pub to: Option<State>,
    /// What the first write checks.
    pub guard: Guard,
}

impl Rule {
    /// Where it leads from `from` (`None`: the delivery does not exist yet), or `None` when it is not legal there.
    ///
    /// The inner `None` of the answer means that the delivery is gone.
    #[must_use]
    pub fn step(&self, from: Option<State>) -> Option<Option<State>> {
        let legal = match from {
            None => self.from.is_empty(),
            Some(state) => self.from.contains(&state),
        };
        legal.then_some(self.to)
    }
}

/// Every legal transition. Nothing else ever happens to a delivery.
pub const TRANSITIONS: &[Rule] = {
    use Guard as G;
    use State::{Cancelled, Dead, Done, Ready, Running};
    use Transition as T;
    const fn rule(transition: Transition, from: &'static [State], to: Option<State>, guard: Guard) -> Rule {
        Rule { transition, from, to, guard }
    }
    &[
        rule(T::Send, &[], Some(Ready), G::State),
        rule(T::Claim, &[Ready], Some(Running), G::Due),
        rule(T::Renew, &[Running], Some(Running), G::Token),
        rule(T::Ack, &[Running], Some(Done), G::Token),
        rule(T::Retry, &[Running], Some(Ready), G::Token),
        rule(T::Exhaust, &[Running], Some(Dead), G::Token),
        rule(T::Snooze, &[Running], Some(Ready), G::Token),
        rule(T::Discard, &[Running], Some(Dead), G::Token),
        rule(T::Release, &[Running], Some(Ready), G::Token),
        rule(T::Steal, &[Running], Some(Running), G::LeaseExpired),
        rule(T::Crash, &[Running], Some(Dead), G::LeaseExpired),
        rule(T::Cancel, &[Ready, Running], Some(Cancelled), G::State),
        rule(T::DiscardByHand, &[Ready, Running], Some(Dead), G::State),
        rule(T::Redrive, &[Dead, Cancelled], Some(Ready), G::State),
        rule(T::Prune, &[Done, Dead, Cancelled], None, G::Age),
    ]
};

/// The table's line for `transition`.
#[must_use]
pub const fn rule(transition: Transition) -> &'static Rule {
    let mut at = 0;
    while at < TRANSITIONS.len() {
        if TRANSITIONS[at].transition as u8 == transition as u8 {
            return &TRANSITIONS[at];
        }
        at += 1;
    }
    panic!("every transition has a line in the table")
}

/// [`Rule::step`] of the table's line for `transition`.
#[must_use]
pub fn step(transition: Transition, from: Option<State>) -> Option<Option<State>> {
    rule(transition).step(from)
}

/// The counters of one life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Counters {
    /// Attempts started and not refunded.
    pub attempt: u32,
    /// Leases that expired and were stolen.
    pub lost_leases: u32,
    /// Attempts refunded.
    pub refunds: u32,
}

impl Counters {
    /// T2: one more attempt, [`MAX_COUNTED_ATTEMPTS`] at most.
    #[must_use]
    pub const fn claimed(self) -> Self {
        let attempt = if self.attempt < MAX_COUNTED_ATTEMPTS { self.attempt + 1 } else { MAX_COUNTED_ATTEMPTS };
        Self { attempt, ..self }
    }

    /// T9: a lost lease, and what becomes of the delivery.
    #[must_use]
    pub const fn lease_lost(self) -> (Self, Transition) {
        let lost_leases = self.lost_leases.saturating_add(1);
        let next = if lost_leases >= MAX_LOST_LEASES { Transition::Crash } else { Transition::Steal };
        (Self { lost_leases, ..self }, next)
    }

    /// T6 and T8: the attempt is given back, unless the life has used its refunds.
    #[must_use]
    pub const fn refunded(self) -> Self {
        if self.refunds >= MAX_REFUNDS {
            return self;
        }
        Self { attempt: self.attempt.saturating_sub(1), refunds: self.refunds + 1, ..self }
    }

    /// Whether a worker runs it only while it runs no other such delivery.
    #[must_use]
    pub const fn is_suspect(self) -> bool {
        self.lost_leases >= SUSPECT_LEASES
    }
}

impl From<&Fate> for Transition {
    fn from(fate: &Fate) -> Self {
        match fate {
            Fate::Retry { .. } => Self::Retry,
            Fate::Dead(DeathReason::Discarded) => Self::Discard,
            Fate::Dead(DeathReason::Crashed) => Self::Crash,
            Fate::Dead(DeathReason::Exhausted | DeathReason::Undecodable | DeathReason::ByHand) => Self::Exhaust,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_transition_has_exactly_one_line() {
        for line in TRANSITIONS {
            assert_eq!(TRANSITIONS.iter().filter(|other| other.transition == line.transition).count(), 1);
            assert_eq!(rule(line.transition), line);
        }
    }

    #[test]
    fn settled_states_are_left_only_by_hand_or_by_age() {
        for line in TRANSITIONS {
            if line.from.iter().any(|state| state.is_settled()) {
                assert!(matches!(line.transition, Transition::Redrive | Transition::Prune), "{line:?}");
            }
        }
        assert_eq!(step(Transition::Redrive, Some(State::Done)), None, "what is done is done");
        assert_eq!(step(Transition::Send, None), Some(Some(State::Ready)));
        assert_eq!(step(Transition::Prune, Some(State::Done)), Some(None));
        assert_eq!(step(Transition::Ack, Some(State::Ready)), None);
    }

    #[test]
    fn i8_refunds_and_lost_leases_are_bounded() {
        let mut counters = Counters::default();
        for _ in 0..MAX_REFUNDS {
            counters = counters.claimed().refunded();
        }
        assert_eq!((counters.attempt, counters.refunds), (0, MAX_REFUNDS));
        assert_eq!(counters.claimed().refunded().attempt, 1, "the 101st costs an attempt");

        let mut steals = 0;
        loop {
            let (next, transition) = counters.lease_lost();
            counters = next;
            if transition == Transition::Crash {
                break;
            }
            steals += 1;
        }
        assert_eq!((steals, counters.lost_leases), (4, 5));
    }

    #[test]
    fn d9_attempts_are_counted_up_to_what_every_database_holds() {
        let last = Counters { attempt: MAX_COUNTED_ATTEMPTS, ..Counters::default() };
        assert_eq!(Counters { attempt: MAX_COUNTED_ATTEMPTS - 1, ..last }.claimed(), last);
        assert_eq!([last.claimed(), Counters { attempt: u32::MAX, ..last }.claimed()], [last; 2]);
        assert_eq!(last.lease_lost().0.attempt, last.attempt, "a lost lease costs no attempt");
    }

    #[test]
    fn ids_read_back_as_written() {
        let id = DeliveryId { signal: SignalId(42), receiver: ReceiverId(3) };
        assert_eq!(id.to_string().parse(), Ok(id));
        for bad in ["", "42", "42.", ".3", "a.b", "42.3.1"] {
            assert!(bad.parse::<DeliveryId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn states_read_back_as_written() {
        for state in State::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
    }
}
