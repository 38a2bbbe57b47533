//! S2, S16, E12: idempotency keys.

use std::time::Duration;

use signals_core::store::Retention;
use signals_core::{Backend, Error, Outgoing, Receipt, Result, SendBatch, Signal};

use crate::fixtures::{Paid, PaidV2, Refunded, SHIP, Settled, paid};
use crate::{App, Db, Harness};

async fn send_under<H: Harness, S: Signal>(app: &App<H>, key: &str, signal: &S) -> Result<Receipt> {
    let mut tx = app.begin().await;
    let receipt = signal.send(&mut tx).idempotency_key(key).await?;
    tx.commit().await?;
    Ok(receipt)
}

/// E12, S2.
pub async fn e12_the_same_send_repeated_adds_nothing_and_gets_the_firsts_receipt<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let first = send_under(&app, "order 7", &paid(7)).await.expect("sends");
    let second = send_under(&app, "order 7", &paid(7)).await.expect("repeats");
    assert_eq!((first.repeated, second.repeated), (false, true));
    assert_eq!((second.signal_id, second.deliveries), (first.signal_id, first.deliveries));
    assert_eq!(db.all().await.len(), 1);
}

/// E12.
pub async fn e12_a_repetition_within_one_transaction_adds_nothing<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let mut tx = app.begin().await;
    let first = paid(7).send(&mut tx).idempotency_key("order 7").await.expect("sends");
    let second = paid(7).send(&mut tx).idempotency_key("order 7").await.expect("repeats");
    tx.commit().await.expect("commits");
    assert_eq!((second.signal_id, second.repeated), (first.signal_id, true));
    assert_eq!(db.all().await.len(), 1);
}

/// E12.
pub async fn e12_other_keys_are_other_sends<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    for key in ["a", "A", "a ", "ä"] {
        assert!(!send_under(&app, key, &paid(7)).await.expect("sends").repeated, "{key:?}");
    }
    assert_eq!(db.all().await.len(), 4);
}

/// E12: a receipt outlives what it is about.
pub async fn e12_a_repetition_after_completion_adds_nothing<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let first = send_under(&app, "order 7", &paid(7)).await.expect("sends");
    let mut puppet = app.puppet().await;
    let claimed = puppet.claim_one().await;
    db.store.ack(&[crate::harness::acked(&claimed, false)]).await.expect("acknowledges");
    db.store.forget(Duration::ZERO, 10).await.expect("forgets");
    let second = send_under(&app, "order 7", &paid(7)).await.expect("repeats");
    assert_eq!((second.signal_id, second.deliveries, second.repeated), (first.signal_id, 1, true));
    assert!(db.all().await.is_empty());
}

/// S16.
pub async fn s16_the_same_key_with_another_payload_is_a_typed_error<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    send_under(&app, "order 7", &paid(7)).await.expect("sends");
    let error = send_under(&app, "order 7", &paid(8)).await.expect_err("another payload");
    assert!(matches!(&error, Error::KeyReused { key } if key == "order 7"), "{error:?}");
    assert!(!error.is_retryable());
    assert_eq!(db.all().await.len(), 1);
}

/// S16: what a receiver would read decides, not the version that it is labelled with.
pub async fn s16_the_same_key_with_the_same_bytes_in_another_version_is_a_repetition<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let first = send_under(&app, "order 7", &paid(7)).await.expect("sends");
    let mut again = Outgoing::new(&paid(7));
    (again.def, again.key) = (PaidV2::DEF, Some("order 7".to_owned()));
    let mut tx = app.begin().await;
    let batch = SendBatch { signals: vec![again], context: tx.context.clone() };
    let receipts = <H::Backend as Backend>::send(tx.conn(), &batch).await.expect("repeats");
    tx.commit().await.expect("commits");
    assert_eq!((receipts[0].signal_id, receipts[0].repeated), (first.signal_id, true));
    assert_eq!(db.all().await.len(), 1);
}

/// S16, I15: within one batch too a signal is itself under its old name.
pub async fn s16_a_key_repeated_under_the_signals_new_name_is_a_repetition<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let keyed = |mut signal: Outgoing| {
        signal.key = Some("order 7".to_owned());
        signal
    };
    let signals = vec![keyed(Outgoing::new(&paid(7))), keyed(Outgoing::new(&Settled { order: 7 }))];
    let mut tx = app.begin().await;
    let batch = SendBatch { signals, context: tx.context.clone() };
    let receipts = <H::Backend as Backend>::send(tx.conn(), &batch).await.expect("repeats");
    tx.commit().await.expect("commits");
    assert_eq!((receipts[1].signal_id, receipts[1].repeated), (receipts[0].signal_id, true));
    assert_eq!(db.all().await.len(), 1);
}

/// S16.
pub async fn s16_the_same_key_for_another_signal_is_a_typed_error<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    send_under(&app, "order 7", &paid(7)).await.expect("sends");
    let error = send_under(&app, "order 7", &Refunded { order: 7 }).await.expect_err("another signal");
    assert!(matches!(error, Error::KeyReused { .. }), "{error:?}");
}

/// S16: one stores; the other gets its receipt, or a typed error that says "again".
pub async fn s16_of_two_concurrent_sends_with_one_key_one_stores<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let outcomes = if db.single_writer() {
        let signal = paid(7);
        let (a, b) = tokio::join!(send_under(&app, "k", &signal), send_under(&app, "k", &signal));
        [a, b]
    } else {
        let (mut first, mut second) = (app.begin().await, app.begin().await);
        let stored = paid(7).send(&mut first).idempotency_key("k").await;
        // The second is asked while the first is still under way.
        let (other, committed) =
            tokio::join!(async { paid(7).send(&mut second).idempotency_key("k").await }, first.commit());
        if other.is_ok() {
            second.commit().await.expect("commits");
        } else {
            second.rollback().await;
        }
        [committed.and(stored), other]
    };
    let stored = outcomes.iter().flatten().filter(|receipt| !receipt.repeated).count();
    assert_eq!((stored, db.all().await.len()), (1, 1), "{outcomes:?}");
    let signals = || outcomes.iter().flatten().map(|receipt| receipt.signal_id);
    assert!(signals().all(|id| Some(id) == signals().next()), "{outcomes:?}");
    assert!(outcomes.iter().all(|outcome| outcome.as_ref().err().is_none_or(Error::is_retryable)), "{outcomes:?}");
}

/// I1: one used key refuses the batch, and what was before it.
pub async fn i1_a_batch_with_one_used_key_stores_none<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    send_under(&app, "used", &paid(7)).await.expect("sends");
    let mut tx = app.begin().await;
    let signals = [None, Some("fresh"), Some("used")].map(|key| {
        let mut signal = Outgoing::new(&paid(8));
        signal.key = key.map(str::to_owned);
        signal
    });
    let batch = SendBatch { signals: signals.into(), context: tx.context.clone() };
    let error = <H::Backend as Backend>::send(tx.conn(), &batch).await.expect_err("the last key was used");
    let _ = tx.commit().await;
    assert!(matches!(error, Error::KeyReused { .. }), "{error:?}");
    assert_eq!(db.all().await.len(), 1);
    assert!(!send_under(&app, "fresh", &paid(9)).await.expect("the key is free").repeated);
}

/// S16: a key that is held, not stored, gives way to nobody and answers at once or after a wait, with a typed error.
pub async fn s16_a_key_in_a_transaction_in_progress_is_free_when_that_rolls_back<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let mut tx = app.begin().await;
    paid(7).send(&mut tx).idempotency_key("k").await.expect("sends");
    tx.rollback().await;
    assert!(!send_under(&app, "k", &paid(8)).await.expect("the key is free").repeated);
}

/// E11, E12.
pub async fn e12_a_key_in_a_savepoint_rolled_back_is_free<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let mut tx = app.begin().await;
    tx.savepoint().await;
    paid(7).send(&mut tx).idempotency_key("k").await.expect("sends");
    tx.undo().await;
    let receipt = paid(8).send(&mut tx).idempotency_key("k").await.expect("the key is free");
    tx.commit().await.expect("commits");
    assert!(!receipt.repeated);
    assert_eq!(db.all().await.len(), 1);
}

/// E12: for as long as its retention, and no longer.
pub async fn e12_a_key_is_free_again_after_its_retention<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let first = send_under(&app, "k", &paid(7)).await.expect("sends");
    let forever = Duration::from_secs(1_000_000);
    let week = Duration::from_secs(7 * 86_400);
    let retention = Retention { done: forever, cancelled: forever, dead: None, keys: week };
    db.advance(week.as_secs() - 1);
    assert_eq!(db.store.prune(&retention, 10, None).await.expect("prunes").keys, 0);
    assert!(send_under(&app, "k", &paid(7)).await.expect("repeats").repeated);
    db.advance(2);
    assert_eq!(db.store.prune(&retention, 10, None).await.expect("prunes").keys, 1);
    let second = send_under(&app, "k", &paid(7)).await.expect("sends");
    assert!(!second.repeated && second.signal_id > first.signal_id, "ids are never used twice");
}

/// E12: 1 to 200 bytes without NUL.
pub async fn e12_a_key_that_no_database_can_hold_is_a_typed_error<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    for key in ["", &"k".repeat(201), "a\0b"] {
        let error = send_under(&app, key, &Paid { order: 7 }).await.expect_err("not a key");
        assert!(matches!(error, Error::KeyInvalid), "{error:?}");
    }
    assert!(db.all().await.is_empty());
    send_under(&app, &"ä".repeat(100), &paid(7)).await.expect("200 bytes are a key");
}
