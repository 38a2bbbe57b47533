//! T12, T13, I2: what time forgets, and what it must not.

use std::time::Duration;

use signals_core::Signal as _;
use signals_core::delivery::State;
use signals_core::store::{DeathReason, Fate, Retention};

use crate::fixtures::{MAIL, SHIP, paid};
use crate::harness::acked;
use crate::{Db, Harness};

const DAY: Duration = Duration::from_secs(86_400);

/// Completions a day, cancellations two, dead letters and keys for ever.
const RETENTION: Retention =
    Retention { done: DAY, cancelled: Duration::from_secs(2 * 86_400), dead: None, keys: Duration::MAX };

/// A database with one done, one dead and one cancelled delivery, in this order.
async fn settled<H: Harness>(db: &Db<H>) {
    let app = db.app(&[&SHIP]).await;
    for order in 0..3 {
        app.send(&paid(order)).await;
    }
    let mut puppet = app.puppet().await;
    let claimed = puppet.claim(10).await;
    puppet.ack(&claimed[0]).await;
    puppet.fail(&claimed[1], Fate::Dead(DeathReason::Exhausted)).await;
    db.cancel(claimed[2].held.delivery, "ops").await.expect("cancels");
}

/// T12: each state has its own.
pub async fn t12_what_is_settled_is_forgotten_after_its_retention<H: Harness>(db: Db<H>) {
    settled(&db).await;
    db.advance(DAY.as_secs() - 1);
    assert_eq!(db.store.prune(&RETENTION, 100, None).await.expect("prunes").deliveries, 0);
    db.advance(2);
    assert_eq!(db.store.prune(&RETENTION, 100, None).await.expect("prunes").deliveries, 1);
    assert_eq!(db.states().await, [State::Dead, State::Cancelled]);
    db.advance(DAY.as_secs());
    assert_eq!(db.store.prune(&RETENTION, 100, None).await.expect("prunes").deliveries, 1);
    assert_eq!(db.states().await, [State::Dead]);
}

/// T12, I2: never by default.
pub async fn t12_dead_letters_are_forgotten_by_explicit_retention_alone<H: Harness>(db: Db<H>) {
    settled(&db).await;
    db.advance(DAY.as_secs() * 1_000);
    db.store.prune(&RETENTION, 100, None).await.expect("prunes");
    assert_eq!(db.states().await, [State::Dead]);
    let explicit = Retention { dead: Some(DAY), ..RETENTION };
    assert_eq!(db.store.prune(&explicit, 100, None).await.expect("prunes").deliveries, 1);
    assert!(db.all().await.is_empty());
}

/// T12, I2: nothing that is under way is ever forgotten.
pub async fn t12_what_is_not_settled_is_never_forgotten<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    for order in 0..3 {
        app.send(&paid(order)).await;
    }
    let mut puppet = app.puppet().await;
    let claimed = puppet.claim(2).await;
    puppet.fail(&claimed[1], crate::harness::retry_in(1_000_000_000)).await;
    db.advance(DAY.as_secs() * 1_000);
    let nothing =
        Retention { done: Duration::ZERO, cancelled: Duration::ZERO, dead: Some(Duration::ZERO), keys: Duration::ZERO };
    assert_eq!(db.store.prune(&nothing, 100, None).await.expect("prunes").deliveries, 0);
    assert_eq!(db.store.forget(Duration::ZERO, 100).await.expect("forgets").0, 0);
    assert_eq!(db.states().await, [State::Running, State::Ready, State::Ready]);
}

/// T12: in bounded batches.
pub async fn t12_a_prune_forgets_at_most_its_limit<H: Harness>(db: Db<H>) {
    settled(&db).await;
    let all = Retention { dead: Some(DAY), ..RETENTION };
    db.advance(DAY.as_secs() * 3);
    assert_eq!(db.store.prune(&all, 2, None).await.expect("prunes").deliveries, 2);
    assert_eq!(db.store.prune(&all, 2, None).await.expect("prunes").deliveries, 1);
    assert_eq!(db.store.prune(&all, 2, None).await.expect("prunes").deliveries, 0);
}

/// T12: a delivery's attempts go with it; a later delivery does not inherit them.
pub async fn t12_attempts_are_forgotten_with_their_delivery<H: Harness>(db: Db<H>) {
    settled(&db).await;
    let id = db.all().await[1].id;
    assert_eq!(db.get(id).await.attempts.len(), 1);
    db.advance(DAY.as_secs() * 3);
    db.store.prune(&Retention { dead: Some(DAY), ..RETENTION }, 100, None).await.expect("prunes");
    assert!(db.find(id).await.is_none());
}

/// T13.
pub async fn t13_a_signal_is_forgotten_when_it_is_old_and_nothing_refers_to_it<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    app.send(&paid(7)).await;
    let claimed = app.puppet().await.claim_one().await;
    db.store.ack(&[acked(&claimed, false)]).await.expect("acknowledges");
    db.advance(DAY.as_secs() - 1);
    assert_eq!(db.store.forget(DAY, 10).await.expect("forgets").0, 0, "too young");
    db.advance(2);
    assert_eq!(db.store.forget(DAY, 10).await.expect("forgets").0, 1);
    assert_eq!(db.store.forget(DAY, 10).await.expect("forgets").0, 0);
}

/// T13: one pending delivery keeps it.
pub async fn t13_a_signal_is_kept_while_one_delivery_needs_it<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP, &MAIL]).await;
    app.send(&paid(7)).await;
    let mut puppet = app.puppet().await;
    let claimed = puppet.claim(10).await;
    db.store.ack(&[acked(&claimed[0], false)]).await.expect("acknowledges");
    puppet.fail(&claimed[1], crate::harness::retry_in(1)).await;
    db.advance(DAY.as_secs() * 30);
    assert_eq!(db.store.forget(DAY, 10).await.expect("forgets").0, 0, "it waits for its retry");
    let last = puppet.claim_one().await;
    assert_eq!(db.store.forget(DAY, 10).await.expect("forgets").0, 0, "it runs");
    assert_eq!(last.signal.payload, br#"{"order":7}"#);
    db.store.ack(&[acked(&last, false)]).await.expect("acknowledges");
    assert_eq!(db.store.forget(DAY, 10).await.expect("forgets").0, 1);
}

/// T13: scheduled far away.
pub async fn t13_a_signal_is_kept_for_a_delivery_that_is_due_in_years<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let mut tx = app.begin().await;
    paid(7).send(&mut tx).after(DAY * 1_000).await.expect("sends");
    tx.commit().await.expect("commits");
    db.advance(DAY.as_secs() * 999);
    assert_eq!(db.store.forget(DAY, 10).await.expect("forgets").0, 0);
    db.advance(DAY.as_secs());
    assert_eq!(app.puppet().await.claim_one().await.signal.payload, br#"{"order":7}"#);
}

/// T13: the dead and the cancelled carry their own payload.
pub async fn t13_dead_letters_and_cancellations_pin_nothing_and_keep_their_payload<H: Harness>(db: Db<H>) {
    settled(&db).await;
    db.advance(DAY.as_secs() * 30);
    assert_eq!(db.store.forget(DAY, 10).await.expect("forgets").0, 3);
    for (delivery, payload) in db.all().await.iter().zip([None, Some(br#"{"order":1}"#), Some(br#"{"order":2}"#)]) {
        if let Some(payload) = payload {
            let kept = db.get(delivery.id).await.signal.expect("carried along");
            assert_eq!((kept.payload, &*kept.name), (payload.to_vec(), "shop.paid"));
        }
    }
}

/// T13: in bounded batches, oldest or not.
pub async fn t13_a_forgetting_is_bounded<H: Harness>(db: Db<H>) {
    let app = db.app(&[]).await;
    for order in 0..5 {
        app.send(&paid(order)).await;
    }
    db.advance(DAY.as_secs() * 30);
    let mut counts = Vec::new();
    for _ in 0..4 {
        counts.push(db.store.forget(DAY, 2).await.expect("forgets").0);
    }
    assert_eq!(counts, [2, 2, 1, 0]);
}

/// I6: ids are never used again.
pub async fn i6_the_id_of_a_forgotten_signal_is_never_used_again<H: Harness>(db: Db<H>) {
    let app = db.app(&[]).await;
    let first = app.send(&paid(1)).await.signal_id;
    db.advance(DAY.as_secs() * 30);
    assert_eq!(db.store.forget(DAY, 10).await.expect("forgets").0, 1);
    assert!(app.send(&paid(2)).await.signal_id > first);
}
