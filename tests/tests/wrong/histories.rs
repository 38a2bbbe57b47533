//! Drawn histories find what is wrong without knowing what to look for, and tell it briefly.

use signals_conformance::model::{self, Step};
use signals_conformance::{Case, cases};

use super::backend::Wrong;
use super::defects::Defect;
use super::trial::{self, Verdict};

/// What the histories must find, whatever the cases about it say: each of a kind that a database gets wrong by one word.
const FOUND: &[Defect] = &[
    // The fence.
    Defect::IgnoresTokens,
    Defect::TellsNobodyThatHeIsStale,
    Defect::ResurrectsLostLeases,
    Defect::CommitsUnderOldTokens,
    Defect::AcksBesideTheTransaction,
    // Leases.
    Defect::StealsEarly,
    Defect::StealsWithoutLeave,
    Defect::LeasesForEver,
    Defect::HidesLostLeases,
    Defect::TakesSuspectsTogether,
    // Attempts.
    Defect::RecordsNoAttempts,
    Defect::ChargesStolenAttempts,
    Defect::ChargesSnoozes,
    Defect::ChargesReleases,
    Defect::BuriesTheFailed,
    Defect::RetriesTheDead,
    Defect::LosesAcknowledgements,
    // Order and time.
    Defect::TakesTheNewestFirst,
    Defect::PromotesEarly,
    Defect::SendsAtOnce,
    Defect::ClaimsTwice,
    Defect::ClaimsThePaused,
    // Sends.
    Defect::CommitsRollbacks,
    Defect::KeepsUndoneSavepoints,
    Defect::IgnoresKeys,
    Defect::IgnoresAliases,
    Defect::LosesWhatItMerges,
    Defect::DeliversToOneReceiverAlone,
    // Hands and years.
    Defect::SparesWhatRuns,
    Defect::KeepsCountersInTheNextLife,
    Defect::ForgetsEarlierLives,
    Defect::PrunesTheYoung,
    Defect::ForgetsWhatIsNeeded,
];

fn histories() -> Vec<Case> {
    cases::<Wrong>().into_iter().filter(|case| case.name.starts_with("model::")).collect()
}

/// What the first of the histories to find the defect says of it.
fn found(defect: Defect) -> Option<String> {
    histories().into_iter().find_map(|case| match trial::run(Some(defect), case) {
        Verdict::Found(said) => Some(said),
        Verdict::Passed | Verdict::Crashed { .. } | Verdict::Hung => None,
    })
}

#[test]
fn i2_histories_find_what_they_were_not_written_for() {
    let blind: Vec<_> = FOUND.iter().filter(|defect| found(**defect).is_none()).collect();
    assert!(blind.is_empty(), "the histories do not notice {blind:?}");
}

#[test]
fn a_history_that_differs_is_told_as_its_shortest_with_a_command_that_takes_it_again() {
    for (defect, most) in [(Defect::IgnoresTokens, 7), (Defect::StealsEarly, 4), (Defect::TakesTheNewestFirst, 4)] {
        let said = found(defect).expect("the histories find it");
        let (_, command) = said.split_once("\nonce more: SIGNALS_HISTORY='").expect("a command is told");
        let (history, command) = command.split_once("' ").expect("its history is quoted");
        assert!(command.starts_with("cargo test -p signals-conformance --all-features --test wrong "), "{command}");
        let steps: Vec<Step> = serde_json::from_str(history).expect("a history is JSON");
        assert!(steps.len() <= most, "{defect:?} needs no more than {most} steps: {said}");

        let history = history.to_owned();
        let again = move |history: String| {
            trial::run_any(Some(defect), move || {
                signals_conformance::run::<Wrong, _>(|_| async move { model::replay::<Wrong>(&history).await });
            })
        };
        assert!(matches!(again(history), Verdict::Found(_)), "{defect:?}: the command does not show it: {said}");
    }
}
