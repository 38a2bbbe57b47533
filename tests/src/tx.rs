//! I5, W2, W3, W21: acknowledgements inside the receiver's own transaction.

use signals_core::delivery::State;
use signals_core::{Error, Signal as _};

use crate::fixtures::{BOOK, Refunded, SHIP, paid};
use crate::harness::LEASE;
use crate::{Db, Harness};

/// I5, T4: effects and acknowledgement are one.
pub async fn i5_effects_and_acknowledgement_commit_together<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let [id] = app.deliver(&paid(7), [&SHIP]).await;
    let claimed = app.puppet().await.claim_one().await;
    let mut tx = app.begin().await;
    tx.fence().await;
    db.write(&mut tx, "order 7", "shipped").await;
    tx.ack(&claimed).await.expect("acknowledges");
    tx.commit().await.expect("commits");
    assert_eq!((db.state(id).await, db.read("order 7").await.as_deref()), (State::Done, Some("shipped")));
}

/// I5, W3: neither is without the other.
pub async fn i5_neither_effects_nor_acknowledgement_survive_a_rollback<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let [id] = app.deliver(&paid(7), [&SHIP]).await;
    let mut puppet = app.puppet().await;
    let claimed = puppet.claim_one().await;
    for dropped in [false, true] {
        let mut tx = app.begin().await;
        tx.fence().await;
        db.write(&mut tx, "order 7", "shipped").await;
        tx.ack(&claimed).await.expect("acknowledges");
        if dropped {
            drop(tx);
        } else {
            tx.rollback().await;
        }
        assert_eq!((db.state(id).await, db.read("order 7").await), (State::Running, None));
    }
    assert_eq!(puppet.release(&claimed).await, signals_core::store::Finished::Done, "still the holder's");
}

/// T4: the acknowledgement is not seen before the commit.
pub async fn i5_an_acknowledgement_is_not_seen_before_its_commit<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let [id] = app.deliver(&paid(7), [&SHIP]).await;
    let claimed = app.puppet().await.claim_one().await;
    let mut tx = app.begin().await;
    tx.fence().await;
    tx.ack(&claimed).await.expect("acknowledges");
    assert_eq!(db.state(id).await, State::Running);
    tx.commit().await.expect("commits");
    assert_eq!(db.state(id).await, State::Done);
}

/// I6: the effects of whoever lost the delivery roll back.
pub async fn i6_a_transaction_under_an_old_token_cannot_acknowledge<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let [id] = app.deliver(&paid(7), [&SHIP]).await;
    let zombie = app.puppet().await.claim_one().await;
    db.advance(LEASE.as_secs() + 1);
    let mut thief = app.puppet().await;
    let stolen = thief.steal(10).await.claimed.remove(0);

    let mut tx = app.begin().await;
    tx.fence().await;
    db.write(&mut tx, "order 7", "shipped twice").await;
    let error = tx.ack(&zombie).await.expect_err("it is another's");
    assert!(matches!(error, Error::Stale { delivery } if delivery == id), "{error:?}");
    tx.rollback().await;

    let mut tx = app.begin().await;
    tx.fence().await;
    db.write(&mut tx, "order 7", "shipped").await;
    tx.ack(&stolen).await.expect("acknowledges");
    tx.commit().await.expect("commits");
    assert_eq!((db.state(id).await, db.read("order 7").await.as_deref()), (State::Done, Some("shipped")));
}

/// T10, I5: a cancelled delivery has no effects.
pub async fn i5_a_delivery_cancelled_while_it_runs_cannot_be_acknowledged<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let [id] = app.deliver(&paid(7), [&SHIP]).await;
    let claimed = app.puppet().await.claim_one().await;
    db.cancel(id, "ops").await.expect("cancels");
    let mut tx = app.begin().await;
    tx.fence().await;
    let error = tx.ack(&claimed).await.expect_err("it is cancelled");
    tx.rollback().await;
    assert!(matches!(error, Error::Stale { .. }), "{error:?}");
    assert_eq!(db.state(id).await, State::Cancelled);
}

/// I4: once.
pub async fn i4_one_transaction_acknowledges_a_delivery_once<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    app.send(&paid(7)).await;
    let claimed = app.puppet().await.claim_one().await;
    let mut tx = app.begin().await;
    tx.fence().await;
    tx.ack(&claimed).await.expect("acknowledges");
    let error = tx.ack(&claimed).await.expect_err("it did already");
    assert!(matches!(error, Error::Stale { .. } | Error::TransactionEnded), "{error:?}");
    tx.rollback().await;
}

/// S5, I5: a receiver may undo a part of what it did, and still be acknowledged.
pub async fn s5_a_receiver_that_rolled_a_savepoint_back_can_be_acknowledged<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let [id] = app.deliver(&paid(7), [&SHIP]).await;
    let claimed = app.puppet().await.claim_one().await;
    let mut tx = app.begin().await;
    tx.fence().await;
    db.write(&mut tx, "order 7", "shipped").await;
    tx.savepoint().await;
    db.write(&mut tx, "order 7", "lost").await;
    tx.undo().await;
    tx.ack(&claimed).await.expect("acknowledges");
    tx.commit().await.expect("commits");
    assert_eq!((db.state(id).await, db.read("order 7").await.as_deref()), (State::Done, Some("shipped")));
}

/// E13: what a receiver sends is an effect like any other.
pub async fn e13_what_a_receiver_sends_commits_with_its_acknowledgement<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP, &BOOK]).await;
    app.send(&paid(7)).await;
    let claimed = app.puppet().await.claim_one().await;
    for commit in [false, true] {
        let mut tx = app.begin().await;
        tx.fence().await;
        Refunded { order: 7 }.send(&mut tx).await.expect("sends");
        tx.ack(&claimed).await.expect("acknowledges");
        if commit {
            tx.commit().await.expect("commits");
            assert_eq!(db.states().await, [State::Done, State::Ready]);
        } else {
            tx.rollback().await;
            assert_eq!(db.states().await, [State::Running]);
        }
    }
}

/// W21: a receiver that ends the transaction it was lent acknowledges nothing.
pub async fn w21_an_ended_transaction_acknowledges_nothing<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let [id] = app.deliver(&paid(7), [&SHIP]).await;
    let claimed = app.puppet().await.claim_one().await;
    let mut tx = app.begin().await;
    tx.fence().await;
    db.write(&mut tx, "order 7", "shipped").await;
    if !H::commit_and_begin(tx.conn()).await.expect("the receiver's own COMMIT") {
        return;
    }
    let error = tx.ack(&claimed).await.expect_err("this is another transaction");
    assert!(matches!(error, Error::TransactionEnded), "{error:?}");
    tx.rollback().await;
    assert_eq!(db.state(id).await, State::Running);
}

/// W21: what a receiver sends after it ended its transaction is not stored by the way.
pub async fn w21_a_send_after_the_transaction_was_ended_rolls_back_with_the_rest<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP, &BOOK]).await;
    let [id] = app.deliver(&paid(7), [&SHIP]).await;
    let claimed = app.puppet().await.claim_one().await;
    let mut tx = app.begin().await;
    tx.fence().await;
    if !H::commit_and_begin(tx.conn()).await.expect("the receiver's own COMMIT") {
        return;
    }
    // Whether the send is refused or the acknowledgement alone: nothing of it stays.
    let _ = Refunded { order: 7 }.send(&mut tx).await;
    let error = tx.ack(&claimed).await.expect_err("this is another transaction");
    assert!(matches!(error, Error::TransactionEnded), "{error:?}");
    tx.rollback().await;
    assert_eq!((db.all().await.len(), db.state(id).await), (1, State::Running));
}

/// W20: a cancellation that meets an acknowledgement in progress.
pub async fn w20_a_cancel_that_meets_an_acknowledgement_in_progress_is_told<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let [id] = app.deliver(&paid(7), [&SHIP]).await;
    let claimed = app.puppet().await.claim_one().await;
    let mut tx = app.begin().await;
    tx.fence().await;
    tx.ack(&claimed).await.expect("acknowledges");
    let (cancelled, committed) = tokio::join!(db.cancel(id, "ops"), tx.commit());
    committed.expect("the acknowledgement was first");
    let error = cancelled.expect_err("the acknowledgement was first");
    let told = matches!(error, Error::WrongState { state: State::Done, .. }) || error.is_retryable();
    assert!(told, "{error:?}");
    assert_eq!(db.state(id).await, State::Done);
}

/// T9: nobody steals what is being acknowledged.
pub async fn t9_a_delivery_that_a_transaction_is_acknowledging_is_not_stolen<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let [id] = app.deliver(&paid(7), [&SHIP]).await;
    let claimed = app.puppet().await.claim_one().await;
    let mut thief = app.puppet().await;
    let mut tx = app.begin().await;
    tx.fence().await;
    tx.ack(&claimed).await.expect("acknowledges");
    db.advance(LEASE.as_secs() + 1);
    assert_eq!(thief.steal(10).await.claimed.len(), 0);
    tx.commit().await.expect("commits");
    assert_eq!(db.state(id).await, State::Done);
}
