//! The rules of `signals-core` keep their promises in every state, and a rule that is broken does not.

use signals_check::fanout::{self, Fanout};
use signals_check::life::{self, Life};
use signals_check::{Walked, walk, walk_until_broken};
use signals_core::delivery::{Counters, Guard, MAX_LOST_LEASES, MAX_REFUNDS, State, Transition};

/// Nothing is broken, and everything that could have broken it was met.
fn keeps_all(walked: &Walked) {
    assert!(walked.broken.is_empty(), "{walked:#?}");
    assert_eq!(walked.missed, Vec::<&str>::new(), "the walk met too little to prove anything");
}

#[test]
fn i2_i3_i4_i6_i7_i8_hold_in_every_state_of_a_plain_receivers_delivery() {
    keeps_all(&walk("a plain receiver's delivery", Life::plain()));
    keeps_all(&walk("the same with a worker that is killed", Life::plain().with_a_kill()));
}

#[test]
fn i5_holds_in_every_state_of_a_transactional_receivers_delivery() {
    keeps_all(&walk("a transactional receiver's delivery", Life::transactional()));
    keeps_all(&walk("the same with a worker that is killed", Life::transactional().with_a_kill()));
}

#[test]
fn i8_holds_where_attempts_refunds_and_leases_run_out() {
    let walked = walk("a worn delivery", worn());
    assert!(walked.broken.is_empty(), "{walked:#?}");
    // It has one life, in a database that does not crash; everything else is met.
    let not_here = ["a second life is done", "a crash of the database loses a claim that was started"];
    assert_eq!(walked.missed, not_here, "the walk met too little to prove anything");
}

#[test]
fn i8_holds_across_crashes_of_the_database_where_claims_are_durable() {
    let walked = walk("a worn delivery, claimed durably", worn_and_claimed_durably());
    assert!(walked.broken.is_empty(), "{walked:#?}");
    // It has one life, and no crash takes what is durable.
    let not_here = ["a second life is done", "a crash of the database loses a claim that was started"];
    assert_eq!(walked.missed, not_here, "the walk met too little to prove anything");
}

#[test]
fn i1_i14_hold_in_every_state_of_a_send() {
    keeps_all(&walk("a send", Fanout::default()));
}

/// A delivery with one refund and two leases left.
fn worn() -> Life {
    let worn = Counters { attempt: 1, lost_leases: MAX_LOST_LEASES - 2, refunds: MAX_REFUNDS - 1 };
    Life { worn, claims: 6, crashes: 0, redrives: 0, ..Life::plain() }
}

/// The same in a database that crashes, with claims that wait for its disk.
fn worn_and_claimed_durably() -> Life {
    Life { durable_claims: true, crashes: 2, ..worn() }
}

/// `life` breaks `promise`.
fn breaks(life: Life, promise: &'static str) {
    let walked = walk_until_broken(&format!("broken on purpose: {promise}"), life, promise);
    assert!(walked.broken.contains_key(promise), "the checker does not see it: {walked:#?}");
}

#[test]
fn i6_breaks_without_a_token_in_the_guard_of_an_acknowledgement() {
    breaks(Life::plain().with_rule(Transition::Ack, |rule| rule.guard = Guard::State), "I6 fencing");
}

#[test]
fn i5_breaks_without_a_token_in_the_guard_of_an_acknowledgement() {
    let unfenced = |rule: &mut signals_core::delivery::Rule| {
        (rule.guard, rule.from) = (Guard::State, &[State::Running, State::Done]);
    };
    breaks(Life::transactional().with_rule(Transition::Ack, unfenced), "I5 one effect if and only if done");
}

#[test]
fn i6_breaks_without_a_token_in_any_guard_of_a_worker() {
    for ending in [
        Transition::Renew,
        Transition::Retry,
        Transition::Exhaust,
        Transition::Snooze,
        Transition::Discard,
        Transition::Release,
    ] {
        breaks(Life::plain().with_rule(ending, |rule| rule.guard = Guard::State), "I6 fencing");
    }
}

#[test]
fn i6_i7_break_when_a_crash_of_the_database_loses_the_count_that_tokens_are() {
    let counted = Life::plain().with(life::Flaw::TokensAreCountedInTheRow);
    breaks(counted.clone(), "I6 fencing");
    breaks(counted, "I7 a token is started once");
}

#[test]
fn i6_i7_break_when_an_incarnation_is_used_before_it_is_durable() {
    let hasty = Life::plain().with_a_kill().with(life::Flaw::IncarnationsAreNotDurable);
    breaks(hasty.clone(), "I6 fencing");
    breaks(hasty, "I7 a token is started once");
}

#[test]
fn tokens_counted_in_the_row_are_enough_while_the_database_does_not_crash() {
    let counted = Life { crashes: 0, ..Life::plain().with(life::Flaw::TokensAreCountedInTheRow) };
    let walked = walk("tokens counted in the row, no crash", counted);
    assert!(walked.broken.is_empty(), "{walked:#?}");
}

#[test]
fn i5_breaks_when_effects_commit_before_the_acknowledgement() {
    breaks(Life::transactional().with(life::Flaw::EffectsCommitFirst), "I5 one effect if and only if done");
}

#[test]
fn i3_breaks_when_an_acknowledgement_comes_before_the_receiver() {
    let hasty = Life::plain().with(life::Flaw::AcknowledgesBeforeItRuns);
    breaks(hasty, "I3 done means that a receiver returned Ok");
}

#[test]
fn i2_breaks_when_a_claim_takes_the_delivery_out_of_its_table() {
    breaks(Life::plain().with_rule(Transition::Claim, |rule| rule.to = None), "I2 no loss");
}

#[test]
fn i4_breaks_when_what_is_done_can_be_cancelled() {
    let all = |rule: &mut signals_core::delivery::Rule| rule.from = &[State::Ready, State::Running, State::Done];
    breaks(Life::plain().with_rule(Transition::Cancel, all), "I4 settled once per life");
}

#[test]
fn i8_breaks_without_a_limit_of_refunds_lost_leases_or_attempts() {
    for flaw in [life::Flaw::RefundsWithoutLimit, life::Flaw::NeverBuries, life::Flaw::RunsWhatIsUsedUp] {
        breaks(worn().with(flaw), "I8 bounded starts");
    }
}

#[test]
fn i8_breaks_across_crashes_of_the_database_when_durable_claims_do_not_wait_for_the_disk() {
    breaks(worn_and_claimed_durably().with(life::Flaw::DurableClaimsDoNotWait), "I8 bounded starts");
}

#[test]
fn i1_i14_break_with_each_flaw_of_a_send() {
    use fanout::Flaw;
    for (flaw, promise) in [
        (Flaw::AddressesTheLinkedOnly, "I14 complete fan-out"),
        (Flaw::PassesByTheUnregistered, "I14 complete fan-out"),
        (Flaw::SendsBesideTheTransaction, "I1 atomic"),
        (Flaw::InsertsOneByOne, "I1 atomic"),
        (Flaw::CommitsAfterAFailedSend, "I1 no commit after a failed send"),
        (Flaw::KeepsUndoneSends, "I1 atomic"),
    ] {
        let walked = walk_until_broken(&format!("{flaw:?}"), Fanout { flaw: Some(flaw) }, promise);
        assert!(walked.broken.contains_key(promise), "the checker does not see {flaw:?}: {walked:#?}");
    }
}
