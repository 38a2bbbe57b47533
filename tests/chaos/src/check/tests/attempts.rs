//! What fails, and when it is tried again.

use std::time::Duration;

use signals_runtime::clock::micros;
use signals_runtime::delivery::{Counters, State};
use signals_runtime::store::DeathReason;

use super::{broken, deliveries, line, sound};
use crate::Line;
use crate::app::{ATTEMPTS, Order, PAUSE};
use crate::check::check;
use crate::facts::{Fact, Facts};

/// Well, but for order 8, whose reluctant receiver fails in every attempt, as late as it may, and which is delayed.
fn with_order_8() -> Facts {
    assert!(Order::delay(8) > Duration::ZERO && Order::failures(8) == ATTEMPTS, "it is the one to take");
    let mut facts = sound();
    facts.journal.extend([line("intent", 8), line("stored", 8)]);
    facts.books.orders.push((8, 108));
    facts.books.rows.push(8);
    facts.deliveries.extend(deliveries(108));
    let dead = facts.deliveries.last_mut().expect("the reluctant one");
    (dead.state, dead.death, dead.counters.attempt) = (State::Dead, Some(DeathReason::Exhausted), ATTEMPTS);
    let due = 8_000 + micros(Order::delay(8));
    let at = |what: &str, attempt, at| Line { at, attempt, ..line(what, 8) };
    facts.effects.extend(["plain", "plain-effect", "transactional"].map(|what| at(what, 1, due)));
    for (attempt, pauses) in (1..=ATTEMPTS).zip([0, 1, 1, 2]) {
        let due = due + pauses * micros(PAUSE);
        facts.effects.extend(["reluctant", "reluctant-fails"].map(|what| at(what, attempt, due)));
    }
    facts
}

/// The promises that are broken when `tamper` has been at work on the one that fails.
fn broken_8(tamper: impl FnOnce(&mut Facts)) -> Vec<&'static str> {
    let mut facts = with_order_8();
    tamper(&mut facts);
    check(&facts).into_iter().map(|finding| finding.promise).collect()
}

/// The line of order 8 that says this in this attempt.
fn line_of<'f>(facts: &'f mut Facts, what: &str, attempt: u32) -> &'f mut Line {
    let mut lines = facts.effects.iter_mut();
    lines.find(|line| (line.number, line.what.as_str(), line.attempt) == (8, what, attempt)).expect("it is written")
}

#[test]
fn t5_what_fails_for_ever_is_dead_after_exactly_its_attempts_and_for_that_reason() {
    assert_eq!(broken_8(|_| {}), [""; 0]);
    let ended =
        |tamper: &dyn Fn(&mut Fact)| broken_8(|facts| tamper(facts.deliveries.last_mut().expect("the reluctant one")));
    assert_eq!(ended(&|dead| dead.counters.attempt = ATTEMPTS + 1), ["T5"], "one too many");
    assert_eq!(ended(&|dead| dead.death = Some(DeathReason::Discarded)), ["T5"], "another reason");
    assert_eq!(ended(&|dead| (dead.state, dead.death) = (State::Done, None)), ["I3", "T5"], "it never succeeds");
    assert_eq!(broken(|facts| facts.deliveries[2].counters.attempt = 2), ["T5"], "it fails in none");
    assert_eq!(
        broken(|facts| (facts.deliveries[2].state, facts.deliveries[2].death) =
            (State::Dead, Some(DeathReason::Exhausted))),
        ["T5"],
        "dead for nothing"
    );
    let crashed = ended(&|dead| {
        dead.death = Some(DeathReason::Crashed);
        dead.counters = Counters { attempt: 1, lost_leases: 5, refunds: 0 };
    });
    assert_eq!(crashed, [""; 0], "it killed its workers first");
    let unheard = |facts: &mut Facts| {
        facts.effects.retain(|line| (line.what.as_str(), line.attempt) != ("reluctant-fails", ATTEMPTS));
    };
    assert_eq!(broken_8(unheard), ["T5"], "an attempt that nobody made was counted");
}

#[test]
fn i9_a_start_before_it_is_due_is_found() {
    assert_eq!(broken_8(|facts| line_of(facts, "plain", 1).at -= 1), ["I9"], "its send was delayed");
    assert_eq!(broken_8(|facts| line_of(facts, "reluctant", 2).at -= 1), ["I9"], "it asked for a pause");
    assert_eq!(broken_8(|facts| line_of(facts, "reluctant", 3).at -= 1), ["I9"], "it fails only then");
    assert_eq!(broken(|facts| facts.effects[0].at -= 1), ["I9"], "it was not sent yet");
    let unfailed = |facts: &mut Facts| line_of(facts, "reluctant-fails", 2).what = "reluctant-other".to_owned();
    assert_eq!(broken_8(unfailed), ["T5", "T5"], "and nothing failed before the third attempt");
}

#[test]
fn i10_a_neighbour_that_pays_for_anothers_failure_is_found() {
    let paid = broken_8(|facts| {
        let plain = facts.deliveries.len() - 3;
        facts.deliveries[plain].counters.attempt = 2;
    });
    assert_eq!(paid, ["I10"]);
}
