//! `Signals::begin` and `Tx`: S4–S6.

use std::future::{Future, IntoFuture as _};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use signals_core::delivery::State;
use signals_core::{Error, Receiver as _, Signal as _};
use signals_runtime::Tx;

use crate::fixtures::{Refunded, paid};
use crate::stage::{Bystander, Plain, Theatre, until};
use crate::{Db, Harness};

async fn open<H: Harness>(db: &Db<H>) -> Theatre<H> {
    Theatre::open(db, &[Plain::DEF, Bystander::DEF], []).await
}

async fn begin<H: Harness>(theatre: &Theatre<H>) -> Tx<H::Backend> {
    theatre.signals.begin().await.expect("a transaction can begin")
}

/// A send that is refused, its error ignored.
async fn refused<H: Harness>(tx: &mut Tx<H::Backend>) {
    let error = paid(7).send(tx).after(Duration::MAX).await.expect_err("a delay of forever");
    assert!(matches!(error, Error::DelayTooLong), "{error:?}");
}

/// Polls once and drops; answers whether that finished it.
fn poll_once<F: Future>(future: F) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    matches!(pin!(future).poll(&mut context), Poll::Ready(_))
}

/// S4: the business write goes with the send that failed.
pub async fn s4_a_transaction_with_a_failed_send_refuses_to_commit<H: Harness>(db: Db<H>) {
    let theatre = open(&db).await;
    let mut tx = begin(&theatre).await;
    H::write(&mut tx, "order 7", "paid").await.expect("writes");
    refused::<H>(&mut tx).await;
    let error = tx.commit().await.expect_err("a send failed");
    assert!(matches!(error, Error::SendFailed), "{error:?}");
    assert_eq!((db.read("order 7").await, db.all().await.len()), (None, 0));
}

/// S4: a later success does not make up for it.
pub async fn s4_after_a_failed_send_the_transaction_sends_nothing_more<H: Harness>(db: Db<H>) {
    let theatre = open(&db).await;
    let mut tx = begin(&theatre).await;
    refused::<H>(&mut tx).await;
    let error = paid(8).send(&mut tx).await.expect_err("the transaction is spoiled");
    assert!(matches!(error, Error::SendFailed), "{error:?}");
    tx.commit().await.expect_err("a send failed");
    assert!(db.all().await.is_empty());
}

/// S5: undone with its failure.
pub async fn s5_a_savepoint_rolled_back_takes_its_failed_send_with_it<H: Harness>(db: Db<H>) {
    let theatre = open(&db).await;
    let mut tx = begin(&theatre).await;
    paid(1).send(&mut tx).await.expect("sends");
    let mut savepoint = tx.savepoint().await.expect("opens");
    paid(2).send(&mut *savepoint).await.expect("sends");
    refused::<H>(&mut savepoint).await;
    savepoint.rollback().await.expect("rolls back");
    Refunded { order: 1 }.send(&mut tx).await.expect("the transaction is good again");
    tx.commit().await.expect("commits");
    assert_eq!(db.states().await, [State::Ready; 2]);
}

/// S5: only its own.
pub async fn s5_a_savepoint_rolled_back_does_not_clear_a_failure_before_it<H: Harness>(db: Db<H>) {
    let theatre = open(&db).await;
    let mut tx = begin(&theatre).await;
    refused::<H>(&mut tx).await;
    let savepoint = tx.savepoint().await.expect("opens");
    savepoint.rollback().await.expect("rolls back");
    tx.commit().await.expect_err("the send outside failed");
    assert!(db.all().await.is_empty());
}

/// S5: released, its failure is the transaction's.
pub async fn s5_a_savepoint_released_with_a_failed_send_spoils_the_transaction<H: Harness>(db: Db<H>) {
    let theatre = open(&db).await;
    let mut tx = begin(&theatre).await;
    let mut savepoint = tx.savepoint().await.expect("opens");
    refused::<H>(&mut savepoint).await;
    savepoint.release().await.expect("releases");
    tx.commit().await.expect_err("a send failed");
    assert!(db.all().await.is_empty());
}

/// S5: dropped is rolled back.
pub async fn s5_a_dropped_savepoint_is_rolled_back<H: Harness>(db: Db<H>) {
    let theatre = open(&db).await;
    let mut tx = begin(&theatre).await;
    let mut savepoint = tx.savepoint().await.expect("opens");
    paid(1).send(&mut *savepoint).await.expect("sends");
    drop(savepoint);
    Refunded { order: 1 }.send(&mut tx).await.expect("sends");
    tx.commit().await.expect("commits");
    let all = db.all().await;
    assert_eq!((all.len(), &*all[0].signal), (1, Refunded::DEF.name));
}

/// S6: polled and dropped is failed.
pub async fn s6_a_send_that_was_dropped_midway_spoils_the_transaction<H: Harness>(db: Db<H>) {
    let theatre = open(&db).await;
    let mut tx = begin(&theatre).await;
    if poll_once(paid(7).send(&mut tx).into_future()) {
        // This backend sends without waiting: there is no midway.
        return;
    }
    tx.commit().await.expect_err("the send did not finish");
    assert!(db.all().await.is_empty());
}

/// S6: a send that was never polled never happened.
pub async fn s6_a_send_that_was_never_polled_spoils_nothing<H: Harness>(db: Db<H>) {
    let theatre = open(&db).await;
    let mut tx = begin(&theatre).await;
    drop(paid(7).send(&mut tx).into_future());
    paid(8).send(&mut tx).await.expect("sends");
    tx.commit().await.expect("commits");
    assert_eq!(db.all().await.len(), 1);
}

/// S6: a transaction that nobody waited for is rolled back, and keeps nobody waiting.
pub async fn s6_a_dropped_begin_leaves_no_transaction_open<H: Harness>(db: Db<H>) {
    let theatre = open(&db).await;
    for _ in 0..20 {
        poll_once(theatre.signals.begin());
    }
    theatre.send(&paid(7)).await;
    assert_eq!(db.states().await, [State::Ready]);
}

/// S6: once polled, a commit happens.
pub async fn s6_a_dropped_commit_runs_to_its_end<H: Harness>(db: Db<H>) {
    let theatre = open(&db).await;
    let mut tx = begin(&theatre).await;
    paid(7).send(&mut tx).await.expect("sends");
    poll_once(tx.commit());
    until("the commit is seen", async || db.all().await.len() == 1).await;
}

/// I1: rolled back by hand or by a drop.
pub async fn i1_a_tx_that_is_not_committed_stores_nothing<H: Harness>(db: Db<H>) {
    let theatre = open(&db).await;
    for by_hand in [true, false] {
        let mut tx = begin(&theatre).await;
        H::write(&mut tx, "order 7", "paid").await.expect("writes");
        paid(7).send(&mut tx).await.expect("sends");
        if by_hand {
            tx.rollback().await.expect("rolls back");
        } else {
            drop(tx);
        }
    }
    theatre.send(&paid(8)).await;
    assert_eq!((db.read("order 7").await, db.all().await.len()), (None, 1));
}

/// I14: a program that never registered sends nothing.
pub async fn i14_a_program_that_forgot_to_register_cannot_send<H: Harness>(db: Db<H>) {
    let registry = signals_core::Registry::builder().receiver::<Plain>().build().expect("nothing contradicts");
    let signals = signals_runtime::Signals::new(db.harness.backend().clone()).with_registry(registry);
    let mut tx = signals.begin().await.expect("begins");
    let error = paid(7).send(&mut tx).await.expect_err("not registered");
    assert!(matches!(error, Error::NotRegistered { .. }), "{error:?}");
    tx.commit().await.expect_err("a send failed");
}
