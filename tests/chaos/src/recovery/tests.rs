//! The excuses of L1, on both sides of their borders.

use signals_runtime::delivery::{DeliveryId, ReceiverId, SignalId};

use super::*;
use crate::Line;
use crate::facts::Receiver;
use crate::member::{Fate, Outage};
use crate::nemesis::Ill;
use crate::told::{Connected, Waited};

#[path = "tests/slots.rs"]
mod slots;

const SECOND: i64 = 1_000_000;
const ALLOWED: i64 = 5 * SECOND;

fn line(what: &str, pid: u32, at: i64) -> Line {
    Line { what: what.to_owned(), number: 1, attempt: 1, at, pid }
}

fn lost(pid: u32, at: i64) -> Lost {
    let delivery = DeliveryId { signal: SignalId(1), receiver: ReceiverId(1) };
    Lost { delivery, receiver: Receiver::Plain, pid, incarnation: pid, at, again: false }
}

fn connected(pid: u32, at: i64) -> Connected {
    Connected { pid, incarnation: pid, at }
}

fn fate(pid: u32, what: What, at: i64) -> Fate {
    Fate { pid, what, at }
}

/// Process 1 is killed at second 10; process 2 takes its delivery over `after` that.
fn recovered_after(after: i64) -> Facts {
    Facts {
        lost: vec![lost(1, 10 * SECOND + after)],
        fates: vec![fate(1, What::Killed, 10 * SECOND), fate(2, What::Spared, 60 * SECOND)],
        workers: vec![connected(1, 0), connected(2, SECOND)],
        ..Facts::default()
    }
}

#[test]
fn l1_a_recovery_within_the_lease_and_a_second_is_in_time() {
    let facts = recovered_after(ALLOWED);
    assert_eq!((late(&facts).len(), times(&facts).raw), (0, vec![LEASE + BEYOND]));
    let late = late(&recovered_after(ALLOWED + 1));
    assert!(late.len() == 1 && late[0].1.contains("1µs late"), "{late:?}");
}

#[test]
fn l1_who_was_not_connected_for_that_long_owes_nothing() {
    let mut facts = recovered_after(ALLOWED + 2 * SECOND);
    facts.workers[1].at = 12 * SECOND;
    assert_eq!(late(&facts), []);
    facts.workers[1].at = 11 * SECOND;
    assert_eq!(late(&facts).len(), 1);
    facts.fates[1].at = 15 * SECOND;
    assert_eq!(late(&facts), [], "it was gone before it was due");
}

#[test]
fn l1_counts_from_the_last_renewal_when_it_was_seen() {
    let mut facts = recovered_after(ALLOWED - SECOND);
    let delivery = facts.lost[0].delivery;
    facts.leases.saw(delivery, 1, 9 * SECOND + micros(LEASE));
    assert_eq!((late(&facts), times(&facts).clean), (vec![], vec![LEASE + BEYOND]));
    facts.leases.saw(delivery, 1, 9 * SECOND + micros(LEASE) - 1);
    assert_eq!((late(&facts).len(), times(&facts).raw), (1, vec![LEASE]), "in time only if counted from the kill");
    facts.workers[1].at = 9 * SECOND;
    assert_eq!(late(&facts).len(), 0, "the one to take it over came later than that");
}

/// As [`recovered_after`], where there is one writer.
fn one_writer_recovered_after(after: i64) -> Facts {
    Facts { one_writer: true, ..recovered_after(after) }
}

#[test]
fn l1_a_transactional_delivery_needs_no_slot_of_its_own_where_many_write() {
    let transactional = |one_writer, after| {
        let mut facts = recovered_after(after);
        (facts.one_writer, facts.lost[0].receiver) = (one_writer, Receiver::Transactional);
        (late(&facts).len(), times(&facts).clean.len())
    };
    assert_eq!([transactional(false, ALLOWED), transactional(false, ALLOWED + 1)], [(0, 1), (1, 1)]);
    assert_eq!(transactional(true, ALLOWED + 1), (0, 0), "one writer: it waits for the one in front");
}

#[test]
fn l1_clean_times_leave_out_what_is_excused() {
    let clean = |tamper: fn(&mut Facts)| {
        let mut facts = one_writer_recovered_after(3 * SECOND);
        tamper(&mut facts);
        let times = times(&facts);
        assert_eq!(times.clean.len() + times.excused.len(), 1, "each is the one or the other");
        times.clean
    };
    assert_eq!(clean(|_| {}), [Duration::from_secs(3)]);
    assert_eq!(clean(|facts| facts.workers[1].at = 12 * SECOND), [Duration::from_secs(1)], "from its connection");
    assert_eq!(clean(|facts| facts.lost[0].receiver = Receiver::Transactional), []);
    assert_eq!(clean(|facts| facts.waits.push(Waited { pid: 2, until: 12 * SECOND, lasted: SECOND })), []);
    assert_eq!(clean(|facts| facts.waits.push(Waited { pid: 3, until: 12 * SECOND, lasted: SECOND })).len(), 1);
    assert_eq!(
        clean(|facts| facts.waits.push(Waited { pid: 2, until: 6 * SECOND, lasted: SECOND })).len(),
        1,
        "before"
    );
}

#[test]
fn l1_what_the_last_act_leaves_to_the_living_is_no_recovery_of_the_storm() {
    let mut facts = recovered_after(3 * SECOND);
    let counts = |facts: &Facts| (times(facts).clean.len(), times(facts).clean_in_storm);
    let signal = facts.lost[0].delivery.signal.0;
    facts.books.orders = vec![(LONG - 1, signal), (LONG, signal + 1)];
    assert_eq!(counts(&facts), (1, 1));
    facts.books.orders = vec![(LONG, signal)];
    assert_eq!(counts(&facts), (1, 0));
}

#[test]
fn l1_who_waited_for_the_lock_may_take_as_long_again_and_no_longer() {
    let waited = |pid, lasted, late| {
        let mut facts = recovered_after(ALLOWED + late);
        facts.waits.push(Waited { pid, until: 12 * SECOND, lasted });
        super::late(&facts).len()
    };
    assert_eq!([waited(2, SECOND, SECOND), waited(2, SECOND, SECOND + 1), waited(3, SECOND, 1)], [0, 1, 1]);
    let long = 2 * SECOND + UNTOLD;
    assert_eq!([waited(2, 2 * SECOND, long), waited(2, 2 * SECOND, long + 1)], [0, 1], "a long one");
}

#[test]
fn waits_one_after_the_other_are_one() {
    let spans = [(900_000, 1_000_000), (0, 400_000), (100_000, 300_000), (2_000_000, 2_100_000)];
    assert_eq!(merged(spans.into_iter()), [(0, 1_000_000), (2_000_000, 2_100_000)]);
}

#[test]
fn l1_a_database_that_is_kept_shut_is_not_up() {
    let shut = |late| {
        let mut facts = one_writer_recovered_after(ALLOWED + 5 * SECOND + UNTOLD + late);
        facts.journal = vec![line("intent", 20, 11 * SECOND), line("stored", 20, 15 * SECOND)];
        facts
    };
    assert_eq!([late(&shut(0)).len(), late(&shut(1)).len()], [0, 1]);
    let mut facts = shut(0);
    facts.one_writer = false;
    assert_eq!(late(&facts).len(), 1, "nobody keeps it shut where many write");
    let mut facts = shut(0);
    facts.journal.clear();
    assert_eq!(late(&facts).len(), 1, "nobody has seen it");
    let mut facts = shut(0);
    facts.effects.extend((1..40).map(|tenth| line("plain", 4, 11 * SECOND + tenth * SECOND / 10)));
    assert_eq!(late(&facts).len(), 1, "somebody worked meanwhile");
}

#[test]
fn l1_of_a_worker_that_lost_its_database_nothing_is_expected_before_it_is_connected_again() {
    let mut facts = recovered_after(ALLOWED + 2 * SECOND);
    facts.fates.insert(1, fate(2, What::Cut, 11 * SECOND));
    assert_eq!(late(&facts), [], "it never came back");
    facts.workers.push(connected(2, 12 * SECOND));
    assert_eq!(late(&facts), [], "within a lease and a second of its connection");
    facts.lost[0].at += 1;
    assert_eq!(late(&facts).len(), 1);
}

#[test]
fn l1_whose_session_had_been_told_to_end_was_not_connected_by_it() {
    let late = |ended, ill, again| {
        let mut facts = recovered_after(ALLOWED + 3 * SECOND);
        facts.workers[1].at = 12 * SECOND;
        facts.workers.push(connected(2, again));
        facts.outages.push(Outage { pid: None, from: ended, to: ended, ill });
        super::late(&facts).len()
    };
    let (ended, again) = (12 * SECOND - UNTOLD, 13 * SECOND);
    assert_eq!(late(ended + 1, Ill::Terminate, again), 0, "a lease and a second after it was connected anew");
    assert_eq!(late(ended, Ill::Terminate, again), 1, "it ended sessions long before");
    assert_eq!(late(ended + 1, Ill::Restart, again), 1, "nobody is connected to a server that is not there");
    assert_eq!(late(ended + 1, Ill::Terminate, again + 4 * SECOND), 1, "that was something else");
    assert_eq!(late(ended + 1, Ill::Terminate, 12 * SECOND), 1, "it stayed connected");
}

#[test]
fn l1_a_long_outage_begins_the_lease_of_whoever_lived_through_it_again() {
    let outage = |pid| {
        let mut facts = recovered_after(ALLOWED + 2 * SECOND + UNTOLD);
        facts.outages.push(Outage { pid, from: 10 * SECOND, to: 12 * SECOND, ill: Ill::Exhaust });
        let in_time = late(&facts).len();
        facts.lost[0].at += 1;
        (in_time, late(&facts).len())
    };
    assert_eq!([outage(None), outage(Some(2)), outage(Some(3))], [(0, 1), (0, 1), (1, 1)]);
}

#[test]
fn l1_when_the_campaign_was_kept_waiting_so_were_the_workers() {
    let mut facts = recovered_after(ALLOWED + 2 * SECOND + UNTOLD);
    assert_eq!(late(&facts).len(), 1);
    facts.leases.waited(10 * SECOND, 12 * SECOND);
    assert_eq!((late(&facts), kept_waiting(&facts).len()), (vec![], 1));
    facts.lost[0].at += 1;
    assert_eq!(late(&facts).len(), 1);
}

#[test]
fn l1_a_look_at_a_database_that_was_ill_says_nothing_of_the_machine() {
    let looked = |pid, to| {
        let mut facts = recovered_after(ALLOWED);
        facts.leases.waited(10 * SECOND, 12 * SECOND);
        facts.outages.push(Outage { pid, from: 9 * SECOND, to, ill: Ill::Restart });
        kept_waiting(&facts).len()
    };
    assert_eq!([looked(None, 11 * SECOND), looked(None, 10 * SECOND), looked(Some(2), 11 * SECOND)], [0, 1, 1]);
}

#[test]
fn l1_what_became_of_a_process_that_had_the_same_number_before_is_not_its_own() {
    let mut facts = recovered_after(ALLOWED);
    facts.workers[0].at = 8 * SECOND;
    facts.fates.insert(0, fate(1, What::Killed, 5 * SECOND));
    assert_eq!(times(&facts).raw, [LEASE + BEYOND]);
    facts.fates[0].at = 9 * SECOND;
    assert_eq!(times(&facts).raw, [LEASE + BEYOND + Duration::from_secs(1)], "that is its own");
}
