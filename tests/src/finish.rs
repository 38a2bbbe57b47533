//! T4–T8, I4, I6, I8, I10, I13: how an attempt ends.

use std::time::Duration;

use signals_core::delivery::{MAX_REFUNDS, State};
use signals_core::store::{AttemptOutcome, DeathReason, Failed, Fate, Finished, Renewed, Snoozed};
use signals_core::{MAX_DELAY, outcome};

use crate::fixtures::{MAIL, SHIP, paid};
use crate::harness::{LEASE, acked, failed, forged, retry_in};
use crate::{Db, Harness};

/// T4: with history a completion stays visible.
pub async fn t4_an_acknowledged_delivery_is_done<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let [id] = app.deliver(&paid(7), [&SHIP]).await;
    let mut puppet = app.puppet().await;
    let claimed = puppet.claim_one().await;
    db.advance(3);
    assert_eq!(puppet.ack(&claimed).await, Finished::Done);
    let shown = db.get(id).await.summary;
    assert_eq!((shown.state, shown.settled_at, shown.counters.attempt), (State::Done, Some(db.now()), 1));
    assert_eq!((shown.worker, shown.lease_until, shown.death), (None, None, None));
}

/// T4, I2: without history it leaves the tables.
pub async fn t4_without_history_an_acknowledged_delivery_is_gone<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let [id] = app.deliver(&paid(7), [&SHIP]).await;
    let claimed = app.puppet().await.claim_one().await;
    assert_eq!(db.store.ack(&[acked(&claimed, false)]).await.expect("acknowledges"), [Finished::Done]);
    assert!(db.find(id).await.is_none() && db.all().await.is_empty());
}

/// T4: one answer for each, in order.
pub async fn t4_acknowledgements_are_answered_one_by_one_in_order<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP, &MAIL]).await;
    app.send(&paid(7)).await;
    let claimed = app.puppet().await.claim(10).await;
    db.cancel(claimed[0].held.delivery, "ops").await.expect("cancels");
    let batch = [acked(&claimed[0], true), acked(&claimed[1], true), acked(&claimed[0], false)];
    let answers = db.store.ack(&batch).await.expect("acknowledges");
    assert_eq!(answers, [Finished::Stale, Finished::Done, Finished::Stale]);
}

/// T4: thousands in one call.
pub async fn t4_a_batch_of_thousands_is_acknowledged<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let mut tx = app.begin().await;
    let signals: Vec<_> = (0..3_000).map(paid).collect();
    signals_core::send_all(&signals, &mut tx).await.expect("sends");
    tx.commit().await.expect("commits");
    let mut puppet = app.puppet().await;
    let mut batch = Vec::new();
    while batch.len() < signals.len() {
        let claimed = puppet.claim(3_000).await;
        assert!(!claimed.is_empty(), "claims end after {}", batch.len());
        batch.extend(claimed.iter().rev().map(|claimed| acked(claimed, false)));
    }
    let answers = db.store.ack(&batch).await.expect("acknowledges");
    assert!(answers.len() == 3_000 && answers.iter().all(|answer| *answer == Finished::Done));
    assert!(db.all().await.is_empty());
}

/// I4.
pub async fn i4_a_delivery_is_settled_once_per_life<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let [id] = app.deliver(&paid(7), [&SHIP]).await;
    let mut puppet = app.puppet().await;
    let claimed = puppet.claim_one().await;
    assert_eq!(puppet.ack(&claimed).await, Finished::Done);
    assert_eq!(puppet.ack(&claimed).await, Finished::Stale);
    assert_eq!(puppet.fail(&claimed, Fate::Dead(DeathReason::Discarded)).await, Finished::Stale);
    assert_eq!(puppet.release(&claimed).await, Finished::Stale);
    assert_eq!(db.state(id).await, State::Done);
    assert!(db.get(id).await.attempts.is_empty());
}

/// I6: rows of two lanes may stand at one position; one batch tells them apart.
pub async fn i6_a_batch_tells_what_stands_at_one_position_of_two_lanes_apart<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP, &MAIL]).await;
    let [id, _] = app.deliver(&paid(7), [&SHIP, &MAIL]).await;
    let mail = app.id(&MAIL).await;
    let mut puppet = app.puppet().await;
    let claimed = puppet.claim(10).await;
    let held = claimed.iter().find(|claimed| claimed.held.delivery == id).expect("it was claimed").held;
    let other = forged(held, |held| (held.delivery.receiver, held.lane.receiver) = (mail, mail));
    let between = forged(held, |held| held.position += 50);
    let renewed = db.store.renew(&[other, between, held], LEASE).await.expect("renews");
    assert_eq!(renewed, [Renewed::Lost, Renewed::Lost, Renewed::Kept]);
    let released = db.store.release(&[other, between, held]).await.expect("releases");
    assert_eq!(released, [Finished::Stale, Finished::Stale, Finished::Done]);
}

/// I6: every part of what names a held delivery is part of the guard.
pub async fn i6_a_holder_of_anything_else_than_the_claim_is_told_so<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let [id] = app.deliver(&paid(7), [&SHIP]).await;
    let mut puppet = app.puppet().await;
    let claimed = puppet.claim_one().await;
    let next = puppet.tokens.draw().expect("tokens are left");
    for held in [
        forged(claimed.held, |held| held.token = next),
        forged(claimed.held, |held| held.life += 1),
        forged(claimed.held, |held| held.position += 1),
        forged(claimed.held, |held| held.lane.version += 1),
    ] {
        let mut other = claimed.clone();
        other.held = held;
        assert_eq!(puppet.ack(&other).await, Finished::Stale, "{held:?}");
        assert_eq!(puppet.fail(&other, retry_in(1)).await, Finished::Stale, "{held:?}");
        assert_eq!(puppet.snooze(&other, 1).await, Finished::Stale, "{held:?}");
        assert_eq!(puppet.release(&other).await, Finished::Stale, "{held:?}");
    }
    assert_eq!(db.state(id).await, State::Running);
    assert_eq!(puppet.ack(&claimed).await, Finished::Done);
}

/// I6: the token of an earlier attempt of the same worker is an old token too.
pub async fn i6_the_token_of_an_earlier_attempt_matches_nothing<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let [id] = app.deliver(&paid(7), [&SHIP]).await;
    let mut puppet = app.puppet().await;
    let first = puppet.claim_one().await;
    puppet.release(&first).await;
    let second = puppet.claim_one().await;
    assert_eq!(puppet.ack(&first).await, Finished::Stale);
    assert_eq!(db.state(id).await, State::Running);
    assert_eq!(puppet.ack(&second).await, Finished::Done);
}

/// T5.
pub async fn t5_a_failed_attempt_is_recorded_and_comes_back_later<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let [id] = app.deliver(&paid(7), [&SHIP]).await;
    let mut puppet = app.puppet().await;
    let claimed = puppet.claim_one().await;
    db.advance(2);
    assert_eq!(puppet.fail(&claimed, retry_in(30)).await, Finished::Done);
    let detail = db.get(id).await;
    assert_eq!((detail.summary.state, detail.summary.worker), (State::Ready, None));
    assert_eq!(detail.summary.due_at, Some(db.now().saturating_add(Duration::from_secs(30))));
    let attempt = &detail.attempts[0];
    assert_eq!((attempt.life, attempt.attempt, attempt.outcome), (0, 1, AttemptOutcome::Error));
    assert_eq!((&*attempt.error, attempt.worker), ("boom", puppet.tokens.incarnation()));
    assert_eq!((attempt.ended_at, attempt.ran), (db.now(), Some(Duration::from_millis(5))));
}

/// T5: without attempts left it is a dead letter, with its payload and every error.
pub async fn t5_a_delivery_without_attempts_left_is_a_dead_letter<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let [id] = app.deliver(&paid(7), [&SHIP]).await;
    let mut puppet = app.puppet().await;
    for fate in [retry_in(0), retry_in(0), Fate::Dead(DeathReason::Exhausted)] {
        let claimed = puppet.claim_one().await;
        assert_eq!(puppet.fail(&claimed, fate).await, Finished::Done);
    }
    let detail = db.get(id).await;
    assert_eq!((detail.summary.state, detail.summary.death), (State::Dead, Some(DeathReason::Exhausted)));
    assert_eq!((detail.summary.settled_at, detail.summary.due_at), (Some(db.now()), None));
    assert_eq!(detail.attempts.iter().map(|attempt| attempt.attempt).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(detail.signal.expect("the payload is kept").payload, br#"{"order":7}"#);
    assert_eq!(puppet.steal(10).await.claimed.len(), 0);
}

/// T5: failures of one batch go their own ways.
pub async fn t5_failures_of_one_batch_go_where_each_ones_fate_says<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    for order in 0..3 {
        app.send(&paid(order)).await;
    }
    let claimed = app.puppet().await.claim(10).await;
    db.cancel(claimed[1].held.delivery, "ops").await.expect("cancels");
    let fates = [retry_in(60), retry_in(60), Fate::Dead(DeathReason::Discarded)];
    let batch: Vec<_> = claimed.iter().zip(fates).map(|(claimed, fate)| failed(claimed, fate)).collect();
    let answers = db.store.fail(&batch).await.expect("fails");
    assert_eq!(answers, [Finished::Done, Finished::Stale, Finished::Done]);
    assert_eq!(db.states().await, [State::Ready, State::Cancelled, State::Dead]);
}

/// T6: it was no attempt.
pub async fn t6_a_snoozed_delivery_comes_back_with_its_attempt_refunded<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let [id] = app.deliver(&paid(7), [&SHIP]).await;
    let mut puppet = app.puppet().await;
    let claimed = puppet.claim_one().await;
    assert_eq!(puppet.snooze(&claimed, 60).await, Finished::Done);
    let detail = db.get(id).await;
    assert_eq!((detail.summary.state, detail.attempts.len()), (State::Ready, 0));
    assert_eq!((detail.summary.counters.attempt, detail.summary.counters.refunds), (0, 1));
    db.advance(59);
    assert_eq!(puppet.claim(10).await.len(), 0);
    db.advance(1);
    assert_eq!(puppet.claim_one().await.counters.attempt, 1);
}

/// T7.
pub async fn t7_a_discarded_delivery_is_a_dead_letter_at_once<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let [id] = app.deliver(&paid(7), [&SHIP]).await;
    let mut puppet = app.puppet().await;
    let claimed = puppet.claim_one().await;
    puppet.fail(&claimed, Fate::Dead(DeathReason::Discarded)).await;
    let detail = db.get(id).await;
    assert_eq!((detail.summary.state, detail.summary.death), (State::Dead, Some(DeathReason::Discarded)));
    assert_eq!((detail.attempts.len(), detail.attempts[0].outcome), (1, AttemptOutcome::Discard));
}

/// W17: with the raw payload, to be retried when the receiver can read it.
pub async fn w17_an_undecodable_delivery_keeps_its_payload_and_can_be_retried<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let [id] = app.deliver(&paid(7), [&SHIP]).await;
    let mut puppet = app.puppet().await;
    let claimed = puppet.claim_one().await;
    let outcome = AttemptOutcome::Undecodable;
    let dead = Failed { outcome, ..failed(&claimed, Fate::Dead(DeathReason::Undecodable)) };
    db.store.fail(&[dead]).await.expect("fails");
    let detail = db.get(id).await;
    assert_eq!((detail.summary.death, detail.attempts[0].outcome), (Some(DeathReason::Undecodable), outcome));
    assert_eq!(detail.signal.expect("the payload is kept").payload, br#"{"order":7}"#);
    db.retry(id, "ops").await.expect("a fixed receiver gets another chance");
    assert_eq!(puppet.claim_one().await.signal.payload, br#"{"order":7}"#);
}

/// T8: shutting down costs nothing.
pub async fn t8_a_released_delivery_is_ready_at_once_with_its_attempt_refunded<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let [id] = app.deliver(&paid(7), [&SHIP]).await;
    let mut puppet = app.puppet().await;
    let claimed = puppet.claim_one().await;
    assert_eq!(puppet.release(&claimed).await, Finished::Done);
    let shown = db.get(id).await.summary;
    assert_eq!((shown.state, shown.worker, shown.lease_until), (State::Ready, None, None));
    assert_eq!((shown.counters.attempt, shown.counters.refunds), (0, 1));
    assert_eq!(app.puppet().await.claim_one().await.counters.attempt, 1);
}

/// I8: snoozes and releases share their hundred.
pub async fn i8_a_life_has_a_hundred_refunds_and_then_each_costs_an_attempt<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let [id] = app.deliver(&paid(7), [&SHIP]).await;
    let mut puppet = app.puppet().await;
    for n in 0..MAX_REFUNDS {
        let claimed = puppet.claim_one().await;
        assert_eq!(claimed.counters.attempt, 1, "after {n} refunds");
        let finished = if n % 2 == 0 { puppet.release(&claimed).await } else { puppet.snooze(&claimed, 0).await };
        assert_eq!(finished, Finished::Done);
    }
    for spent in 1..=2 {
        let claimed = puppet.claim_one().await;
        assert_eq!((claimed.counters.attempt, claimed.counters.refunds), (spent, MAX_REFUNDS));
        puppet.snooze(&claimed, 0).await;
    }
    assert_eq!(db.get(id).await.summary.counters.attempt, 2);
}

/// I10.
pub async fn i10_the_failure_of_one_receiver_leaves_the_others_alone<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP, &MAIL]).await;
    let [ship, mail] = app.deliver(&paid(7), [&SHIP, &MAIL]).await;
    let before = db.get(mail).await.summary;
    let mut puppet = app.puppet().await;
    let lane = before.lane;
    let claimed = puppet.claim_with(10, |claim| claim.lanes.retain(|other| other.lane != lane)).await.claimed;
    puppet.fail(&claimed[0], Fate::Dead(DeathReason::Discarded)).await;
    assert_eq!((db.state(ship).await, db.get(mail).await.summary), (State::Dead, before));
}

/// I13: whatever it says.
pub async fn i13_a_failure_is_recorded_whatever_its_error_says<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let [id] = app.deliver(&paid(7), [&SHIP]).await;
    let mut puppet = app.puppet().await;
    let hostile = ["", "a\0b", "\u{1b}[31mred\u{1b}[0m", "'; DROP TABLE delivery; --", "%s{}\\ \u{fffe}\u{10ffff}"];
    let long = "é".repeat(1_000_000);
    for text in hostile.into_iter().chain([&*long]) {
        let claimed = puppet.claim_one().await;
        let error = outcome::clean(text);
        let batch = [Failed { error: error.clone(), ..failed(&claimed, retry_in(0)) }];
        assert_eq!(db.store.fail(&batch).await.expect("recorded"), [Finished::Done]);
        assert_eq!(db.get(id).await.attempts.last().expect("recorded").error, error);
    }
}

/// D9: numbers that no clock holds.
pub async fn d9_extreme_durations_overflow_nothing<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    app.send(&paid(1)).await;
    app.send(&paid(2)).await;
    let mut puppet = app.puppet().await;
    let claimed = puppet.claim(10).await;
    let fate = Fate::Retry { delay: Duration::MAX };
    let batch = [Failed { ran: Duration::MAX, ..failed(&claimed[0], fate) }];
    assert_eq!(db.store.fail(&batch).await.expect("recorded"), [Finished::Done]);
    let batch = [Snoozed { held: claimed[1].held, delay: Duration::from_secs(u64::MAX) }];
    assert_eq!(db.store.snooze(&batch).await.expect("snoozed"), [Finished::Done]);
    for delivery in db.all().await {
        assert_eq!(delivery.due_at, Some(db.now().saturating_add(MAX_DELAY)), "ten years are for ever");
    }
    db.advance(9 * 31_557_600);
    assert_eq!(puppet.claim(10).await.len(), 0, "both are due in ten years");
}

/// I9: whoever comes back stands behind those that wait.
pub async fn i9_a_retry_stands_behind_what_was_there_already<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let mut puppet = app.puppet().await;
    let first = app.send(&paid(1)).await.signal_id;
    let claimed = puppet.claim_one().await;
    let second = app.send(&paid(2)).await.signal_id;
    puppet.fail(&claimed, retry_in(0)).await;
    let order: Vec<_> = puppet.claim(10).await.iter().map(|claimed| claimed.held.delivery.signal).collect();
    assert_eq!(order, [second, first]);
}
