//! What became of all stories.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Cut;
use super::sweep::Told;
use crate::replay;

/// Prints what was cut.
///
/// # Panics
///
/// Panics when a story went wrong; when a statement that has a number was not cut; when none of those called `must` was; when
/// less than three in four were made.
pub(super) fn of(cut: Cut, told: &[Told], must: &[&str], took: Duration) {
    let mut sorted: Vec<_> = told.iter().filter_map(|told| Some((told.fault.as_ref()?, told))).collect();
    let reached = sorted.iter().filter(|(_, told)| told.struck.is_some()).count();
    let stories: u32 = told.iter().map(|told| told.tellings).sum();
    let longest = told.iter().map(|told| told.took).max().unwrap_or_default();
    println!(
        "{cut}: {reached} faults made, {} not reached; {stories} stories in {took:.0?}, of which the longest took {longest:.1?}",
        sorted.len() - reached
    );
    sorted.sort_by_key(|(fault, _)| (!fault.is_numbered(), fault.of.clone(), fault.at));
    for (fault, Told { struck, took, .. }) in &sorted {
        println!("  {fault}: {} ({took:.1?})", struck.as_deref().unwrap_or("not reached"));
    }
    failures(&told.iter().collect::<Vec<_>>());

    let missed: Vec<_> = sorted
        .iter()
        .filter(|(fault, told)| fault.is_numbered() && told.struck.is_none())
        .map(|(fault, _)| fault.to_string())
        .collect();
    assert!(missed.is_empty(), "numbers that were not reached: {missed:?}");
    let struck: BTreeSet<_> = told.iter().filter_map(|told| told.struck.as_deref()).collect();
    let missed: Vec<_> = must.iter().filter(|name| !struck.contains(*name)).collect();
    assert!(missed.is_empty(), "never cut: {missed:?}; what was: {struck:#?}");
    assert!(reached * 4 >= sorted.len() * 3, "{reached} of {} faults were made: that is no sweep", sorted.len());
}

/// Tells what went wrong.
///
/// # Panics
///
/// Panics when something did.
pub(super) fn failures(told: &[&Told]) {
    let failures: Vec<_> = told
        .iter()
        .filter_map(|Told { fault, struck, failure, .. }| {
            let (struck, failure) = (struck.as_deref().unwrap_or("not reached"), failure.as_ref()?);
            Some(match fault {
                Some(fault) => {
                    let command = replay::command("");
                    format!("{fault}, at `{struck}`: {failure}\nonce more: SIGNALS_FAULT='{fault}' {command}")
                }
                None => format!("without a fault: {failure}"),
            })
        })
        .collect();
    assert!(failures.is_empty(), "{} of {} stories went wrong\n{}", failures.len(), told.len(), failures.join("\n\n"));
}

#[cfg(test)]
mod tests {
    use super::super::Fault;
    use super::*;

    fn told(of: &str, struck: Option<&str>) -> Told {
        Told {
            fault: Some(Fault { of: of.to_owned(), at: 1, cut: Cut::After }),
            struck: struck.map(str::to_owned),
            counts: [].into(),
            took: Duration::ZERO,
            tellings: 1,
            failure: None,
        }
    }

    #[test]
    fn a_sweep_in_which_everything_was_cut_passes() {
        // What a worker says now and then may be missed, unless it is named.
        let cut = ["begin", "send", "claim"].map(|of| told(of, Some(of)));
        let told: Vec<_> = cut.into_iter().chain([told("pause", None)]).collect();
        of(Cut::After, &told, &["claim"], Duration::ZERO);
    }

    #[test]
    #[should_panic(expected = "1 of 2 faults were made: that is no sweep")]
    fn a_sweep_that_has_missed_most_is_told() {
        of(Cut::After, &[told("claim", Some("claim")), told("pause", None)], &[], Duration::ZERO);
    }

    #[test]
    #[should_panic(expected = "numbers that were not reached: [\"senders#1,after\"]")]
    fn a_number_that_was_not_reached_is_told() {
        of(Cut::After, &[told("senders", None)], &[], Duration::ZERO);
    }

    #[test]
    #[should_panic(expected = "never cut: [\"claim\"]")]
    fn a_statement_that_was_never_cut_is_told() {
        of(Cut::After, &[told("senders", Some("begin"))], &["claim"], Duration::ZERO);
    }

    #[test]
    #[should_panic(
        expected = "once more: SIGNALS_FAULT='claim#1,after' cargo test -p signals-conformance --all-features --test "
    )]
    fn a_story_that_went_wrong_is_told_with_the_command_that_tells_it_again() {
        let told = Told { failure: Some("I1".to_owned()), ..told("claim", Some("claim")) };
        failures(&[&told]);
    }
}
