//! T10, T11, W20: what people decide about deliveries.

use std::time::Duration;

use signals_core::Error;
use signals_core::delivery::{Counters, DeliveryId, SignalId, State};
use signals_core::store::{DeathReason, Fate, Finished, Renewed};

use crate::fixtures::{MAIL, SHIP, paid};
use crate::harness::{acked, retry_in};
use crate::{App, Db, Harness};

/// A dead letter of `SHIP`.
async fn dead<H: Harness>(app: &App<H>) -> DeliveryId {
    let [id] = app.deliver(&paid(7), [&SHIP]).await;
    let mut puppet = app.puppet().await;
    let claimed = puppet.claim_one().await;
    puppet.fail(&claimed, Fate::Dead(DeathReason::Exhausted)).await;
    id
}

/// T10.
pub async fn t10_a_ready_delivery_can_be_cancelled_and_is_never_run<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP, &MAIL]).await;
    let [ship, mail] = app.deliver(&paid(7), [&SHIP, &MAIL]).await;
    db.advance(5);
    db.cancel(ship, "ops@shop").await.expect("cancels");
    let shown = db.get(ship).await.summary;
    assert_eq!((shown.state, shown.actor.as_deref()), (State::Cancelled, Some("ops@shop")));
    assert_eq!(shown.settled_at, Some(db.now()));
    assert_eq!(app.puppet().await.claim_one().await.held.delivery, mail, "the other's goes on");
}

/// T10.
pub async fn t10_a_scheduled_delivery_can_be_cancelled<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let [id] = app.deliver(&paid(7), [&SHIP]).await;
    let mut puppet = app.puppet().await;
    let claimed = puppet.claim_one().await;
    puppet.fail(&claimed, retry_in(60)).await;
    db.cancel(id, "ops").await.expect("cancels");
    db.advance(61);
    assert_eq!(puppet.steal(10).await.claimed.len(), 0);
    let detail = db.get(id).await;
    assert_eq!((detail.summary.state, detail.summary.due_at, detail.attempts.len()), (State::Cancelled, None, 1));
}

/// T10: at once, whoever runs it.
pub async fn t10_a_running_delivery_can_be_cancelled_and_its_runner_is_told<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let [id] = app.deliver(&paid(7), [&SHIP]).await;
    let mut puppet = app.puppet().await;
    let claimed = puppet.claim_one().await;
    db.cancel(id, "ops").await.expect("cancels");
    assert_eq!(puppet.renew(&claimed).await, Renewed::Lost);
    assert_eq!(puppet.ack(&claimed).await, Finished::Stale);
    assert_eq!(puppet.fail(&claimed, retry_in(1)).await, Finished::Stale);
    assert_eq!(db.state(id).await, State::Cancelled);
}

/// T10.
pub async fn t10_a_discard_by_hand_makes_a_dead_letter<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP, &MAIL]).await;
    let [ship, mail] = app.deliver(&paid(7), [&SHIP, &MAIL]).await;
    let mut puppet = app.puppet().await;
    let claimed = puppet.claim(10).await;
    puppet.release(&claimed[0]).await;
    for id in [ship, mail] {
        db.discard(id, "ops").await.expect("discards, ready or running");
        let detail = db.get(id).await;
        assert_eq!((detail.summary.state, detail.summary.death), (State::Dead, Some(DeathReason::ByHand)));
        assert_eq!(detail.summary.actor.as_deref(), Some("ops"));
        assert!(detail.signal.is_some());
    }
    assert_eq!(puppet.ack(&claimed[1]).await, Finished::Stale);
}

/// T10, W20.
pub async fn t10_what_is_settled_can_be_neither_cancelled_nor_discarded<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let id = dead(&app).await;
    for (error, verb) in [
        (db.cancel(id, "ops").await.expect_err("is dead"), "cancel"),
        (db.discard(id, "ops").await.expect_err("is dead"), "discard"),
    ] {
        let Error::WrongState { delivery, state: State::Dead, verb: said } = error else { panic!("{error:?}") };
        assert_eq!((delivery, said), (id, verb));
    }
    assert_eq!(db.get(id).await.summary.death, Some(DeathReason::Exhausted));
}

/// T10, T11.
pub async fn t10_what_does_not_exist_is_not_found<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let [real] = app.deliver(&paid(7), [&SHIP]).await;
    let id = DeliveryId { signal: SignalId(real.signal.0 + 1_000), ..real };
    for error in [
        db.cancel(id, "ops").await.expect_err("is nothing"),
        db.discard(id, "ops").await.expect_err("is nothing"),
        db.retry(id, "ops").await.expect_err("is nothing"),
    ] {
        assert!(matches!(error, Error::NotFound { delivery } if delivery == id), "{error:?}");
    }
    assert!(db.find(id).await.is_none());
}

/// T11: another life, from zero.
pub async fn t11_a_dead_letter_retried_by_hand_begins_another_life<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let id = dead(&app).await;
    db.retry(id, "ops").await.expect("retries");
    let detail = db.get(id).await;
    assert_eq!((detail.summary.state, detail.summary.life), (State::Ready, 1));
    assert_eq!((detail.summary.counters, detail.summary.death), (Counters::default(), None));
    assert_eq!((detail.summary.settled_at, detail.summary.actor.as_deref()), (None, Some("ops")));
    assert_eq!(detail.attempts.len(), 1, "its history is kept");
    let claimed = app.puppet().await.claim_one().await;
    assert_eq!((claimed.held.delivery, claimed.held.life, claimed.counters.attempt), (id, 1, 1));
}

/// T11.
pub async fn t11_a_cancelled_delivery_can_be_retried_by_hand<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let [id] = app.deliver(&paid(7), [&SHIP]).await;
    db.cancel(id, "ops").await.expect("cancels");
    db.retry(id, "boss").await.expect("retries");
    assert_eq!(db.get(id).await.summary.actor.as_deref(), Some("boss"));
    let mut puppet = app.puppet().await;
    let claimed = puppet.claim_one().await;
    assert_eq!(puppet.ack(&claimed).await, Finished::Done);
    let shown = db.get(id).await.summary;
    assert_eq!((shown.state, shown.life), (State::Done, 1));
}

/// T11: what is done is done, and what is under way needs no help.
pub async fn t11_only_the_dead_and_the_cancelled_can_be_retried_by_hand<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let [id] = app.deliver(&paid(7), [&SHIP]).await;
    let mut puppet = app.puppet().await;
    let refusal = async || db.retry(id, "ops").await.expect_err("is not settled, or done");
    assert!(matches!(refusal().await, Error::WrongState { state: State::Ready, verb: "retry", .. }));
    let claimed = puppet.claim_one().await;
    assert!(matches!(refusal().await, Error::WrongState { state: State::Running, .. }));
    puppet.ack(&claimed).await;
    assert!(matches!(refusal().await, Error::WrongState { state: State::Done, .. }));
    assert_eq!((db.state(id).await, db.get(id).await.summary.life), (State::Done, 0));
}

/// T11, T13: a dead letter pins no signal, and brings it back.
pub async fn t11_a_retry_by_hand_puts_a_forgotten_signal_back_under_its_id<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let id = dead(&app).await;
    assert_eq!(db.store.forget(Duration::ZERO, 10).await.expect("forgets").0, 1);
    db.retry(id, "ops").await.expect("retries");
    let mut puppet = app.puppet().await;
    let claimed = puppet.claim_one().await;
    assert_eq!((claimed.signal.id, &*claimed.signal.name), (id.signal, "shop.paid"));
    assert_eq!(claimed.signal.payload, br#"{"order":7}"#);
    db.store.ack(&[acked(&claimed, true)]).await.expect("acknowledges");
    assert!(db.get(id).await.signal.is_some(), "the signal is remembered again");
}

/// T11, I6: the runner of an earlier life is nobody.
pub async fn i6_the_holder_of_an_earlier_life_is_told_so<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let [id] = app.deliver(&paid(7), [&SHIP]).await;
    let mut old = app.puppet().await;
    let before = old.claim_one().await;
    db.cancel(id, "ops").await.expect("cancels");
    db.retry(id, "ops").await.expect("retries");
    assert_eq!(old.ack(&before).await, Finished::Stale);
    let mut new = app.puppet().await;
    let now = new.claim_one().await;
    assert_eq!(old.ack(&before).await, Finished::Stale);
    assert_eq!(new.ack(&now).await, Finished::Done);
}

/// T11, I8: the bounds are per life.
pub async fn t11_attempts_are_told_apart_by_their_lives<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let id = dead(&app).await;
    let mut puppet = app.puppet().await;
    for _ in 0..2 {
        db.retry(id, "ops").await.expect("retries");
        let claimed = puppet.claim_one().await;
        puppet.fail(&claimed, Fate::Dead(DeathReason::Exhausted)).await;
    }
    let attempts = db.get(id).await.attempts;
    let numbers: Vec<_> = attempts.iter().map(|attempt| (attempt.life, attempt.attempt)).collect();
    assert_eq!(numbers, [(0, 1), (1, 1), (2, 1)]);
}

/// W20: of two hands one wins, the other is told.
pub async fn w20_of_two_retries_by_hand_one_wins<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let id = dead(&app).await;
    let (a, b) = tokio::join!(db.retry(id, "a"), db.retry(id, "b"));
    let refused: Vec<_> = [a, b].into_iter().filter_map(Result::err).collect();
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert!(matches!(refused[0], Error::WrongState { .. }) || refused[0].is_retryable(), "{refused:?}");
    assert_eq!(db.get(id).await.summary.life, 1);
}

/// W20: a cancel and a completion.
pub async fn w20_of_a_cancel_and_a_completion_one_wins<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    for completion_first in [false, true] {
        let [id] = app.deliver(&paid(7), [&SHIP]).await;
        let mut puppet = app.puppet().await;
        let claimed = puppet.claim_one().await;
        let (cancelled, finished) = if completion_first {
            let (finished, cancelled) = tokio::join!(puppet.ack(&claimed), db.cancel(id, "ops"));
            (cancelled, finished)
        } else {
            tokio::join!(db.cancel(id, "ops"), puppet.ack(&claimed))
        };
        let state = db.state(id).await;
        match finished {
            Finished::Done => assert!(cancelled.is_err() && state == State::Done, "{cancelled:?} {state}"),
            Finished::Stale => assert!(cancelled.is_ok() && state == State::Cancelled, "{cancelled:?} {state}"),
        }
    }
}
