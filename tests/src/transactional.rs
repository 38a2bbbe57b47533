//! Real workers with transactional receivers: I5, S4–S6, W21.

use signals_core::delivery::State;
use signals_core::store::{AttemptOutcome, Filter};
use signals_core::{Backend as _, Receiver as _};

use crate::fixtures::paid;
use crate::stage::{Act, Bystander, Theatre, Transactional};
use crate::{Db, Harness};

/// One delivery that first meets `act` and then succeeds: the first attempt's effects must not be there, the second's
/// must. Answers the first attempt's error.
async fn failed_then_done<H: Harness>(db: &Db<H>, act: Act) -> (AttemptOutcome, String) {
    let theatre = Theatre::open(db, &[Transactional::<H>::DEF, Bystander::DEF], [act]).await;
    theatre.send(&paid(7)).await;
    let report = theatre.drain().await;
    assert_eq!((report.done, report.retried), (0, 1), "{report:?}");
    assert_eq!((db.read("effect").await, db.states().await), (None, vec![State::Ready]), "nothing of it is left");
    db.advance(86_400);
    assert_eq!(theatre.drain().await.done, 1);
    assert_eq!(db.read("effect").await.as_deref(), Some("order 7 by attempt 2"));
    let mut attempts = db.get(db.all().await[0].id).await.attempts;
    assert_eq!(attempts.len(), 1);
    (attempts[0].outcome, attempts.remove(0).error)
}

/// I5.
pub async fn i5_the_effects_of_a_done_delivery_are_committed<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[Transactional::<H>::DEF], []).await;
    theatre.send(&paid(7)).await;
    assert_eq!(theatre.drain().await.done, 1);
    assert_eq!(db.read("effect").await.as_deref(), Some("order 7 by attempt 1"));
    assert_eq!(db.states().await, [State::Done]);
}

/// I5.
pub async fn i5_the_effects_of_a_failed_attempt_are_rolled_back<H: Harness>(db: Db<H>) {
    let failed = failed_then_done(&db, Act::Fail("no stock")).await;
    assert_eq!(failed, (AttemptOutcome::Error, "no stock".to_owned()));
}

/// I5, W7.
pub async fn i5_the_effects_of_a_panic_are_rolled_back<H: Harness>(db: Db<H>) {
    assert_eq!(failed_then_done(&db, Act::Panic).await.0, AttemptOutcome::Panic);
}

/// I5, W9.
pub async fn i5_the_effects_of_an_attempt_that_timed_out_are_rolled_back<H: Harness>(db: Db<H>) {
    assert_eq!(failed_then_done(&db, Act::Hang).await.0, AttemptOutcome::Timeout);
}

/// S4: `Ok` with a send that failed is no `Ok`.
pub async fn s4_a_receiver_that_ignores_a_refused_send_has_failed<H: Harness>(db: Db<H>) {
    let (outcome, error) = failed_then_done(&db, Act::IgnoreRefusedSend).await;
    assert_eq!(outcome, AttemptOutcome::Error);
    assert!(error.contains("send"), "{error}");
}

/// S5: a failure that was undone with its savepoint spoils nothing.
pub async fn s5_a_receiver_that_undoes_a_refused_send_is_done<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[Transactional::<H>::DEF, Bystander::DEF], [Act::UndoRefusedSend]).await;
    theatre.send(&paid(7)).await;
    assert_eq!(theatre.drain().await.done, 1);
    assert_eq!(db.read("effect").await.as_deref(), Some("order 7 by attempt 1"));
    assert_eq!(db.all().await.len(), 1);
}

/// I1, I5: what a failed attempt sent was never sent.
pub async fn i5_a_discarded_attempt_sends_nothing<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[Transactional::<H>::DEF, Bystander::DEF], [Act::Discard]).await;
    theatre.send(&paid(7)).await;
    theatre.drain().await;
    assert_eq!((db.states().await, db.read("effect").await), (vec![State::Dead], None));
}

/// W21: a receiver that ends its transaction is told; nothing is acknowledged twice, nor lost.
pub async fn w21_a_receiver_that_ends_its_transaction_has_failed<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[Transactional::<H>::DEF], [Act::EndTransaction]).await;
    theatre.send(&paid(7)).await;
    let report = theatre.drain().await;
    if theatre.stage.ended() == [false] {
        let backend = H::Backend::NAME;
        println!("not shown: the harness of {backend} cannot end a transaction under its receiver");
        return;
    }
    assert_eq!(theatre.stage.ended(), [true], "it ran once, and ended its transaction");
    assert_eq!(report.done, 0, "what was written in another transaction is not acknowledged");
    let id = db.all().await[0].id;
    assert_eq!((report.retried, db.state(id).await), (1, State::Ready));
    assert!(report.failures[0].error.contains("ended the transaction"), "{:?}", report.failures);
    db.advance(86_400);
    assert_eq!(theatre.drain().await.done, 1);
    assert_eq!(theatre.signals.inspect().list(&Filter::default()).await.expect("lists").deliveries.len(), 1);
}

/// I5: one after the other or at once, each has its effects once.
pub async fn i5_many_transactional_deliveries_are_each_done_once<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[Transactional::<H>::DEF], []).await;
    for order in 0..20 {
        theatre.send(&paid(order)).await;
    }
    assert_eq!(theatre.drain().await.done, 20);
    assert_eq!(theatre.stage.calls().len(), 20);
    assert!(db.states().await.iter().all(|state| *state == State::Done));
}
