//! T10 and T11 decided: what may be done to a batch of deliveries, when it is known which of them is where.

use std::collections::{HashMap, HashSet};

use signals_core::Result;
use signals_core::delivery::{DeliveryId, ReceiverId, State};
use signals_core::store::{DeathReason, Decided, Verb, Verdict};

/// How somebody ends deliveries that are ready or running.
#[derive(Clone, Copy)]
pub(in crate::backend) enum End {
    /// They shall not run.
    Cancel,
    /// They are dead letters.
    Discard,
}

impl End {
    /// What the log of actions calls it.
    pub(in crate::backend) const fn verb(self) -> Verb {
        match self {
            Self::Cancel => Verb::Cancel,
            Self::Discard => Verb::Discard,
        }
    }

    /// Where it leads.
    pub(in crate::backend) const fn state(self) -> State {
        match self {
            Self::Cancel => State::Cancelled,
            Self::Discard => State::Dead,
        }
    }

    /// Why the delivery is dead, if it is.
    pub(in crate::backend) const fn reason(self) -> Option<&'static str> {
        match self {
            Self::Cancel => None,
            Self::Discard => Some(DeathReason::ByHand.as_str()),
        }
    }
}

/// What is done to deliveries that somebody names.
#[derive(Clone, Copy)]
pub(in crate::backend) enum Deed {
    /// T10.
    End(End),
    /// T11.
    Retry,
}

/// Where a delivery stands in the lanes of its receiver.
#[derive(Clone, Copy, Debug)]
pub(in crate::backend) struct Place {
    pub(in crate::backend) version: u32,
    pub(in crate::backend) id: i64,
}

/// A delivery that is there. Without a place it is no row of a lane: it waits, or is settled.
#[derive(Clone, Copy, Debug)]
pub(in crate::backend) struct Found {
    pub(in crate::backend) state: State,
    pub(in crate::backend) place: Option<Place>,
}

/// What is where, of a batch and of those who took over the names of its receivers.
pub(in crate::backend) struct Located {
    pub(in crate::backend) found: HashMap<DeliveryId, Found>,
    pub(in crate::backend) heirs: HashMap<ReceiverId, ReceiverId>,
}

impl Located {
    /// The delivery: under its own id, or under the receiver that took over its receiver's names.
    pub(in crate::backend) fn find(&self, asked: DeliveryId) -> Option<(DeliveryId, Found)> {
        let ids = [Some(asked), self.heir(asked)];
        ids.into_iter().flatten().find_map(|id| Some((id, *self.found.get(&id)?)))
    }

    /// The same signal for who took over.
    pub(in crate::backend) fn heir(&self, id: DeliveryId) -> Option<DeliveryId> {
        self.heirs.get(&id.receiver).map(|&receiver| DeliveryId { receiver, ..id })
    }

    /// `asked` and everybody's heirs, each once.
    pub(in crate::backend) fn keys(&self, asked: &[DeliveryId]) -> HashSet<DeliveryId> {
        asked.iter().flat_map(|id| [Some(*id), self.heir(*id)]).flatten().collect()
    }
}

/// Adds what became of a batch; whether to go on with the next. An error is told when nothing has happened yet: otherwise
/// the answer ends before it, and whoever asks again for the rest is told then.
pub(in crate::backend) fn go_on(batch: Result<Vec<Verdict>>, decided: &mut Decided) -> Result<bool> {
    match batch {
        Ok(verdicts) => decided.verdicts.extend(verdicts),
        Err(error) if decided.verdicts.is_empty() => return Err(error),
        Err(_) => return Ok(false),
    }
    Ok(true)
}

/// What one batch does.
#[derive(Default)]
pub(in crate::backend) struct Ends {
    /// What is answered.
    pub(in crate::backend) verdicts: Vec<Verdict>,
    /// Ready or running in a lane: receiver, version, id.
    pub(in crate::backend) in_lanes: Vec<(i64, u32, i64)>,
    /// Ready later: signal, receiver.
    pub(in crate::backend) waiting: Vec<(i64, i64)>,
}

impl Ends {
    /// How many deliveries change.
    pub(in crate::backend) fn count(&self) -> usize {
        self.in_lanes.len() + self.waiting.len()
    }
}

/// In the order in which they were asked for: of one that is named twice, the second finds what the first left.
pub(in crate::backend) fn judge_end(batch: &[DeliveryId], mut located: Located, end: End) -> Ends {
    let mut ends = Ends::default();
    for asked in batch {
        let verdict = match located.find(*asked) {
            None => Verdict::NotFound,
            Some((_, found)) if found.state.is_settled() => Verdict::WrongState(found.state),
            Some((id, found)) => {
                match found.place {
                    Some(place) => ends.in_lanes.push((id.receiver.0, place.version, place.id)),
                    None => ends.waiting.push((id.signal.0, id.receiver.0)),
                }
                located.found.insert(id, Found { state: end.state(), place: None });
                Verdict::Done
            }
        };
        ends.verdicts.push(verdict);
    }
    ends
}

/// What begins again: signal, receiver, its fresh id.
pub(in crate::backend) type NewLife = (i64, i64, i64);

/// As [`judge_end`]. What a merge left under a receiver's old id is the second of two deliveries of one signal, and never runs:
/// whoever took over has the first, or had it. When that is in no table, it is "done, or settled and pruned since" (I2).
pub(in crate::backend) fn judge_retry(batch: &[DeliveryId], mut located: Located) -> (Vec<Verdict>, Vec<NewLife>) {
    let mut lives = Vec::new();
    let mut judge = |asked: DeliveryId| {
        let Some((id, found)) = located.find(asked) else { return Verdict::NotFound };
        match found.state {
            State::Dead | State::Cancelled => {}
            State::Ready | State::Running | State::Done => return Verdict::WrongState(found.state),
        }
        if located.heir(id).is_some() {
            return Verdict::Merged;
        }
        lives.push((id.signal.0, id.receiver.0, 0));
        located.found.insert(id, Found { state: State::Ready, place: None });
        Verdict::Done
    };
    let verdicts = batch.iter().map(|asked| judge(*asked)).collect();
    (verdicts, lives)
}
