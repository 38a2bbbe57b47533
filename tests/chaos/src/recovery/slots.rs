//! For how long a recovery may wait for the slot that it needs. It is an excuse of L1, so it is counted from what was seen: who
//! was taken over in front of it, by the same worker and due as early, and how long BEGINs waited, as that worker told.

use std::time::Duration;

use super::{Change, UNTOLD, merged};
use crate::facts::{Facts, Lost, Receiver};

/// For how long a delivery of which a worker runs one at a time keeps its slot: for its time-out, and for a wait of its BEGIN
/// that is too short to be told. The longest of the storm that are no transactions keep theirs for less.
pub(super) const SLOT: i64 = 600_000 + UNTOLD;

/// For how long it may keep it at most, whatever is told of its BEGIN: who is gone before that may not have been able to tell.
pub(super) const LONGEST: i64 = 6_000_000;

/// How many slots a worker has for plain deliveries, and for how long the longest of the storm keeps its own. Those of the last
/// act keep theirs for longer than a lease, but then there are slots for all of them, and none is waited for.
pub(super) const SLOTS: usize = 12;
pub(super) const HELD: Duration = Duration::from_secs(1);

/// The slots that a worker has once, and whether a delivery needs them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Needs {
    /// Of a transactional delivery where there is one writer.
    writing: bool,
    /// Of one that lost a lease before: it may kill its worker.
    suspect: bool,
}

impl Needs {
    pub(super) fn of(lost: &Lost, one_writer: bool) -> Self {
        let writing = one_writer && lost.receiver == Receiver::Transactional;
        Self { writing, suspect: lost.again }
    }

    /// Whether it needs a slot that a worker has once.
    pub(super) const fn one(self) -> bool {
        self.writing || self.suspect
    }

    /// Whether both need the same.
    const fn share(self, other: Self) -> bool {
        (self.writing && other.writing) || (self.suspect && other.suspect) || (!self.one() && !other.one())
    }
}

/// Whether a plain delivery had twelve others in front of it, for whose slots it may have waited, when it was taken over.
pub(super) fn is_crowded(changes: &[Change], change: &Change) -> bool {
    let since = change.lost.at - HELD.as_micros() as i64;
    let in_front = changes.iter().filter(|other| {
        change.needs.share(other.needs)
            && other.lost.delivery != change.lost.delivery
            && other.taker == change.taker
            && (since..change.lost.at).contains(&other.lost.at)
    });
    !change.needs.one() && in_front.count() >= SLOTS
}

/// How long something may wait for its slot, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wait {
    /// By what was told.
    pub(super) allowed: i64,
    /// And if the worker could not tell any more.
    pub(super) longest: i64,
}

/// How long `change` may wait for a slot of `heir`, where it is due at `asked`; `asks` says when another is.
pub(super) fn wait(
    facts: &Facts,
    changes: &[Change],
    change: &Change,
    (heir, asked): (u32, i64),
    asks: impl Fn(&Change) -> i64,
) -> Wait {
    let held = HELD.as_micros() as i64;
    let (one, longest) = if change.needs.one() { (SLOT, LONGEST) } else { (held, held) };
    // What is due later than the one that has the slot now is behind it.
    let in_front = changes.iter().filter(|other| {
        change.needs.share(other.needs)
            && other.lost.delivery != change.lost.delivery
            && other.taker.is_none_or(|taker| taker == heir)
            && (asked - longest..change.lost.at).contains(&other.lost.at)
            && asks(other) <= asked + one
    });
    let in_front: Vec<i64> = in_front.map(|other| other.lost.at).collect();
    let rounds = |count: usize| longest * i64::try_from(count).unwrap_or(i64::MAX / longest);
    if !change.needs.one() {
        let longest = rounds(in_front.len() / SLOTS);
        return Wait { allowed: longest, longest };
    }
    // One after the other: the last of those in front had its turn then.
    let last = in_front.iter().copied().max().unwrap_or(asked).max(asked);
    let begins = facts.begins.iter().filter(|begin| begin.pid == heir && begin.until > last);
    let begins = merged(begins.map(|begin| ((begin.until - begin.lasted).max(last), begin.until)));
    let begun: i64 = begins.iter().filter(|(from, _)| *from < change.lost.at).map(|(from, to)| to - from).sum();
    let longest = (last - asked + LONGEST).min(rounds(1 + in_front.len()));
    Wait { allowed: (last - asked + SLOT + begun).min(longest), longest }
}
