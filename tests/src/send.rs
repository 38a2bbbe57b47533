//! T1, I1, I14: what a send stores, when it is seen, and when it stores nothing.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use signals_core::delivery::{SignalId, State};
use signals_core::store::Filter;
use signals_core::{Backend, Error, Headers, MAX_DELAY, Signal as _, send_all};

use crate::fixtures::{BOOK, MAIL, PaidV2, Refunded, SHIP, SHIP_V2, Settled, paid};
use crate::{Db, Harness};

/// T1.
pub async fn t1_a_send_stores_one_ready_delivery_for_each_receiver<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP, &MAIL, &BOOK]).await;
    let receipt = app.send(&paid(7)).await;
    let all = db.all().await;
    assert_eq!((receipt.deliveries, receipt.repeated), (2, false));
    assert_eq!(all.iter().map(|delivery| delivery.state).collect::<Vec<_>>(), [State::Ready; 2]);
    assert!(all.iter().all(|delivery| delivery.id.signal == receipt.signal_id && delivery.signal == "shop.paid"));
    let mut receivers: Vec<_> = all.iter().map(|delivery| &*delivery.receiver).collect();
    receivers.sort_unstable();
    assert_eq!(receivers, ["orders.ship", "receipts.mail"]);
}

/// T1: life and counters begin at zero.
pub async fn t1_a_delivery_begins_in_life_zero_without_attempts<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let [id] = app.deliver(&paid(7), [&SHIP]).await;
    let detail = db.get(id).await;
    assert_eq!((detail.summary.life, detail.summary.counters), (0, Default::default()));
    assert_eq!((detail.summary.worker, detail.summary.lease_until, detail.summary.settled_at), (None, None, None));
    assert!(detail.attempts.is_empty() && detail.summary.death.is_none() && detail.summary.actor.is_none());
}

/// T1: the lane is the receiver with the version of the payload.
pub async fn t1_a_delivery_is_in_the_lane_of_its_payloads_version<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    app.send(&paid(7)).await;
    app.send(&PaidV2 { order: "7".to_owned() }).await;
    let versions: Vec<_> = db.all().await.iter().map(|delivery| delivery.lane.version).collect();
    assert_eq!(versions, [1, 2]);
}

/// T1: a fact that nobody hears of is a fact.
pub async fn t1_a_signal_that_nobody_receives_is_stored_without_deliveries<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let receipt = app.send(&Refunded { order: 7 }).await;
    assert_eq!(receipt.deliveries, 0);
    assert!(db.all().await.is_empty());
}

/// T1, I9: the time of a send is the database's.
pub async fn t1_the_time_of_a_send_is_the_databases<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let before = db.now();
    db.advance(90);
    let [id] = app.deliver(&paid(7), [&SHIP]).await;
    assert_eq!(db.get(id).await.summary.sent_at.since(before), Duration::from_secs(90));
}

/// T1: receipts come in the order of the batch, ids grow with it.
pub async fn t1_a_batch_is_stored_in_its_order<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let mut tx = app.begin().await;
    let receipts = send_all(&[paid(1), paid(2), paid(3)], &mut tx).await.expect("the batch is stored");
    tx.commit().await.expect("commits");
    let ids: Vec<_> = receipts.iter().map(|receipt| receipt.signal_id).collect();
    assert!(ids.is_sorted() && ids.len() == 3, "{ids:?}");
    for (receipt, delivery) in receipts.iter().zip(db.all().await) {
        assert_eq!(delivery.id.signal, receipt.signal_id);
    }
    let second = db.get(db.all().await[1].id).await.signal.expect("not forgotten");
    assert_eq!(second.payload, br#"{"order":2}"#);
}

/// T1: sending nothing is no error.
pub async fn t1_an_empty_batch_stores_nothing<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let mut tx = app.begin().await;
    let receipts = send_all(&[] as &[crate::fixtures::Paid], &mut tx).await.expect("nothing to refuse");
    tx.commit().await.expect("commits");
    assert!(receipts.is_empty() && db.all().await.is_empty());
}

/// S15: in one call, in a number of statements that does not grow.
pub async fn s15_a_hundred_thousand_signals_are_sent_in_one_call<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let signals: Vec<_> = (0..100_000).map(paid).collect();
    let mut tx = app.begin().await;
    let receipts = send_all(&signals, &mut tx).await.expect("the batch is stored");
    tx.commit().await.expect("commits");
    assert_eq!(receipts.len(), 100_000);
    let page = db.store.list(&Filter { limit: 1, ..Filter::default() }).await.expect("can be listed");
    assert_eq!(page.deliveries[0].id.signal, receipts[99_999].signal_id, "the newest is the last");
    let ready = db.store.counts().await.expect("can be counted").lanes[0].ready;
    assert!(ready.is_exceeded() || ready.0 == 100_000, "{ready:?}");
}

/// I1: a reader sees a send when it is committed.
pub async fn i1_nothing_is_seen_before_the_commit<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let mut tx = app.begin().await;
    paid(7).send(&mut tx).await.expect("sends");
    assert!(db.all().await.is_empty(), "not committed yet");
    tx.commit().await.expect("commits");
    assert_eq!(db.states().await, [State::Ready]);
}

/// I1.
pub async fn i1_a_rolled_back_transaction_stores_nothing<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let mut tx = app.begin().await;
    db.write(&mut tx, "order 7", "paid").await;
    paid(7).send(&mut tx).await.expect("sends");
    tx.rollback().await;
    assert_eq!((db.all().await.len(), db.read("order 7").await), (0, None));
}

/// I1, S1: dropped is rolled back.
pub async fn i1_a_dropped_transaction_stores_nothing<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let mut tx = app.begin().await;
    paid(7).send(&mut tx).await.expect("sends");
    drop(tx);
    app.send(&paid(8)).await;
    assert_eq!(db.states().await, [State::Ready]);
}

/// I1, E9: in one transaction, of one database.
pub async fn i1_a_business_write_and_its_deliveries_commit_together<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let mut tx = app.begin().await;
    db.write(&mut tx, "order 7", "paid").await;
    paid(7).send(&mut tx).await.expect("sends");
    tx.commit().await.expect("commits");
    assert_eq!((db.all().await.len(), db.read("order 7").await.as_deref()), (1, Some("paid")));
}

/// I1, E11.
pub async fn i1_a_savepoint_rolled_back_takes_its_sends_with_it<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let mut tx = app.begin().await;
    let kept = paid(1).send(&mut tx).await.expect("sends");
    tx.savepoint().await;
    paid(2).send(&mut tx).await.expect("sends");
    tx.undo().await;
    tx.commit().await.expect("commits");
    let all = db.all().await;
    assert_eq!((all.len(), all[0].id.signal), (1, kept.signal_id));
}

/// I1.
pub async fn i1_a_savepoint_released_keeps_its_sends<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let mut tx = app.begin().await;
    tx.savepoint().await;
    paid(1).send(&mut tx).await.expect("sends");
    tx.release().await;
    tx.commit().await.expect("commits");
    assert_eq!(db.all().await.len(), 1);
}

/// S5: only the innermost savepoint is undone.
pub async fn s5_a_rollback_undoes_the_innermost_savepoint_alone<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let mut tx = app.begin().await;
    tx.savepoint().await;
    let outer = paid(1).send(&mut tx).await.expect("sends");
    tx.savepoint().await;
    paid(2).send(&mut tx).await.expect("sends");
    tx.undo().await;
    tx.release().await;
    tx.commit().await.expect("commits");
    let all = db.all().await;
    assert_eq!((all.len(), all[0].id.signal), (1, outer.signal_id));
}

/// S5: a savepoint that was dropped is undone before anything else happens in its transaction.
pub async fn s5_a_dropped_savepoint_is_undone_before_the_next_statement<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let mut tx = app.begin().await;
    tx.savepoint().await;
    paid(1).send(&mut tx).await.expect("sends");
    <H::Backend as Backend>::start_rollback_savepoint(tx.conn());
    let kept = paid(2).send(&mut tx).await.expect("sends");
    tx.commit().await.expect("commits");
    let all = db.all().await;
    assert_eq!((all.len(), all[0].id.signal), (1, kept.signal_id));
}

/// S14, I15: a sender that links no receivers and was never registered, after its signal was renamed.
pub async fn s14_a_sender_without_receivers_reaches_those_of_the_signals_old_name<H: Harness>(db: Db<H>) {
    db.app(&[&SHIP, &MAIL]).await;
    let sender = db.program(&[]);
    assert_eq!(sender.send(&Settled { order: 7 }).await.deliveries, 2);
    assert_eq!(db.all().await.len(), 2);
}

/// I14, S14, E1: the database knows more receivers than the sender.
pub async fn i14_receivers_that_the_sender_does_not_link_get_their_delivery<H: Harness>(db: Db<H>) {
    db.app(&[&SHIP, &MAIL]).await;
    let receipt = db.program(&[]).send(&paid(7)).await;
    assert_eq!((receipt.deliveries, db.all().await.len()), (2, 2));
}

/// I14: never silently fewer.
pub async fn i14_a_linked_receiver_that_is_not_registered_fails_the_send_and_is_named<H: Harness>(db: Db<H>) {
    db.app(&[&SHIP]).await;
    let mut tx = db.program(&[&SHIP, &MAIL]).begin().await;
    let error = paid(7).send(&mut tx).await.expect_err("a receiver is missing");
    tx.rollback().await;
    let Error::NotRegistered { signal, receivers } = error else { panic!("{error:?}") };
    assert_eq!((&*signal, receivers), ("shop.paid", vec!["receipts.mail".to_owned()]));
    assert!(db.all().await.is_empty());
}

/// I14, S4: whatever the sender makes of the error, it stored nothing.
pub async fn i14_a_refused_send_leaves_nothing_behind_even_if_its_transaction_commits<H: Harness>(db: Db<H>) {
    db.app(&[&SHIP]).await;
    let mut tx = db.program(&[&SHIP, &MAIL]).begin().await;
    paid(7).send(&mut tx).await.expect_err("a receiver is missing");
    // Some databases refuse this commit, others do not know that anything went wrong.
    let _ = tx.commit().await;
    assert!(db.all().await.is_empty());
    assert_eq!(db.store.forget(Duration::ZERO, 10).await.expect("forgets").0, 0, "no signal was stored");
}

/// I14: a receiver of another signal is none of this send's business.
pub async fn i14_a_receiver_of_another_signal_may_be_unregistered<H: Harness>(db: Db<H>) {
    db.app(&[&SHIP]).await;
    assert_eq!(db.program(&[&SHIP, &BOOK]).send(&paid(7)).await.deliveries, 1);
}

/// I1: one refused signal refuses the batch.
pub async fn i1_a_batch_with_one_refused_signal_stores_none<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let mut tx = app.begin().await;
    tx.context.payload_limit = 11;
    let error = send_all(&[paid(1), paid(22)], &mut tx).await.expect_err("the second has 12 bytes");
    let _ = tx.commit().await;
    assert!(matches!(error, Error::Payload { signal: "shop.paid", .. }), "{error:?}");
    assert!(db.all().await.is_empty());
}

/// I9: due is when the database says so.
pub async fn i9_a_delayed_send_is_claimed_when_it_is_due_and_not_before<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let mut tx = app.begin().await;
    paid(7).send(&mut tx).after(Duration::from_secs(60)).await.expect("sends");
    tx.commit().await.expect("commits");
    let mut puppet = app.puppet().await;
    let due_at = db.now().saturating_add(Duration::from_secs(60));
    assert_eq!(db.all().await[0].due_at, Some(due_at));
    db.advance(59);
    assert_eq!(puppet.claim(10).await.len(), 0, "a second too early");
    db.advance(1);
    assert_eq!(puppet.claim(10).await.len(), 1);
}

/// I9: a moment in the past is now.
pub async fn i9_a_moment_that_is_over_is_now<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let mut tx = app.begin().await;
    paid(7).send(&mut tx).at(SystemTime::UNIX_EPOCH).await.expect("sends");
    tx.commit().await.expect("commits");
    assert_eq!(app.puppet().await.claim(10).await.len(), 1);
}

/// D9: a number that no column holds is a typed error, not an overflow.
pub async fn d9_a_delay_beyond_ten_years_stores_nothing<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    for delay in [Duration::MAX, Duration::from_secs(u64::MAX), MAX_DELAY + Duration::from_secs(1)] {
        let mut tx = app.begin().await;
        let error = paid(7).send(&mut tx).after(delay).await.expect_err("more than ten years");
        assert!(matches!(error, Error::DelayTooLong), "{error:?}");
        tx.rollback().await;
    }
    assert!(db.all().await.is_empty());
}

/// D9: ten years are not too many.
pub async fn d9_a_delay_of_ten_years_is_kept<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let mut tx = app.begin().await;
    paid(7).send(&mut tx).after(MAX_DELAY).await.expect("sends");
    tx.commit().await.expect("commits");
    assert_eq!(db.all().await[0].due_at, Some(db.now().saturating_add(MAX_DELAY)));
}

/// E13: a chain of sends can be followed.
pub async fn e13_headers_travel_beside_the_payload<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let headers = Headers {
        correlation: Some(SignalId(3)),
        causation: Some(SignalId(5)),
        traceparent: Some(Arc::from("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")),
        build: Some(Arc::from("1.2.3")),
    };
    let mut tx = app.begin().await;
    tx.context.headers = headers.clone();
    paid(7).send(&mut tx).await.expect("sends");
    tx.commit().await.expect("commits");
    let claimed = app.puppet().await.claim_one().await;
    assert_eq!(claimed.signal.headers, headers);
}

/// S13: found whatever ids it holds.
pub async fn s13_a_long_transaction_that_commits_after_younger_ones_is_found<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let mut puppet = app.puppet().await;
    let mut long = app.begin().await;
    let old = paid(1).send(&mut long).await.expect("sends");
    app.send(&paid(2)).await;
    assert_eq!(puppet.claim(10).await.len(), 1);
    long.commit().await.expect("commits");
    db.advance(1);
    assert_eq!(puppet.claim_one().await.held.delivery.signal, old.signal_id);
}

/// E3, I14: what was registered before the send gets it, by whomever.
pub async fn e3_a_receiver_registered_since_gets_the_signals_of_old_binaries<H: Harness>(db: Db<H>) {
    let old = db.app(&[&SHIP]).await;
    assert_eq!(old.send(&paid(1)).await.deliveries, 1);
    db.app(&[&SHIP, &MAIL]).await;
    assert_eq!(old.send(&paid(2)).await.deliveries, 2);
}

/// E5: the version of the sender decides the lane, whatever the receivers were registered with.
pub async fn e5_an_old_sender_and_a_new_one_fill_two_lanes_of_one_receiver<H: Harness>(db: Db<H>) {
    let old = db.app(&[&SHIP]).await;
    let new = db.app(&[&SHIP_V2]).await;
    old.send(&paid(1)).await;
    new.send(&PaidV2 { order: "2".to_owned() }).await;
    let lanes: Vec<_> = db.all().await.iter().map(|delivery| delivery.lane).collect();
    assert_eq!((lanes[0].receiver, lanes[0].version, lanes[1].version), (lanes[1].receiver, 1, 2));
    assert_eq!(old.puppet().await.claim_one().await.signal.version, 1);
    assert_eq!(new.puppet().await.claim_one().await.signal.version, 2);
}
