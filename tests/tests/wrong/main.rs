//! Backends that are wrong on purpose: each must fail the cases that are about what it gets wrong, or the suite is blind.
//!
//! One wrapper around the memory backend, [`Wrong`], has one [`Defect`] switched on at a time; `defects.rs` is the table of
//! them, with the cases that each must fail. Without a defect the wrapper passes the whole suite, so that nothing but the
//! defect can be what a case found.

mod backend;
mod defects;
mod histories;
mod trial;

mod by_hand;
mod claims;
mod finish;
mod look;
mod names;
mod send;
mod store;

use backend::Wrong;
use defects::{DEFECTS, Defect};
use signals_conformance::{Case, cases};
use trial::Verdict;

mod without_a_defect {
    use super::Wrong;

    signals_conformance::conformance!(Wrong);
}

#[test]
fn every_defect_fails_the_cases_that_are_about_it_by_their_own_assertions() {
    let suite = cases::<Wrong>();
    let mut blind = Vec::new();
    for (defect, expected) in DEFECTS {
        for name in *expected {
            let case = named(&suite, name);
            match trial::run(Some(*defect), case) {
                Verdict::Found(_) => {}
                other => blind.push(format!("{defect:?}: {name} {other}")),
            }
        }
    }
    assert!(blind.is_empty(), "cases that do not bite:\n{}", blind.join("\n"));
}

#[test]
fn the_same_cases_are_green_without_the_defects() {
    let suite = cases::<Wrong>();
    let mut expected: Vec<_> = DEFECTS.iter().flat_map(|(_, cases)| *cases).collect();
    expected.sort_unstable();
    expected.dedup();
    for name in expected {
        let verdict = trial::run(None, named(&suite, name));
        assert!(matches!(verdict, Verdict::Passed), "{name} {verdict}");
    }
}

/// A store whose later batch fails answers for those before it.
#[test]
fn t10_what_is_done_to_all_is_asked_again_where_an_answer_ends_early() {
    let case = named(&cases::<Wrong>(), "operate::t10_a_cancel_of_all_that_match_takes_several_batches");
    let verdict = trial::run(Some(Defect::AnswersForHalf), case);
    assert!(matches!(verdict, Verdict::Passed), "{verdict}");
}

fn named(suite: &[Case], name: &str) -> Case {
    *suite.iter().find(|case| case.name == name).unwrap_or_else(|| panic!("no case is called {name}"))
}
