//! Which faults are still to be made.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::env;

use super::{Cut, Fault};

/// How many of a worker's statements are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// The first of each name, and one behind which the worker knows the database already. Hundreds of others look for work when
    /// there is none.
    FirstTwo,
    /// Each that the story without a fault has.
    Every,
}

/// Says how many, where it is not the first two of each name.
const VARIABLE: &str = "SIGNALS_FAULTS";

impl Depth {
    /// What the environment asks for.
    ///
    /// # Panics
    ///
    /// Panics when that is nothing known.
    pub(super) fn from_env() -> Self {
        match env::var(VARIABLE).as_deref() {
            Err(_) => Self::FirstTwo,
            Ok("every") => Self::Every,
            Ok(other) => panic!("{VARIABLE} is `every` or not set, and not `{other}`"),
        }
    }

    /// How many of one name.
    fn of_each(self) -> u32 {
        match self {
            Self::FirstTwo => 2,
            Self::Every => u32::MAX,
        }
    }
}

/// What is still to be made, and what was ever planned.
pub(super) struct Plan {
    cut: Cut,
    depth: Depth,
    /// What was planned, ever.
    planned: BTreeSet<String>,
    left: VecDeque<Fault>,
}

impl Plan {
    pub(super) fn new(cut: Cut, depth: Depth) -> Self {
        Self { cut, depth, planned: BTreeSet::new(), left: VecDeque::new() }
    }

    /// Plans what was said in a story in which nothing is cut: it tells how many statements have numbers, for a cut only adds to
    /// them behind it, and which come often.
    pub(super) fn begin(&mut self, counts: &BTreeMap<String, u32>) {
        self.learn(counts, self.depth.of_each());
    }

    /// Plans what only others have said, so far as nobody has, once: it comes by chance.
    pub(super) fn add(&mut self, counts: &BTreeMap<String, u32>) {
        self.learn(counts, 1);
    }

    fn learn(&mut self, counts: &BTreeMap<String, u32>, of_each: u32) {
        for (of, &count) in counts {
            let fault = |at| Fault { of: of.clone(), at, cut: self.cut };
            if self.planned.contains(of) {
                continue;
            }
            let most = if fault(1).is_numbered() { count } else { count.min(of_each) };
            self.left.extend((1..=most).map(fault));
            self.planned.insert(of.clone());
        }
    }

    /// How many are still to be made.
    pub(super) fn left(&self) -> usize {
        self.left.len()
    }

    pub(super) fn next(&mut self) -> Option<Fault> {
        self.left.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is planned behind a story without a fault, and two others.
    fn planned(depth: Depth) -> Vec<(String, u32)> {
        let mut plan = Plan::new(Cut::After, depth);
        let counts = |said: &[(&str, u32)]| said.iter().map(|&(of, count)| (of.to_owned(), count)).collect();
        plan.begin(&counts(&[("claim", 4), ("senders", 3)]));
        plan.add(&counts(&[("claim", 99), ("fail", 5), ("senders", 7)]));
        plan.add(&counts(&[("fail", 2)]));
        std::iter::from_fn(|| plan.next()).map(|fault| (fault.of, fault.at)).collect()
    }

    fn each(of: &str, count: u32) -> impl Iterator<Item = (String, u32)> {
        (1..=count).map(move |at| (of.to_owned(), at))
    }

    #[test]
    fn every_number_is_planned_once_the_first_two_of_each_name_and_one_of_what_is_heard_later() {
        let expected: Vec<_> = each("claim", 2).chain(each("senders", 3)).chain(each("fail", 1)).collect();
        assert_eq!(planned(Depth::FirstTwo), expected);
    }

    #[test]
    fn every_statement_of_a_name_is_planned_where_that_is_asked_for() {
        let expected: Vec<_> = each("claim", 4).chain(each("senders", 3)).chain(each("fail", 1)).collect();
        assert_eq!(planned(Depth::Every), expected);
    }
}
