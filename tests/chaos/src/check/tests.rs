//! The checker bites: from facts in which all is well, one thing is taken away or added, and it is found.

use std::time::Duration;

use signals_runtime::delivery::{Counters, DeliveryId, ReceiverId, SignalId};

use super::*;
use crate::Line;
use crate::app::Order;
use crate::database::Books;
use crate::facts::Lost;
use crate::member::{Fate, Outage, What};
use crate::nemesis::Ill;
use crate::told::{Connected, Outcome, Stolen};

#[path = "tests/attempts.rs"]
mod attempts;

fn line(what: &str, number: i64) -> Line {
    Line { what: what.to_owned(), number, attempt: 1, at: number * 1_000, pid: 9 }
}

fn fact(signal: i64, receiver: Receiver) -> Fact {
    let id = DeliveryId { signal: SignalId(signal), receiver: ReceiverId(receiver as i64 + 1) };
    let counters = Counters { attempt: 1, ..Counters::default() };
    Fact { id, receiver, state: State::Done, counters, death: None }
}

/// Orders 1, 2 and 3: the first acknowledged, the second repeated under its key, the third of unknown outcome and stored.
fn sound() -> Facts {
    let mut facts = Facts { books: Books { integrity: "ok".to_owned(), ..Books::default() }, ..Facts::default() };
    facts.journal = vec![line("intent", 1), line("stored", 1), line("intent", 2), line("intent", 2)];
    facts.journal.extend([line("repeated", 2), line("intent", 3), line("intent", 5), line("refused", 5)]);
    for number in 1..=3 {
        let signal = number + 100;
        facts.books.orders.push((number, signal));
        facts.books.rows.push(number);
        assert_eq!((Order::delay(number), Order::failures(number)), (Duration::ZERO, 0), "others are for other tests");
        facts.deliveries.extend(deliveries(signal));
        facts.effects.extend(WRITTEN.map(|what| line(what, number)));
    }
    facts
}

/// What is written of an order that nothing happens to.
const WRITTEN: [&str; 5] = ["plain", "plain-effect", "transactional", "reluctant", "reluctant-effect"];

fn deliveries(signal: i64) -> [Fact; 3] {
    [Receiver::Plain, Receiver::Transactional, Receiver::Reluctant].map(|receiver| fact(signal, receiver))
}

/// The promises that are broken when `tamper` has been at work.
fn broken(tamper: impl FnOnce(&mut Facts)) -> Vec<&'static str> {
    let mut facts = sound();
    tamper(&mut facts);
    check(&facts).into_iter().map(|finding| finding.promise).collect()
}

#[test]
fn where_all_is_well_nothing_is_found() {
    assert_eq!(check(&sound()), []);
}

#[test]
fn many_findings_of_one_promise_hide_no_other() {
    let finding = |promise| Finding { promise, evidence: String::new(), order: None };
    let told = by_turns(["I1", "I1", "I1", "I5", "I6", "I5"].map(finding).into());
    assert_eq!(told.iter().map(|finding| finding.promise).collect::<Vec<_>>(), ["I1", "I5", "I6", "I1", "I5", "I1"]);
}

#[test]
fn i2_a_send_that_was_acknowledged_and_is_lost_is_found() {
    let lost = broken(|facts| {
        facts.books.orders.retain(|(number, _)| *number != 1);
        facts.deliveries.retain(|fact| fact.id.signal.0 != 101);
        facts.books.rows.retain(|number| *number != 1);
    });
    assert_eq!(lost, ["I2"]);
}

#[test]
fn i1_an_order_without_its_deliveries_and_deliveries_without_their_order_are_found() {
    assert_eq!(broken(|facts| facts.deliveries.retain(|found| *found != fact(101, Receiver::Plain))), ["I1"]);
    assert_eq!(broken(|facts| facts.deliveries[0].receiver = Receiver::Transactional), ["I1", "I5"]);
    let orphan = broken(|facts| facts.deliveries.push(fact(200, Receiver::Plain)));
    assert_eq!(orphan, ["I1"]);
}

#[test]
fn i5_an_effect_that_is_doubled_or_missing_is_found() {
    assert_eq!(broken(|facts| facts.books.rows.push(2)), ["I5"]);
    assert_eq!(broken(|facts| facts.books.rows.truncate(2)), ["I5"]);
    assert_eq!(broken(|facts| facts.books.rows.push(77)), ["I5"], "of an order that nobody sent");
    let dead = broken(|facts| {
        facts.deliveries[1].state = State::Dead;
        facts.deliveries[1].counters.lost_leases = 5;
    });
    assert_eq!(dead, ["I5"], "a dead delivery has none");
}

#[test]
fn i3_a_plain_delivery_that_is_done_without_an_effect_is_found() {
    assert_eq!(broken(|facts| facts.effects.retain(|line| line.what != "plain-effect" || line.number != 3)), ["I3"]);
}

#[test]
fn s1_s2_sends_that_are_stored_though_they_failed_or_are_not_though_repeated_are_found() {
    let refused = broken(|facts| {
        facts.books.orders.push((5, 105));
        facts.books.rows.push(5);
        facts.deliveries.extend(deliveries(105));
        facts.effects.extend(WRITTEN.map(|what| line(what, 5)));
    });
    assert_eq!(refused, ["S1"]);
    assert_eq!(broken(|facts| facts.journal.push(line("intent", 8))), ["S2"], "a keyed send that nobody repeated");
    assert_eq!(broken(|facts| facts.journal.push(line("intent", 7))), [""; 0], "without a key nobody knows");
    assert_eq!(broken(|facts| facts.books.orders.push((2, 102))), ["S2"], "a repetition that added something");
    let unknown_first = broken(|facts| {
        facts.journal.retain(|line| (line.what.as_str(), line.number) != ("stored", 1));
        facts.journal.extend([line("intent", 1), line("refused", 1)]);
    });
    assert_eq!(unknown_first, [""; 0], "the first try may have stored it, and nobody knows");
}

#[test]
fn i2_l2_what_is_left_behind_or_dead_for_no_reason_is_found() {
    assert_eq!(broken(|facts| facts.deliveries[0].state = State::Ready), ["I2"]);
    assert_eq!(broken(|facts| facts.deliveries[0].state = State::Running), ["L2"]);
    assert_eq!(broken(|facts| facts.deliveries[0].state = State::Dead), ["I2"]);
    assert_eq!(broken(|facts| facts.surprises.push(("L2", "exit code 1".to_owned()))), ["L2"]);
}

#[test]
fn i1_i2_whatever_is_lost_is_counted() {
    let count = |tamper: fn(&mut Facts)| {
        let mut facts = sound();
        tamper(&mut facts);
        lost(&facts)
    };
    assert_eq!(count(|_| {}), 0);
    assert_eq!(count(|facts| facts.books.orders.retain(|(number, _)| *number != 1)), 1, "an order that was told");
    assert_eq!(
        count(|facts| facts.deliveries.retain(|found| *found != fact(101, Receiver::Plain))),
        1,
        "one that vanished"
    );
    assert_eq!(count(|facts| facts.deliveries[0].receiver = Receiver::Transactional), 1, "another's is not its own");
    assert_eq!(count(|facts| facts.deliveries.retain(|fact| fact.id.signal.0 != 101)), 3, "all of an order");
    for left in [State::Ready, State::Running] {
        let mut facts = sound();
        facts.deliveries[0].state = left;
        assert_eq!(lost(&facts), 1, "left behind {left:?}");
    }
    assert_eq!(count(|facts| facts.deliveries[0].state = State::Dead), 1, "dead for no reason");
    assert_eq!(count(|facts| facts.deliveries.push(fact(200, Receiver::Plain))), 0, "one too many is no loss");
}

/// What process 9 was told of an outcome of order 1's plain delivery, under the `nth` token of incarnation 7.
fn outcome(nth: u32, at: i64) -> Outcome {
    Outcome { delivery: fact(101, Receiver::Plain).id, incarnation: 7, nth, at, pid: 9 }
}

fn lost_lease(incarnation: u32, at: i64) -> Lost {
    Lost { delivery: fact(101, Receiver::Plain).id, receiver: Receiver::Plain, pid: 9, incarnation, at, again: false }
}

/// Process 9 was stopped, so that what it loses afterwards is nobody's fault.
fn stopped(facts: &mut Facts) {
    facts.fates.push(Fate { pid: 9, what: What::Stopped, at: 1 });
}

fn crash(at: i64) -> Outage {
    Outage { pid: None, from: at, to: at + 1, ill: Ill::Crash }
}

#[test]
fn i6_a_refusal_without_a_lost_lease_is_found() {
    assert_eq!(broken(|facts| facts.refusals.push(outcome(1, 50))), ["I6"]);
    let explained = broken(|facts| {
        facts.refusals.push(outcome(1, 50));
        facts.lost.push(lost_lease(7, 5));
        stopped(facts);
    });
    assert_eq!(explained, [""; 0]);
    assert_eq!(broken(|facts| facts.lost.push(lost_lease(7, 5))), ["T9"], "nothing had happened to whoever held it");
}

#[test]
fn i6_a_claim_that_a_crash_of_the_database_took_back_explains_a_refusal_and_one_long_before_does_not() {
    let crashed = |at| {
        broken(|facts| {
            facts.refusals.push(outcome(1, 5_000_000));
            facts.outages.push(crash(at));
        })
    };
    // The delivery started at 1,000.
    assert_eq!(crashed(1_000 + Crashes::UNFLUSHED), [""; 0]);
    assert_eq!(crashed(1_001 + Crashes::UNFLUSHED), ["I6"]);
    assert_eq!(crashed(900), ["I6"], "it was claimed after the crash");
}

#[test]
fn i6_i4_an_acknowledgement_that_was_accepted_from_whoever_had_lost_its_lease_is_found() {
    let accepted = |tamper: &dyn Fn(&mut Facts)| {
        broken(|facts| {
            facts.acknowledged.push(outcome(1, 50));
            facts.lost.push(lost_lease(7, 20));
            stopped(facts);
            tamper(facts);
        })
    };
    assert_eq!(accepted(&|_| {}), ["I6"]);
    assert_eq!(accepted(&|facts| facts.lost[0].at = 51), [""; 0], "it lost it afterwards: nobody could have");
    assert_eq!(accepted(&|facts| facts.lost.push(lost_lease(8, 30))), [""; 0], "from whom it had it back");
    let took = |facts: &mut Facts, pid| facts.stolen.push(Stolen { delivery: facts.lost[0].delivery, at: 21, pid });
    assert_eq!(accepted(&|facts| took(facts, 9)), [""; 0], "it took it over from itself");
    assert_eq!(accepted(&|facts| took(facts, 8)), ["I6"], "another took it over");
    let taken_over = |tamper: &dyn Fn(&mut Facts)| {
        broken(|facts| {
            facts.acknowledged.push(outcome(1, 50));
            facts.stolen.push(Stolen { delivery: outcome(1, 50).delivery, at: 30, pid: 8 });
            tamper(facts);
        })
    };
    assert_eq!(taken_over(&|_| {}), ["I6"], "whatever the database says");
    assert_eq!(taken_over(&|facts| facts.stolen[0].at = 51), [""; 0]);
    assert_eq!(taken_over(&|facts| facts.stolen[0].pid = 9), [""; 0]);
    assert_eq!(taken_over(&|facts| facts.outages.push(crash(31))), [""; 0], "it may be undone");
    let gave_back = |facts: &mut Facts| facts.given_back.push(Stolen { at: 40, ..facts.stolen[0] });
    assert_eq!(taken_over(&gave_back), [""; 0], "and was claimed anew");
    let twice = broken(|facts| facts.acknowledged.extend([outcome(1, 50), outcome(2, 60)]));
    assert_eq!(twice, ["I6"]);
}

#[test]
fn i6_an_acknowledgement_of_whoever_started_again_what_its_heir_had_given_back_is_none_of_a_lost_lease() {
    let accepted = |restarted_at: Option<i64>| {
        broken(|facts| {
            facts.acknowledged.push(outcome(1, 5_000));
            facts.lost.push(lost_lease(7, 2_000));
            stopped(facts);
            facts.given_back.push(Stolen { delivery: facts.lost[0].delivery, at: 3_000, pid: 8 });
            facts.deliveries[0].counters.attempt = 2;
            facts.effects.extend(restarted_at.map(|at| Line { attempt: 2, at, ..line("plain", 1) }));
        })
        .contains(&"I6")
    };
    assert!(!accepted(Some(4_000)));
    assert!(accepted(None), "what it acknowledged it had started before");
    assert!(accepted(Some(1_500)), "before it lost the lease");
}

#[test]
fn i6_a_lease_that_a_stranger_lost_is_found() {
    assert_eq!(broken(|facts| facts.strangers.push(fact(101, Receiver::Plain).id)), ["I6"]);
}

#[test]
fn i2_an_acknowledgement_that_was_taken_and_is_lost_is_found() {
    let undone = broken(|facts| {
        facts.acknowledged.push(outcome(1, 50));
        facts.deliveries[0].state = State::Dead;
        facts.deliveries[0].counters.lost_leases = 5;
    });
    assert_eq!(undone, ["I2"]);
}

#[test]
fn w13_a_worker_that_was_connected_and_gave_up_is_found() {
    let gave_up = |at, ended: Option<i64>| {
        broken(|facts| {
            facts.workers.push(Connected { pid: 9, incarnation: 7, at: 5 });
            facts.given_up.push((at, 9));
            facts.fates.extend(ended.map(|at| Fate { pid: 9, what: What::Killed, at }));
        })
    };
    assert_eq!([gave_up(8, None), gave_up(4, None)], [vec!["W13"], vec![]]);
    assert_eq!([gave_up(8, Some(4)), gave_up(8, Some(9))], [vec!["W13"], vec!["W13"]]);
    assert_eq!(gave_up(8, Some(6)), [""; 0], "the number is another process's by then");
}

#[test]
fn l2_a_worker_that_was_connected_and_was_felled_is_found() {
    let felled = |at, ended: Option<i64>| {
        broken(|facts| {
            facts.workers.push(Connected { pid: 9, incarnation: 7, at: 5 });
            facts.fates.extend(ended.map(|at| Fate { pid: 9, what: What::Killed, at }));
            facts.fates.push(Fate { pid: 9, what: What::Felled, at });
        })
    };
    assert_eq!([felled(8, None), felled(4, None)], [vec!["L2"], vec![]]);
    assert_eq!(felled(8, Some(6)), [""; 0], "the number is another process's by then");
}

#[test]
fn i8_a_start_without_a_claim_is_found() {
    assert_eq!(broken(|facts| facts.effects.push(line("plain", 1))), ["I8"]);
    let stolen = broken(|facts| {
        facts.effects.push(line("plain", 1));
        facts.deliveries[0].counters.lost_leases = 1;
    });
    assert_eq!(stolen, [""; 0]);
    let crashed = |at| {
        broken(|facts| {
            facts.effects.push(line("plain", 1));
            facts.outages.push(crash(at));
        })
    };
    assert_eq!([crashed(2_000), crashed(3_000_000)], [vec![], vec!["I8"]], "a crash took claims of a moment back");
    let waited = |connected, started| {
        broken(|facts| {
            facts.effects.push(Line { at: started, ..line("plain", 1) });
            facts.outages.push(crash(5_000_000));
            facts.workers.push(Connected { pid: 9, incarnation: 7, at: connected });
        })
    };
    assert_eq!(waited(4_000_000, 6_000_000), [""; 0], "of what it claimed before the crash");
    assert_eq!(waited(5_500_000, 6_000_000), ["I8"], "it came afterwards");
    assert_eq!(waited(4_000_000, 10_000_000), ["I8"], "it knew by then");
}

#[test]
fn l2_a_worker_that_was_connected_hears_sigterm() {
    let felled = |connected| {
        broken(|facts| {
            facts.fates.push(Fate { pid: 9, what: What::Felled, at: 6 });
            facts.workers.push(Connected { pid: connected, incarnation: 7, at: 5 });
        })
    };
    assert_eq!([felled(9), felled(8)], [vec!["L2"], vec![]]);
}

#[test]
fn l1_a_late_recovery_is_found_here_too() {
    let late = broken(|facts| {
        let delivery = facts.deliveries[0].id;
        facts.lost.push(Lost {
            delivery,
            receiver: Receiver::Plain,
            pid: 9,
            incarnation: 7,
            at: 60_000_000,
            again: false,
        });
        facts.fates.push(Fate { pid: 9, what: What::Killed, at: 2_000_000 });
        facts.fates.push(Fate { pid: 10, what: What::Spared, at: 70_000_000 });
        facts.workers.push(Connected { pid: 10, incarnation: 8, at: 0 });
    });
    assert_eq!(late, ["L1"]);
}

#[test]
fn a_file_that_is_damaged_is_found() {
    assert_eq!(broken(|facts| facts.books.integrity = "row 3 missing from index".to_owned()), ["integrity"]);
}
