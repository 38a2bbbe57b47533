//! The checker bites: from facts in which all is well, one thing is taken away or added, and it is found.

use signals_runtime::delivery::{Counters, DeliveryId, ReceiverId, SignalId};

use crate::facts::{Connected, Lost, Refusal};
use crate::fleet::{Fate, What};
use super::*;
use crate::Line;

fn line(what: &str, number: i64) -> Line {
    Line { what: what.to_owned(), number, attempt: 1, at: number * 1_000, pid: 9 }
}

fn fact(signal: i64, receiver: Receiver) -> Fact {
    let id = DeliveryId { signal: SignalId(signal), receiver: ReceiverId(receiver as i64 + 1) };
    let counters = Counters { attempt: 1, ..Counters::default() };
    Fact { id, receiver, state: State::Done, counters }
}

/// Orders 1, 2 and 3: the first acknowledged, the second repeated under its key, the third of unknown outcome and stored.
fn sound() -> Facts {
    let mut facts = Facts { integrity: "ok".to_owned(), ..Facts::default() };
    facts.journal = vec![line("intent", 1), line("stored", 1), line("intent", 2), line("intent", 2)];
    facts.journal.extend([line("repeated", 2), line("intent", 3), line("intent", 5), line("refused", 5)]);
    for number in 1..=3 {
        let signal = number + 100;
        facts.orders.push((number, signal));
        facts.rows.push(number);
        facts.deliveries.extend([fact(signal, Receiver::Plain), fact(signal, Receiver::Transactional)]);
        facts.effects.extend(["plain", "plain-effect", "transactional"].map(|what| line(what, number)));
    }
    facts
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
fn i2_a_send_that_was_acknowledged_and_is_lost_is_found() {
    let lost = broken(|facts| {
        facts.orders.retain(|(number, _)| *number != 1);
        facts.deliveries.retain(|fact| fact.id.signal.0 != 101);
        facts.rows.retain(|number| *number != 1);
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
    assert_eq!(broken(|facts| facts.rows.push(2)), ["I5"]);
    assert_eq!(broken(|facts| facts.rows.truncate(2)), ["I5"]);
    assert_eq!(broken(|facts| facts.rows.push(77)), ["I5"], "of an order that nobody sent");
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
        facts.orders.push((5, 105));
        facts.rows.push(5);
        facts.deliveries.extend([fact(105, Receiver::Plain), fact(105, Receiver::Transactional)]);
        facts.effects.extend(["plain", "plain-effect", "transactional"].map(|what| line(what, 5)));
    });
    assert_eq!(refused, ["S1"]);
    assert_eq!(broken(|facts| facts.journal.push(line("intent", 8))), ["S2"], "a keyed send that nobody repeated");
    assert_eq!(broken(|facts| facts.journal.push(line("intent", 7))), [""; 0], "without a key nobody knows");
    assert_eq!(broken(|facts| facts.orders.push((2, 102))), ["S2"], "a repetition that added something");
}

#[test]
fn i2_l2_what_is_left_behind_or_dead_for_no_reason_is_found() {
    assert_eq!(broken(|facts| facts.deliveries[0].state = State::Ready), ["I2"]);
    assert_eq!(broken(|facts| facts.deliveries[0].state = State::Running), ["L2"]);
    assert_eq!(broken(|facts| facts.deliveries[0].state = State::Dead), ["I2"]);
    assert_eq!(broken(|facts| facts.surprises.push("exit code 1".to_owned())), ["L2"]);
}

#[test]
fn i6_a_refusal_without_a_lost_lease_is_found() {
    let delivery = fact(101, Receiver::Plain).id;
    let refusal = Refusal { delivery, incarnation: 7 };
    assert_eq!(broken(|facts| facts.refusals.push(refusal)), ["I6"]);
    let lost = Lost { delivery, receiver: Receiver::Plain, pid: 9, incarnation: 7, at: 5, again: false };
    let explained = broken(|facts| {
        facts.refusals.push(refusal);
        facts.lost.push(lost);
        facts.fates.push(Fate { pid: 9, what: What::Stopped, at: 1 });
    });
    assert_eq!(explained, [""; 0]);
    assert_eq!(broken(|facts| facts.lost.push(lost)), ["T9"], "nothing had happened to whoever held it");
}

#[test]
fn i8_a_start_without_a_claim_is_found() {
    assert_eq!(broken(|facts| facts.effects.push(line("plain", 1))), ["I8"]);
    let stolen = broken(|facts| {
        facts.effects.push(line("plain", 1));
        facts.deliveries[0].counters.lost_leases = 1;
    });
    assert_eq!(stolen, [""; 0]);
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
    assert_eq!(broken(|facts| facts.integrity = "row 3 missing from index".to_owned()), ["integrity"]);
}
