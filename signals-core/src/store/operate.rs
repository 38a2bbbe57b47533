//! What operators decide, and the log that they leave.

use std::fmt;

use crate::clock::Timestamp;
use crate::delivery::{DeliveryId, State, Transition, rule};
use crate::store::words;
use crate::{Error, Result};

words! {
    /// What operators can do.
    Verb {
        /// T11: another life for the dead and the cancelled.
        Retry = "retry",
        /// T10: what waits or runs shall not run.
        Cancel = "cancel",
        /// T10: what waits or runs becomes a dead letter.
        Discard = "discard",
        /// Claims of a receiver's deliveries stop.
        Pause = "pause",
        /// They go on.
        Resume = "resume",
        /// Sends pass a receiver by.
        Retire = "retire",
        /// They reach it again.
        Restore = "restore",
        /// T12: what is settled is forgotten before its time.
        Prune = "prune",
    }
}

impl Verb {
    /// The states of deliveries that this can change; none for what is done to receivers.
    #[must_use]
    pub const fn changes(self) -> &'static [State] {
        match self {
            Self::Retry => rule(Transition::Redrive).from,
            Self::Cancel => rule(Transition::Cancel).from,
            Self::Discard => rule(Transition::DiscardByHand).from,
            Self::Prune => rule(Transition::Prune).from,
            Self::Pause | Self::Resume | Self::Retire | Self::Restore => &[],
        }
    }
}

/// What is switched about a receiver. Each is the way back from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// Claims of its deliveries stop, in all workers; sends still reach it.
    Pause,
    /// Claims go on.
    Resume,
    /// Sends pass it by; what is pending stays, and is run.
    Retire,
    /// Sends reach it again.
    Restore,
}

impl Switch {
    /// The word for it in the log of actions.
    #[must_use]
    pub const fn verb(self) -> Verb {
        match self {
            Self::Pause => Verb::Pause,
            Self::Resume => Verb::Resume,
            Self::Retire => Verb::Retire,
            Self::Restore => Verb::Restore,
        }
    }
}

/// Who acts on what, as the log of actions tells it.
#[derive(Clone, Copy, Debug)]
pub struct Acting<'a> {
    /// Who.
    pub actor: &'a str,
    /// On what, in words: a delivery's id, a filter, a retention.
    pub subject: &'a str,
    /// The action that this is a further batch of: its count grows, and the log has one line for all of them.
    pub continues: Option<ActionId>,
}

/// The place of an action in the log. Later actions have higher ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActionId(pub i64);

impl fmt::Display for ActionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A line of the log of actions: written in the transaction that did what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// Its place in the log.
    pub id: ActionId,
    /// When it began.
    pub at: Timestamp,
    /// Who acted.
    pub actor: String,
    /// What they did: the word of a [`Verb`], of this release or a newer one.
    pub verb: String,
    /// To what: a receiver's name, a delivery's id, a filter or a retention in words.
    pub subject: String,
    /// How many deliveries it changed; 1 for a receiver.
    pub count: u64,
}

/// What became of one delivery that somebody decided about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It happened.
    Done,
    /// There is no such delivery, nor was there one that is still remembered.
    NotFound,
    /// It is in a state from which this is not possible (W20).
    WrongState(State),
    /// A merge of two receivers left it behind (I15): another delivery of its signal took its place, and is the one that
    /// counts.
    Merged,
}

impl Verdict {
    /// The same as a result, for one delivery.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::WrongState`] or [`Error::Merged`] when it did not happen.
    pub fn into_result(self, delivery: DeliveryId, verb: Verb) -> Result<()> {
        match self {
            Self::Done => Ok(()),
            Self::NotFound => Err(Error::NotFound { delivery }),
            Self::WrongState(state) => Err(Error::WrongState { delivery, state, verb: verb.as_str() }),
            Self::Merged => Err(Error::Merged { delivery }),
        }
    }
}

/// What became of deliveries that somebody decided about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decided {
    /// One for each delivery, in order.
    pub verdicts: Vec<Verdict>,
    /// The line of the log; `None` when nothing happened.
    pub action: Option<ActionId>,
}

impl Decided {
    /// How many deliveries were changed.
    #[must_use]
    pub fn changed(&self) -> usize {
        self.verdicts.iter().filter(|verdict| **verdict == Verdict::Done).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_reads_back_as_written() {
        for &verb in Verb::ALL {
            assert_eq!(Verb::from_word(verb.as_str()), Some(verb));
        }
    }

    #[test]
    fn a_verb_changes_what_the_table_of_transitions_lets_it_change() {
        assert_eq!(Verb::Cancel.changes(), [State::Ready, State::Running]);
        assert_eq!(Verb::Discard.changes(), Verb::Cancel.changes());
        assert_eq!(Verb::Retry.changes(), [State::Dead, State::Cancelled]);
    }
}
