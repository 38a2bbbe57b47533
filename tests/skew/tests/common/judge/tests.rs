//! The judge bites: from a release in which all was well one thing is taken away, added or changed, and it is found.

use signals_runtime::clock::Timestamp;
use signals_runtime::delivery::{Counters, DeliveryId, Lane, ReceiverId, SignalId};

use super::*;

/// What a release left: the log, the journal and the deliveries.
#[derive(Clone)]
struct Left {
    log: Vec<Line>,
    journal: Vec<Line>,
    deliveries: Vec<DeliverySummary>,
}

/// When the new build is there; the old one is at 0. Signal `number` is sent that much later than 10.
const DEPLOYED: i64 = 50;

fn line(what: &str, number: i64, attempt: u32, at: i64) -> Line {
    Line { what: what.to_owned(), number, attempt, at, pid: 1 }
}

/// More signals than the judge asks for; the old build sends the even ones, and each receiver ran once what was sent since it was
/// registered.
fn sound() -> Left {
    let mut left = Left { log: Vec::new(), journal: Vec::new(), deliveries: Vec::new() };
    for (at, build) in [(0, "old"), (DEPLOYED, "new")] {
        left.journal.push(line(&format!("registers-{build}"), 0, 0, at));
        left.journal.push(line(&format!("registered-{build}"), 0, 0, at + 1));
    }
    for number in 1..=ENOUGH_SENDS as i64 + 50 {
        let (at, version) = (10 + number, if number % 2 == 0 { 1 } else { 2 });
        left.journal.extend([line("intent", number, version, at), line("stored", number, version, at)]);
        for (nth, receiver) in (1..).zip(&RECEIVERS) {
            let is_heard = receiver.old.is_some() || at > DEPLOYED + 1;
            let name = if version == 1 { receiver.old.or(receiver.new) } else { receiver.new.or(receiver.old) };
            let Some(name) = name.filter(|_| is_heard) else { continue };
            left.log.push(line(name, number, 1, at + 1));
            left.deliveries.push(done(number, nth));
        }
    }
    left
}

fn done(signal: i64, receiver: i64) -> DeliverySummary {
    let (signal_id, receiver_id) = (SignalId(signal), ReceiverId(receiver));
    DeliverySummary {
        id: DeliveryId { signal: signal_id, receiver: receiver_id },
        lane: Lane { receiver: receiver_id, version: 1 },
        receiver: receiver.to_string(),
        signal: "skew".to_owned(),
        state: State::Done,
        life: 0,
        counters: Counters { attempt: 1, ..Counters::default() },
        sent_at: Timestamp::from_micros(signal),
        due_at: None,
        worker: None,
        lease_until: None,
        settled_at: None,
        death: None,
        actor: None,
    }
}

/// What is found after `tamper` was at work, by promise.
fn found(tamper: impl FnOnce(&mut Left)) -> Vec<String> {
    let mut left = sound();
    tamper(&mut left);
    let found = judge(&left.log, &left.journal, &left.deliveries);
    found.iter().filter_map(|found| found.split(':').next()).map(str::to_owned).collect()
}

/// The line of `name` about signal `number`.
fn ran(left: &mut Left, name: &str, number: i64) -> usize {
    left.log.iter().position(|line| line.what == name && line.number == number).expect("it ran")
}

#[test]
fn of_a_release_in_which_all_was_well_nothing_is_found() {
    assert_eq!(found(|_| {}), [""; 0]);
}

#[test]
fn i2_i14_what_was_sent_and_never_run_is_found() {
    let lost = found(|left| drop(left.log.remove(0)));
    assert_eq!(lost, ["I14", "I2"], "a run is missing");
    let vanished = found(|left| {
        left.log.remove(0);
        left.deliveries.remove(0);
    });
    assert_eq!(vanished, ["I14"], "and nothing is left of it");
    assert_eq!(found(|left| drop(left.deliveries.remove(0))), ["I2"], "a delivery is missing");
}

#[test]
fn i12_what_is_burned_is_found() {
    let counters = |change: fn(&mut DeliverySummary)| found(|left| change(&mut left.deliveries[7]));
    assert_eq!(counters(|delivery| delivery.counters.attempt = 2), ["I12"], "an attempt");
    assert_eq!(counters(|delivery| delivery.counters.lost_leases = 1), ["I12"], "a lease");
    for state in [State::Ready, State::Dead, State::Cancelled] {
        assert_eq!(found(|left| left.deliveries[7].state = state), ["I12"], "{state:?}");
    }
}

#[test]
fn i15_what_ran_twice_by_two_names_is_found() {
    let twice = |with_delivery: bool| {
        found(|left| {
            left.log.push(line("renamed.ship", 101, 1, 200));
            left.deliveries.extend(with_delivery.then(|| done(101, 99)));
        })
    };
    assert_eq!(twice(true), ["I15"], "the new build ran it as renamed.dispatch");
    assert_eq!(twice(false), ["I15", "I2"]);
    let two_ids = found(|left| left.deliveries.push(left.deliveries[0].clone()));
    assert_eq!(two_ids, ["I2", "I2"], "one delivery in two states");
}

#[test]
fn i12_what_ran_in_the_wrong_version_is_found() {
    let wrong = found(|left| {
        let at = ran(left, "raised.read/1", 60);
        left.log[at].what = "raised.read/2".to_owned();
    });
    assert_eq!(wrong, ["I12"]);
}

#[test]
fn i14_i1_what_nobody_sent_to_a_receiver_is_found() {
    let early = found(|left| {
        left.log.push(line("added.more", 1, 1, 20));
        left.deliveries.push(done(1, 2));
    });
    assert_eq!(early, ["I14"], "it was sent before there was such a receiver");
    let unsent = found(|left| {
        left.log.push(line("removed.stays", 9_999, 1, 20));
        left.deliveries.push(done(9_999, 6));
    });
    assert_eq!(unsent, ["I1"]);
}

#[test]
fn a_release_without_sends_shows_nothing() {
    assert_eq!(found(|left| left.journal.retain(|line| line.what != "stored"))[0], "rig");
}

#[test]
fn i12_what_is_parked_and_not_shown_or_shown_and_not_parked_is_found() {
    let lane = |(name, version, versioned): (&str, u32, bool)| (name.to_owned(), version, versioned);
    let beside_new = [("raised.read", 1, true), ("forgotten.ship", 1, false), ("removed.goes", 1, false)].map(lane);
    let beside_old = [("raised.read", 2, true), ("added.more", 1, false), ("forgotten.dispatch", 1, false)].map(lane);
    for (living, shown) in [(Build::New, beside_new), (Build::Old, beside_old)] {
        assert!(is_parked_beside(living, shown.to_vec()), "{living:?}");
        for nth in 0..shown.len() {
            let mut fewer = shown.to_vec();
            fewer.remove(nth);
            assert!(!is_parked_beside(living, fewer), "{living:?} without {:?}", shown[nth]);
        }
        let more = |lane| shown.iter().cloned().chain([lane]).collect();
        assert!(!is_parked_beside(living, more(lane(("renamed.ship", 1, false)))), "a name that is an alias by now");
        assert!(!is_parked_beside(living, more(lane(("added.kept", 1, false)))), "one that everybody runs");
        let mut other = shown.to_vec();
        other[0].1 = 3 - other[0].1;
        assert!(!is_parked_beside(living, other), "the version that the living build runs");
        let mut other = shown.to_vec();
        other[0].2 = false;
        assert!(!is_parked_beside(living, other), "it is there, and waits for its version");
    }
}
