//! The excuse of a slot, on both sides of its borders.

use super::*;
use crate::app::Order;
use crate::recovery::slots::{HELD, LONGEST, SLOT, SLOTS};
use crate::told::Stolen;

/// A transactional delivery where there is one writer, lost by process 1, which is killed at second 10, and taken over `after`
/// that. Process 2 could have, and lives for long.
fn slotted(after: i64) -> Facts {
    let mut facts = one_writer_recovered_after(after);
    facts.lost[0].receiver = Receiver::Transactional;
    facts
}

/// Another one that process 1 held until second `renewed` and a lease, and `taker` took over at `at`.
fn other(facts: &mut Facts, receiver: Receiver, (renewed, at): (i64, i64), taker: u32) {
    let number = i64::try_from(facts.lost.len()).expect("few") + 1;
    let delivery = DeliveryId { signal: SignalId(number), receiver: ReceiverId(1) };
    facts.lost.push(Lost { delivery, receiver, ..lost(1, at) });
    facts.leases.saw(delivery, 1, renewed + micros(LEASE));
    facts.stolen.push(Stolen { delivery, at: at + 10, pid: taker });
}

/// Whether the first is late when `tamper` has been at work.
fn is_late(mut facts: Facts, tamper: impl FnOnce(&mut Facts)) -> bool {
    tamper(&mut facts);
    let first = facts.lost[0].delivery;
    late(&facts).iter().any(|(delivery, _)| *delivery == first)
}

const DUE: i64 = 10 * SECOND + ALLOWED;

#[test]
fn l1_what_needs_a_slot_may_wait_for_the_one_that_has_it_and_no_longer() {
    for after in [ALLOWED + SLOT, ALLOWED + SLOT + 1] {
        let expected = after > ALLOWED + SLOT;
        assert_eq!(is_late(slotted(after), |_| {}), expected);
        let suspect = |facts: &mut Facts| (facts.lost[0].receiver, facts.lost[0].again) = (Receiver::Plain, true);
        assert_eq!(is_late(slotted(after), suspect), expected, "of those that lost one before there is one, too");
    }
    assert!(is_late(slotted(ALLOWED + 1), |facts| facts.lost[0].receiver = Receiver::Plain), "it needs none");
}

#[test]
fn l1_those_in_front_had_their_turns_one_after_the_other() {
    let (first, second) = (DUE + SLOT, DUE + 2 * SLOT);
    let in_front = |facts: &mut Facts| {
        other(facts, Receiver::Transactional, (10 * SECOND, first), 2);
        other(facts, Receiver::Transactional, (10 * SECOND, second), 2);
    };
    assert!(!is_late(slotted(ALLOWED + 3 * SLOT), in_front));
    assert!(is_late(slotted(ALLOWED + 3 * SLOT + 1), in_front));
    let many_at_once = |facts: &mut Facts| {
        (0..15).for_each(|_| other(facts, Receiver::Transactional, (10 * SECOND, DUE), 2));
    };
    assert!(!is_late(slotted(ALLOWED + SLOT), many_at_once));
    assert!(is_late(slotted(ALLOWED + SLOT + 1), many_at_once), "fifteen that are gone from its way excuse nothing");
}

#[test]
fn l1_only_what_was_due_as_early_by_the_same_worker_and_of_the_same_slot_is_in_front() {
    let with = |receiver, renewed, taker| {
        let at = DUE + SLOT;
        is_late(slotted(ALLOWED + SLOT + 1), |facts| other(facts, receiver, (renewed, at), taker))
    };
    assert!(!with(Receiver::Transactional, 10 * SECOND, 2));
    assert!(with(Receiver::Transactional, 10 * SECOND, 3), "another worker's slot");
    assert!(with(Receiver::Plain, 10 * SECOND, 2), "one that needs none");
    assert!(!with(Receiver::Transactional, 10 * SECOND + SLOT, 2), "while the slot was taken");
    assert!(with(Receiver::Transactional, 10 * SECOND + SLOT + 1, 2), "it came afterwards");
}

#[test]
fn l1_a_begin_that_waited_keeps_the_slot_for_as_long_as_was_told() {
    let begin = |pid, until, lasted| move |facts: &mut Facts| facts.begins.push(Waited { pid, until, lasted });
    let late = |after, tamper: &dyn Fn(&mut Facts)| is_late(slotted(after), tamper);
    let told = begin(2, DUE + 2 * SECOND, 2 * SECOND);
    assert_eq!([late(ALLOWED + SLOT + 2 * SECOND, &told), late(ALLOWED + SLOT + 2 * SECOND + 1, &told)], [false, true]);
    assert!(late(ALLOWED + SLOT + SECOND, &begin(3, DUE + 2 * SECOND, 2 * SECOND)), "another's");
    assert!(late(ALLOWED + SLOT + SECOND, &begin(2, DUE, 2 * SECOND)), "before");
    let long = begin(2, DUE + 9 * SECOND, 9 * SECOND);
    assert_eq!([late(ALLOWED + LONGEST, &long), late(ALLOWED + LONGEST + 1, &long)], [false, true], "it gives up");
    let in_others = |facts: &mut Facts| {
        facts.lost[0].receiver = Receiver::Plain;
        begin(2, DUE + 2 * SECOND, 2 * SECOND)(facts);
    };
    assert!(late(ALLOWED + 1, &in_others), "what needs no slot waits for no BEGIN");
}

#[test]
fn l1_who_was_killed_while_its_begin_waited_could_not_tell() {
    let gone_at = |at| is_late(slotted(ALLOWED + SLOT + 1), |facts| facts.fates[1].at = at);
    assert_eq!([gone_at(DUE + LONGEST), gone_at(DUE + LONGEST - 1)], [true, false]);
}

#[test]
fn l1_a_wait_for_the_lock_while_it_waits_for_its_slot_counts_too() {
    let waited = |receiver, after| {
        is_late(slotted(after), |facts| {
            facts.lost[0].receiver = receiver;
            // A long one, which begins after the lease and a second, and before the slot is due.
            facts.waits.push(Waited { pid: 2, until: 17 * SECOND + SECOND / 2, lasted: 2 * SECOND });
        })
    };
    let due = 7 * SECOND + SECOND / 2 + UNTOLD + ALLOWED + SLOT;
    assert_eq!([waited(Receiver::Transactional, due), waited(Receiver::Transactional, due + 1)], [false, true]);
    assert!(waited(Receiver::Plain, ALLOWED + 1), "what needs no slot was due before");
}

#[test]
fn l1_of_the_others_a_worker_runs_twelve_at_a_time() {
    let held = micros(HELD);
    for recovered in [one_writer_recovered_after, recovered_after] {
        let late = |after, others: usize| {
            is_late(recovered(after), |facts| {
                (0..others).for_each(|_| other(facts, Receiver::Plain, (10 * SECOND, DUE - SECOND / 2), 2));
            })
        };
        assert_eq!([late(ALLOWED, 0), late(ALLOWED + 1, 0), late(ALLOWED + 1, SLOTS - 1)], [false, true, true]);
        assert_eq!([late(ALLOWED + held, SLOTS), late(ALLOWED + held + 1, SLOTS)], [false, true], "a round later");
    }
}

#[test]
fn l1_who_had_twelve_in_front_is_excused_however_soon_it_was_taken_over() {
    let excused = |after, others: usize, taker| {
        let mut facts = recovered_after(after);
        let at = facts.lost[0].at - SECOND / 2;
        (0..others).for_each(|_| other(&mut facts, Receiver::Plain, (10 * SECOND, at), taker));
        let first = facts.lost[0].delivery;
        facts.stolen.push(Stolen { delivery: first, at: facts.lost[0].at + 10, pid: 2 });
        times(&facts).excused.contains(&span(10 * SECOND, facts.lost[0].at))
    };
    for after in [2 * SECOND, ALLOWED] {
        assert_eq!(
            [excused(after, SLOTS, 2), excused(after, SLOTS - 1, 2), excused(after, SLOTS, 3)],
            [true, false, false]
        );
    }
}

#[test]
fn no_plain_delivery_of_the_storm_keeps_its_slot_for_longer_than_is_excused() {
    let longest = (0..8 * 160).map(|number| Order { number }.holds()).max();
    assert!(longest.is_some_and(|longest| longest <= HELD && micros(longest) <= SLOT), "{longest:?}");
}
