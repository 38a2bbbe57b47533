//! Which faults are still to be made.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Cut, Fault};

/// How many statements of one name are cut in the worker's scene: the first, and one behind which the worker knows the database
/// already. Hundreds of others look for work when there is none.
const OF_EACH: u32 = 2;

/// What is still to be made, and what was ever planned.
pub(super) struct Plan {
    cut: Cut,
    /// What was planned, ever.
    planned: BTreeSet<String>,
    left: VecDeque<Fault>,
}

impl Plan {
    pub(super) fn new(cut: Cut) -> Self {
        Self { cut, planned: BTreeSet::new(), left: VecDeque::new() }
    }

    /// Plans what was said in a story in which nothing is cut: it tells how many statements have numbers, for a cut only adds to
    /// them behind it, and which come often.
    pub(super) fn begin(&mut self, counts: &BTreeMap<String, u32>) {
        self.learn(counts, OF_EACH);
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

    pub(super) fn next(&mut self) -> Option<Fault> {
        self.left.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_planned_once_the_first_two_of_each_name_and_one_of_what_is_heard_later() {
        let mut plan = Plan::new(Cut::After);
        let counts = |said: &[(&str, u32)]| said.iter().map(|&(of, count)| (of.to_owned(), count)).collect();
        plan.begin(&counts(&[("claim", 90), ("senders", 3)]));
        plan.add(&counts(&[("claim", 99), ("fail", 5), ("senders", 7)]));
        plan.add(&counts(&[("fail", 2)]));
        let left: Vec<_> = std::iter::from_fn(|| plan.next()).map(|fault| (fault.of, fault.at)).collect();
        let senders = [1, 2, 3].map(|at| ("senders", at));
        let expected = [("claim", 1), ("claim", 2)].into_iter().chain(senders).chain([("fail", 1)]);
        let expected: Vec<_> = expected.map(|(of, at)| (of.to_owned(), at)).collect();
        assert_eq!(left, expected);
    }
}
