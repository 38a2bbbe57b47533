//! T2 to T13 on a real file.

use std::time::Duration;

use signals_core::Backend as _;
use signals_core::Error;
use signals_core::delivery::State;
use signals_core::store::{
    Acked, AttemptOutcome, DeathReason, Failed, Fate, Filter, Finished, Held, Renewed, Snoozed, Verb,
};
use signals_core::token::Token;

use super::{Fixture, LEASE, delivery, paid};

fn acked(held: Held, keep: bool) -> Acked {
    Acked { held, ran: Duration::from_millis(3), keep }
}

fn failed(held: Held, fate: Fate) -> Failed {
    Failed { held, outcome: AttemptOutcome::Error, error: "no\u{0}".to_owned(), ran: Duration::from_millis(3), fate }
}

#[tokio::test]
async fn claims_take_the_oldest_within_both_limits_and_only_once() {
    let mut fixture = Fixture::new(&["a", "b"]).await;
    fixture.send_ids(0..10).await;
    let mut claim = fixture.claim(&[2, 1]);
    claim.lanes[0].limit = 3;
    claim.limit = 5;
    let claims = fixture.store.claim(&claim).await.expect("claims");
    let taken: Vec<_> = claims.claimed.iter().map(|claimed| claimed.held.delivery).collect();
    assert_eq!(taken, [(1, 2), (2, 2), (3, 2), (1, 1), (2, 1)].map(|(signal, receiver)| delivery(signal, receiver)));
    assert!(claims.claimed.iter().all(|claimed| claimed.counters.attempt == 1 && claimed.held.token == claim.token));
    let rest = fixture.claimed(&[1, 2]).await;
    assert_eq!(rest.claimed.len(), 15);
    assert!(fixture.claimed(&[1, 2]).await.claimed.is_empty());
}

#[tokio::test]
async fn a_claim_reads_large_payloads_in_parts_and_each_signal_once() {
    let mut fixture = Fixture::new(&["a", "b"]).await;
    let sent: Vec<_> = (0..5_u8).map(|n| format!("\"{}\"", char::from(b'a' + n).to_string().repeat(3 << 20))).collect();
    for payload in &sent {
        let mut signal = paid(1);
        signal.payload = payload.clone().into_bytes();
        fixture.send(vec![signal]).await.expect("sends");
    }
    let claims = fixture.claimed(&[1, 2]).await;
    let (a, b) = claims.claimed.split_at(5);
    for ((a, b), payload) in a.iter().zip(b).zip(&sent) {
        assert!(a.signal.payload == payload.as_bytes(), "byte for byte");
        assert!(std::sync::Arc::ptr_eq(&a.signal, &b.signal), "one signal, shared");
    }
}

#[tokio::test]
async fn i6_an_old_token_changes_nothing_and_the_answers_tell_them_apart() {
    let mut fixture = Fixture::new(&["a"]).await;
    fixture.send_ids(0..3).await;
    let held: Vec<_> = fixture.claimed(&[1]).await.claimed.iter().map(|claimed| claimed.held).collect();
    let old = Held { token: Token::from_bits(u64::MAX), ..held[0] };
    let renewed = fixture.store.renew(&[old, held[0], held[1]], LEASE).await.expect("renews");
    assert_eq!(renewed, [Renewed::Lost, Renewed::Kept, Renewed::Kept]);
    let batch = [acked(old, true), acked(held[1], true), acked(held[0], true), acked(held[0], true)];
    let finished = fixture.store.ack(&batch).await.expect("acknowledges");
    assert_eq!(finished, [Finished::Stale, Finished::Done, Finished::Done, Finished::Stale]);
    assert_eq!(fixture.store.release(&[held[0], held[2]]).await.expect("releases"), [Finished::Stale, Finished::Done]);
}

#[tokio::test]
async fn t9_four_steals_then_dead_and_every_lost_lease_is_recorded() {
    let mut fixture = Fixture::new(&["a"]).await;
    fixture.send_ids(0..1).await;
    let first = fixture.claimed(&[1]).await.claimed[0].held;
    for steal in 1..=4 {
        fixture.clock.advance(LEASE);
        let claims = fixture.claimed(&[1]).await;
        let stolen = &claims.claimed[0];
        assert_eq!((stolen.counters.attempt, stolen.counters.lost_leases), (1, steal));
        assert_eq!(claims.lost[0].lost_leases, steal);
    }
    assert_eq!(fixture.store.ack(&[acked(first, true)]).await.expect("answers"), [Finished::Stale]);
    fixture.clock.advance(LEASE);
    let mut claim = fixture.claim(&[1]);
    claim.suspect = false;
    let claims = fixture.store.claim(&claim).await.expect("claims");
    assert!(claims.claimed.is_empty() && claims.lost[0].dead && claims.lost[0].lost_leases == 5);
    let detail = fixture.store.get(delivery(1, 1)).await.expect("reads").expect("is there");
    assert_eq!((detail.summary.state, detail.summary.death), (State::Dead, Some(DeathReason::Crashed)));
    assert_eq!(detail.summary.counters.lost_leases, 5);
    assert_eq!(detail.attempts.len(), 5);
    assert!(detail.attempts.iter().all(|attempt| attempt.outcome == AttemptOutcome::LeaseLost));
    assert_eq!(detail.attempts[0].worker, first.token.incarnation());
    assert_eq!(fixture.number("SELECT count(*) FROM signals_delivery").await, 0);
}

#[tokio::test]
async fn at_most_one_suspect_in_a_claim_and_none_unless_asked_for() {
    let mut fixture = Fixture::new(&["a", "b"]).await;
    fixture.send_ids(0..3).await;
    fixture.claimed(&[1, 2]).await;
    fixture.clock.advance(LEASE);
    assert_eq!(fixture.claimed(&[1, 2]).await.claimed.len(), 6, "one crash recovers in parallel");
    fixture.clock.advance(LEASE);
    fixture.send_ids(3..4).await;
    let mut claim = fixture.claim(&[1, 2]);
    claim.suspect = false;
    let fresh = fixture.store.claim(&claim).await.expect("claims").claimed;
    assert!(fresh.len() == 2 && fresh.iter().all(|claimed| claimed.counters.lost_leases == 0));
    let claims = fixture.claimed(&[1, 2]).await;
    assert_eq!(claims.claimed.len(), 1, "the value after the steal counts");
    assert_eq!(claims.claimed[0].counters.lost_leases, 2);
    let suspect = claims.claimed[0].held;
    assert_eq!(fixture.store.release(&[suspect]).await.expect("releases"), [Finished::Done]);
    let again = fixture.claimed(&[1]).await;
    assert_eq!(again.claimed.len(), 1, "a suspect that is ready counts as one too");
}

#[tokio::test]
async fn a_probe_of_an_idle_lane_takes_no_lock() {
    let mut fixture = Fixture::new(&["a"]).await;
    let writer = fixture.backend.begin().await.expect("begins");
    let claim = fixture.claim(&[1]);
    let claimed = tokio::time::timeout(Duration::from_secs(1), fixture.store.claim(&claim)).await;
    assert!(claimed.expect("does not wait").expect("claims").claimed.is_empty());
    fixture.store.promote(10).await.expect("does not wait either");
    drop(writer);
}

#[tokio::test]
async fn failures_come_back_after_their_delay_or_die_with_their_history() {
    let mut fixture = Fixture::new(&["a"]).await;
    fixture.send_ids(0..3).await;
    let held: Vec<_> = fixture.claimed(&[1]).await.claimed.iter().map(|claimed| claimed.held).collect();
    let batch = [
        failed(held[0], Fate::Retry { delay: Duration::from_secs(1) }),
        failed(held[1], Fate::Dead(DeathReason::Exhausted)),
        failed(held[2], Fate::Retry { delay: Duration::ZERO }),
    ];
    assert_eq!(fixture.store.fail(&batch).await.expect("fails"), [Finished::Done; 3]);
    let again = fixture.claimed(&[1]).await.claimed;
    assert_eq!((again.len(), again[0].held.delivery, again[0].counters.attempt), (1, delivery(3, 1), 2));
    assert!(again[0].held.position > held[2].position, "what comes back gets a fresh id");
    fixture.clock.advance(Duration::from_secs(1));
    assert_eq!(fixture.store.promote(10).await.expect("promotes").moved, 1);
    let again = fixture.claimed(&[1]).await.claimed[0].held;
    assert_eq!(fixture.store.ack(&[acked(again, false)]).await.expect("acknowledges"), [Finished::Done]);
    assert!(fixture.store.get(delivery(1, 1)).await.expect("reads").is_none());
    assert_eq!(fixture.number("SELECT count(*) FROM signals_attempt WHERE signal = 1").await, 0);
    let dead = fixture.store.get(delivery(2, 1)).await.expect("reads").expect("is there");
    assert_eq!((dead.summary.state, dead.attempts[0].error.as_str()), (State::Dead, "no\u{0}"));
}

#[tokio::test]
async fn snoozes_refund_until_the_life_has_used_its_refunds() {
    let mut fixture = Fixture::new(&["a"]).await;
    fixture.send_ids(0..1).await;
    for round in 0..101_u32 {
        let claimed = fixture.claimed(&[1]).await.claimed[0].clone();
        assert_eq!(claimed.counters.attempt, 1, "round {round}");
        let snoozed = Snoozed { held: claimed.held, delay: Duration::ZERO };
        let release = round % 2 == 0;
        let finished =
            if release { fixture.store.release(&[claimed.held]).await } else { fixture.store.snooze(&[snoozed]).await };
        assert_eq!(finished.expect("answers"), [Finished::Done]);
    }
    assert_eq!(fixture.claimed(&[1]).await.claimed[0].counters.attempt, 2, "the 101st costs an attempt");
}

#[tokio::test]
async fn t10_t11_by_hand_whoever_runs_it_and_back_after_the_signal_was_forgotten() {
    let mut fixture = Fixture::new(&["a", "b"]).await;
    let mut later = paid(1);
    later.due = signals_core::Due::After(Duration::from_secs(60));
    fixture.send(vec![paid(0), later]).await.expect("sends");
    let held = fixture.claimed(&[1]).await.claimed[0].held;
    fixture.by_hand(Verb::Cancel, delivery(1, 1)).await.expect("cancels what runs");
    assert_eq!(fixture.store.ack(&[acked(held, true)]).await.expect("answers"), [Finished::Stale]);
    fixture.by_hand(Verb::Discard, delivery(1, 2)).await.expect("discards what is ready");
    fixture.by_hand(Verb::Cancel, delivery(2, 1)).await.expect("cancels what waits");
    fixture.by_hand(Verb::Discard, delivery(2, 2)).await.expect("discards what waits");
    let wrong = fixture.by_hand(Verb::Cancel, delivery(1, 1)).await;
    assert!(matches!(wrong, Err(Error::WrongState { state: State::Cancelled, .. })), "{wrong:?}");
    let missing = fixture.by_hand(Verb::Retry, delivery(9, 9)).await;
    assert!(matches!(missing, Err(Error::NotFound { .. })), "{missing:?}");

    fixture.clock.advance(Duration::from_secs(1));
    assert_eq!(fixture.store.forget(Duration::from_secs(1), 10).await.expect("forgets").0, 2, "copies pin nothing");
    for receiver in [1, 2] {
        fixture.by_hand(Verb::Retry, delivery(1, receiver)).await.expect("retries");
    }
    let wrong = fixture.by_hand(Verb::Retry, delivery(1, 1)).await;
    assert!(matches!(wrong, Err(Error::WrongState { state: State::Ready, .. })), "{wrong:?}");
    let claims = fixture.claimed(&[1, 2]).await;
    assert_eq!(claims.claimed.len(), 2);
    assert!(claims.claimed.iter().all(|claimed| claimed.held.life == 1 && claimed.counters.attempt == 1));
    assert_eq!(claims.claimed[0].signal.payload, paid(0).payload);
    assert_eq!(fixture.store.forget(Duration::ZERO, 10).await.expect("forgets").0, 0, "running ones pin");
    let summary = fixture.store.get(delivery(1, 1)).await.expect("reads").expect("is there").summary;
    assert_eq!((summary.state, summary.actor.as_deref()), (State::Running, Some("ops")));
}

#[tokio::test]
async fn i2_a_delivery_whose_signal_is_gone_is_never_lost_on_the_way() {
    let mut fixture = Fixture::new(&["a"]).await;
    let mut later = paid(9);
    later.due = signals_core::Due::After(Duration::from_secs(60));
    fixture.send(vec![later]).await.expect("sends");
    fixture.send_ids(0..4).await;
    let held: Vec<_> = fixture.claimed(&[1]).await.claimed.iter().map(|claimed| claimed.held).collect();
    let all = "SELECT (SELECT count(*) FROM signals_delivery) + (SELECT count(*) FROM signals_later)";
    sqlx::query("DELETE FROM signals_signal").execute(fixture.backend.pool()).await.expect("somebody's own SQL");
    let outcomes = [
        fixture.store.ack(&[acked(held[0], true)]).await.map(drop),
        fixture.store.fail(&[failed(held[1], Fate::Dead(DeathReason::Exhausted))]).await.map(drop),
        fixture.by_hand(Verb::Cancel, held[2].delivery).await,
        fixture.by_hand(Verb::Discard, delivery(1, 1)).await,
    ];
    assert!(outcomes.iter().all(Result::is_err), "{outcomes:?}");
    assert_eq!(fixture.number(all).await, 5);
    assert_eq!(fixture.store.ack(&[acked(held[0], false)]).await.expect("needs no signal"), [Finished::Done]);
}

#[tokio::test]
async fn counts_and_pages_see_every_state() {
    let mut fixture = Fixture::new(&["a", "b"]).await;
    fixture.send_ids(0..10_005).await;
    fixture.register(&[super::entry("idle", &[])]).await.expect("registers");
    let held: Vec<_> = fixture.claimed(&[1]).await.claimed.iter().map(|claimed| claimed.held).collect();
    fixture.store.ack(&[acked(held[0], true)]).await.expect("acknowledges");
    fixture.store.fail(&[failed(held[1], Fate::Retry { delay: LEASE })]).await.expect("fails");
    fixture.by_hand(Verb::Cancel, held[2].delivery).await.expect("cancels");
    fixture.by_hand(Verb::Discard, held[3].delivery).await.expect("discards");
    let counts = fixture.store.counts().await.expect("counts").lanes;
    let a = counts.iter().find(|lane| lane.receiver == "a").expect("a lane");
    assert_eq!((a.ready.0, a.running.0, a.scheduled.0), (9_905, 96, 1));
    assert_eq!((a.done.0, a.cancelled.0, a.dead.0), (1, 1, 1));
    let b = counts.iter().find(|lane| lane.receiver == "b").expect("a lane");
    assert!(b.ready.is_exceeded() && b.ready.0 == 10_001 && b.oldest.is_some());
    assert!(counts.iter().any(|lane| lane.receiver == "idle" && !lane.has_pending()));

    let states = vec![State::Running, State::Done, State::Cancelled, State::Dead];
    let mut filter = Filter { states, receiver: Some("a".into()), limit: 7, ..Filter::default() };
    let mut seen = Vec::new();
    loop {
        let page = fixture.store.list(&filter).await.expect("lists");
        seen.extend(page.deliveries.iter().map(|delivery| delivery.id));
        filter.after = page.next;
        if page.next.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 99);
    assert!(seen.is_sorted_by(|a, b| a.signal > b.signal), "newest first");
}

#[tokio::test]
async fn a_claim_that_is_dropped_leaves_the_store_usable() {
    let mut fixture = Fixture::new(&["a"]).await;
    fixture.send_ids(0..50).await;
    for micros in 0..60 {
        let mut claim = fixture.claim(&[1]);
        claim.limit = 1;
        let _ = tokio::time::timeout(Duration::from_micros(micros * 20), fixture.store.claim(&claim)).await;
    }
    fixture.clock.advance(LEASE);
    let mut total = 0;
    loop {
        let claims = fixture.claimed(&[1]).await;
        total += claims.claimed.len();
        if claims.claimed.is_empty() {
            break;
        }
    }
    assert_eq!(total, 50, "each is ready, or taken and stolen once");
    let tx = fixture.backend.begin().await.expect("no transaction was left open");
    fixture.backend.commit(tx).await.expect("commits");
}
