//! I14, I15, E2–E4, W16: who receives, under which names, through deploys and rollbacks.

use std::collections::HashSet;

use signals_core::delivery::State;
use signals_core::store::{Acting, Filter, Finished, Verdict};
use signals_core::{Error, Signal as _};

use crate::fixtures::{
    BOOK, BOOK_SETTLED, DELIVER, DELIVER_ALONE, DISPATCH, DISPATCH_ALONE, DISPATCH_REFUNDS, MAIL, Paid, Refunded, SHIP,
    SHIP_REFUNDS, SHIP_SETTLED, Settled, paid,
};
use crate::harness::acked;
use crate::{Db, Harness};

/// I14.
pub async fn i14_registering_again_changes_nothing<H: Harness>(db: Db<H>) {
    let app = db.program(&[&SHIP, &MAIL]);
    let first = app.register().await.expect("registers");
    let before = db.store.receivers().await.expect("lists");
    let second = app.register().await.expect("registers again");
    assert_eq!(first, second);
    assert_eq!(before, db.store.receivers().await.expect("lists"));
    assert_eq!(first.ids.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["orders.ship", "receipts.mail"]);
    assert!(first.ids[0].1 != first.ids[1].1 && first.retired.is_empty() && first.merged.is_empty());
}

/// I14: binaries that start together agree.
pub async fn i14_binaries_that_register_at_once_find_the_same_ids<H: Harness>(db: Db<H>) {
    let (a, b) = (db.program(&[&SHIP, &MAIL]), db.program(&[&SHIP, &BOOK]));
    let (a, b) = tokio::join!(a.register(), b.register());
    let (a, b) = (a.expect("registers"), b.expect("registers"));
    let id = |registered: &signals_core::store::Registered| {
        registered.ids.iter().find(|(name, _)| *name == SHIP.name).map(|(_, id)| *id)
    };
    assert!(id(&a).is_some() && id(&a) == id(&b));
    assert_eq!(db.store.receivers().await.expect("lists").len(), 3);
}

/// I14: looking does not write.
pub async fn i14_resolving_stores_nothing<H: Harness>(db: Db<H>) {
    db.app(&[&SHIP]).await;
    let resolved = db.program(&[&SHIP, &MAIL]).resolve().await;
    assert_eq!(resolved.ids.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["orders.ship"]);
    assert_eq!(db.store.receivers().await.expect("lists").len(), 1);
}

/// I14: a retired receiver is passed by, its pending deliveries wait.
pub async fn i14_sends_pass_a_retired_receiver_by<H: Harness>(db: Db<H>) {
    let old = db.app(&[&SHIP, &MAIL]).await;
    old.send(&paid(1)).await;
    let new = db.program_with(&[&MAIL], &[], &["orders.ship"]);
    new.register().await.expect("registers");
    assert_eq!(new.send(&paid(2)).await.deliveries, 1);
    assert_eq!(old.send(&paid(3)).await.deliveries, 1, "retired wins over linked");
    let waiting = db.all().await.into_iter().filter(|delivery| delivery.receiver == "orders.ship").count();
    assert_eq!(waiting, 1, "what was sent before stays");
}

/// I14: an old binary that starts again does not bring it back, and knows its lane, whose pending deliveries it runs.
pub async fn i14_a_retired_receiver_stays_retired_and_is_reported<H: Harness>(db: Db<H>) {
    let old = db.app(&[&SHIP, &MAIL]).await;
    db.program_with(&[], &[], &["orders.ship"]).register().await.expect("registers");
    let registered = old.register().await.expect("registers");
    assert_eq!(registered.retired, ["orders.ship"]);
    assert_eq!(registered.ids.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["orders.ship", "receipts.mail"]);
    let shown = db.store.receivers().await.expect("lists");
    assert_eq!(shown.iter().map(|receiver| receiver.retired).collect::<Vec<_>>(), [true, false]);
}

/// I14: retiring what never was is no error, and does not retire what comes later.
pub async fn i14_retiring_a_name_that_is_not_stored_does_nothing<H: Harness>(db: Db<H>) {
    db.program_with(&[&MAIL], &[], &["orders.ship"]).register().await.expect("registers");
    assert_eq!(db.store.receivers().await.expect("lists").len(), 1);
}

/// I15, E2: what was sent to the old name is delivered to the new one.
pub async fn i15_a_renamed_receiver_gets_what_was_sent_under_its_old_name<H: Harness>(db: Db<H>) {
    let old = db.app(&[&SHIP]).await;
    let [id] = old.deliver(&paid(7), [&SHIP]).await;
    let new = db.app(&[&DISPATCH]).await;
    assert_eq!(new.id(&DISPATCH).await, id.receiver, "one id for all its names");
    assert_eq!(new.puppet().await.claim_one().await.held.delivery, id);
    assert_eq!(db.get(id).await.summary.receiver, "orders.dispatch");
}

/// I15, W16: the new binary first, then one that knows the old name alone.
pub async fn i15_an_old_binary_that_comes_later_finds_the_new_ones_id<H: Harness>(db: Db<H>) {
    let new = db.app(&[&DISPATCH]).await;
    let old = db.app(&[&SHIP]).await;
    assert_eq!(new.id(&DISPATCH).await, old.id(&SHIP).await);
    assert_eq!(old.send(&paid(7)).await.deliveries, 1, "one delivery per signal");
    assert_eq!(db.store.receivers().await.expect("lists").len(), 1);
}

/// I15, W16: a rollback.
pub async fn i15_a_rollback_finds_the_same_receiver<H: Harness>(db: Db<H>) {
    let old = db.app(&[&SHIP]).await;
    let before = old.id(&SHIP).await;
    assert_eq!(db.app(&[&DISPATCH]).await.send(&paid(7)).await.deliveries, 1, "one delivery for both names");
    let registered = old.register().await.expect("registers");
    assert_eq!(registered.ids, [("orders.ship", before)]);
    assert_eq!(old.puppet().await.claim(10).await.len(), 1, "the old name claims what was sent under the new one");
}

/// I15, I4: a rollback to a build in which both names are receivers of their own.
pub async fn i15_two_receivers_that_are_one_by_now_claim_each_delivery_once<H: Harness>(db: Db<H>) {
    db.app(&[&SHIP]).await;
    db.app(&[&DISPATCH]).await;
    let both = db.app(&[&SHIP, &DISPATCH_ALONE]).await;
    both.send(&paid(1)).await;
    both.send(&paid(2)).await;
    let claimed = both.puppet().await.claim(10).await;
    let deliveries: HashSet<_> = claimed.iter().map(|claimed| claimed.held.delivery).collect();
    assert_eq!((claimed.len(), deliveries.len()), (2, 2), "one delivery per signal, and each is claimed once");
}

/// I15: all names are shown.
pub async fn i15_a_receiver_is_shown_with_its_last_name_and_all_others<H: Harness>(db: Db<H>) {
    db.app(&[&SHIP]).await;
    db.app(&[&DISPATCH]).await;
    let shown = db.store.receivers().await.expect("lists");
    assert_eq!((shown.len(), &*shown[0].name, &*shown[0].signal), (1, "orders.dispatch", "shop.paid"));
    assert_eq!(shown[0].aliases, ["orders.ship"]);
}

/// I15: two ids become one.
pub async fn i15_a_merge_moves_the_aliass_pending_deliveries<H: Harness>(db: Db<H>) {
    let old = db.app(&[&SHIP]).await;
    old.send(&paid(1)).await;
    db.app(&[&DISPATCH_ALONE]).await;
    let new = db.program(&[&DISPATCH]);
    let registered = new.register().await.expect("registers");
    assert_eq!(registered.merged, ["orders.ship"]);
    let shown = db.store.receivers().await.expect("lists");
    assert_eq!((shown.len(), &*shown[0].name), (1, "orders.dispatch"));
    let claimed = new.puppet().await.claim_one().await;
    assert_eq!(claimed.held.delivery.receiver, new.id(&DISPATCH).await);
    assert_eq!(old.id(&SHIP).await, new.id(&DISPATCH).await);
    assert_eq!(new.register().await.expect("registers").merged, Vec::<String>::new(), "once");
}

/// I15: one delivery per signal.
pub async fn i15_of_two_pending_deliveries_of_one_signal_a_merge_cancels_the_aliass<H: Harness>(db: Db<H>) {
    let old = db.app(&[&SHIP]).await;
    let between = db.app(&[&DISPATCH_ALONE]).await;
    let [aliased] = old.deliver(&paid(1), [&SHIP]).await;
    let kept = signals_core::delivery::DeliveryId { receiver: between.id(&DISPATCH_ALONE).await, ..aliased };
    let new = db.app(&[&DISPATCH]).await;
    assert_eq!(new.puppet().await.claim_one().await.held.delivery, kept);
    let shown = db.get(aliased).await.summary;
    assert_eq!((shown.state, shown.actor.as_deref()), (State::Cancelled, Some("merged")));
}

/// I15, T11: what a merge cancelled was the second delivery of its signal. It stays so when the first is done and, without
/// history, nothing tells of it any more; nor is it said that it is done. What was done before the merge is told as that.
pub async fn i15_what_a_merge_cancelled_is_run_by_no_retry<H: Harness>(db: Db<H>) {
    let old = db.app(&[&SHIP]).await;
    db.app(&[&DISPATCH_ALONE]).await;
    let [done] = old.deliver(&paid(1), [&SHIP]).await;
    let claimed = old.puppet().await.claim_one().await;
    db.store.ack(&[acked(&claimed, true)]).await.expect("answers");
    let [second] = old.deliver(&paid(2), [&SHIP]).await;
    let new = db.app(&[&DISPATCH]).await;
    let verdicts = async || {
        let acting = Acting { actor: "ada", subject: "all of them", continues: None };
        db.store.retry(&[done, second], &acting).await.expect("answers").verdicts
    };
    let expected = [Verdict::WrongState(State::Done), Verdict::Merged];
    assert_eq!(verdicts().await, expected, "the others are ready");
    let mut puppet = new.puppet().await;
    let others = puppet.claim(10).await;
    assert_eq!((others.len(), verdicts().await), (2, expected.to_vec()), "they run");
    db.store.ack(&[acked(&others[0], false), acked(&others[1], false)]).await.expect("answers");
    let met = db.store.find(&Filter::default(), 10).await.expect("finds").ids;
    assert!(met.contains(&second), "a retry of all meets it");
    assert_eq!(verdicts().await, expected, "they are in no table");
    let error = db.retry(second, "ada").await.expect_err("another one counts");
    assert!(matches!(error, Error::Merged { delivery } if delivery == second), "{error:?}");
    assert_eq!((puppet.claim(10).await.len(), db.state(second).await), (0, State::Cancelled));
}

/// I15: a receiver that is listed under two of its names is merged once, and the second merge takes over what was the first's.
pub async fn i15_a_receiver_that_is_listed_under_two_names_is_merged_once<H: Harness>(db: Db<H>) {
    let old = db.app(&[&SHIP]).await;
    old.send(&paid(7)).await;
    db.app(&[&SHIP, &DISPATCH_ALONE]).await;
    db.app(&[&DISPATCH]).await;
    db.app(&[&DELIVER_ALONE]).await;
    let last = db.program(&[&DELIVER]);
    assert_eq!(last.register().await.expect("registers").merged, ["orders.dispatch"]);
    assert_eq!(last.register().await.expect("registers").merged, [""; 0], "once");
    assert_eq!(last.puppet().await.claim(10).await.len(), 1, "what was sent to the first name");
}

/// I15: a merge while the alias's delivery runs or waits for its time.
pub async fn i15_a_merge_moves_scheduled_deliveries_too<H: Harness>(db: Db<H>) {
    let old = db.app(&[&SHIP]).await;
    let mut tx = old.begin().await;
    paid(1).send(&mut tx).after(std::time::Duration::from_secs(60)).await.expect("sends");
    tx.commit().await.expect("commits");
    db.app(&[&DISPATCH_ALONE]).await;
    let new = db.app(&[&DISPATCH]).await;
    let mut puppet = new.puppet().await;
    assert_eq!(puppet.claim(10).await.len(), 0);
    db.advance(60);
    assert_eq!(puppet.claim_one().await.held.delivery.receiver, new.id(&DISPATCH).await);
}

/// I15: who has noted the id of a delivery before its receiver was merged finds it.
pub async fn i15_a_delivery_is_found_under_its_id_from_before_a_merge<H: Harness>(db: Db<H>) {
    let old = db.app(&[&SHIP]).await;
    let [cancelled] = old.deliver(&paid(1), [&SHIP]).await;
    let [discarded] = old.deliver(&paid(2), [&SHIP]).await;
    db.app(&[&DISPATCH_ALONE]).await;
    let new = db.app(&[&DISPATCH]).await;
    let heir = new.id(&DISPATCH).await;
    db.cancel(cancelled, "ops").await.expect("cancels");
    db.discard(discarded, "ops").await.expect("discards");
    for (asked, state) in [(cancelled, State::Cancelled), (discarded, State::Dead)] {
        let found = db.get(asked).await.summary;
        assert_eq!((found.id.signal, found.id.receiver, found.state), (asked.signal, heir, state));
        db.retry(asked, "ops").await.expect("retries");
        assert_eq!(db.state(asked).await, State::Ready);
        let error = db.retry(asked, "ops").await.expect_err("it is ready");
        assert!(matches!(error, Error::WrongState { delivery, .. } if delivery == asked), "{error:?}");
    }
}

/// I15, I2: a delivery that runs while its receiver is merged is not lost, and is finished once.
pub async fn i15_a_delivery_that_runs_during_a_merge_is_settled_once<H: Harness>(db: Db<H>) {
    let old = db.app(&[&SHIP]).await;
    old.send(&paid(1)).await;
    let mut runner = old.puppet().await;
    let running = runner.claim_one().await;
    db.app(&[&DISPATCH_ALONE]).await;
    let new = db.app(&[&DISPATCH]).await;
    assert_eq!(runner.ack(&running).await, Finished::Stale, "the merge took it from its holder");
    let mut heir = new.puppet().await;
    assert_eq!(heir.steal(10).await.claimed.len(), 0, "until its lease is over");
    db.advance(60);
    let stolen = heir.steal(10).await.claimed;
    assert_eq!((stolen.len(), stolen[0].counters.attempt, stolen[0].counters.lost_leases), (1, 1, 1));
    assert_eq!(heir.ack(&stolen[0]).await, Finished::Done);
    assert!(db.states().await.iter().all(|state| *state == State::Done));
}

/// I15: a name has one signal.
pub async fn i15_a_kept_name_for_another_signal_is_refused_and_nothing_is_stored<H: Harness>(db: Db<H>) {
    let old = db.app(&[&SHIP]).await;
    let before = db.store.receivers().await.expect("lists");
    let error = db.program(&[&BOOK, &SHIP_REFUNDS]).register().await.expect_err("another signal");
    let Error::NameTaken { receiver, stored, declared } = error else { panic!("{error:?}") };
    assert_eq!([&*receiver, &*stored, &*declared], ["orders.ship", "shop.paid", "shop.refunded"]);
    let error = db.program(&[&DISPATCH_REFUNDS]).register().await.expect_err("another signal");
    let Error::NameTaken { receiver, .. } = error else { panic!("{error:?}") };
    assert_eq!(receiver, "orders.dispatch", "the name to look for in the program");
    assert_eq!(before, db.store.receivers().await.expect("lists"), "all of a binary or nothing");
    assert_eq!(old.send(&paid(7)).await.deliveries, 1);
}

/// I15: a receiver that is stored for another signal never gets this one's payload.
pub async fn i15_a_linked_receiver_stored_for_another_signal_fails_the_send<H: Harness>(db: Db<H>) {
    db.app(&[&SHIP, &BOOK]).await;
    let confused = db.program(&[&SHIP_REFUNDS]);
    let mut tx = confused.begin().await;
    let error = Refunded { order: 7 }.send(&mut tx).await.expect_err("`orders.ship` receives another signal");
    let _ = tx.commit().await;
    let Error::NotRegistered { signal, receivers } = error else { panic!("{error:?}") };
    assert_eq!((&*signal, receivers), ("shop.refunded", vec!["orders.ship".to_owned()]));
    assert!(db.all().await.is_empty());
}

/// I15, I12: a worker does not take the lane of a receiver that is stored for another signal.
pub async fn i15_a_receiver_stored_for_another_signal_is_not_resolved<H: Harness>(db: Db<H>) {
    db.app(&[&SHIP, &BOOK]).await.send(&paid(7)).await;
    let confused = db.program(&[&SHIP_REFUNDS, &BOOK]);
    let ids = confused.resolve().await.ids;
    assert_eq!(ids.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["books.refund"]);
    assert_eq!(confused.puppet().await.claim(10).await.len(), 0);
}

/// I15: a binary that has renamed the signal finds its receivers before it registers.
pub async fn i15_receivers_of_a_renamed_signal_are_resolved_before_they_register<H: Harness>(db: Db<H>) {
    let old = db.app(&[&SHIP]).await;
    let new = db.program(&[&SHIP_SETTLED]);
    assert_eq!(new.resolve().await.ids, [("orders.ship", old.id(&SHIP).await)]);
}

/// I15: a signal's names are one signal, in both directions.
pub async fn i15_a_renamed_signal_reaches_receivers_under_either_name<H: Harness>(db: Db<H>) {
    let old = db.app(&[&SHIP]).await;
    let new = db.app(&[&SHIP_SETTLED, &BOOK_SETTLED]).await;
    assert_eq!(old.id(&SHIP).await, new.id(&SHIP_SETTLED).await, "renaming a signal takes no receiver's name");
    assert_eq!(old.send(&paid(1)).await.deliveries, 2, "the old sender reaches the new receiver");
    assert_eq!(new.send(&Settled { order: 2 }).await.deliveries, 2);
    let names: Vec<_> = db.all().await.into_iter().map(|delivery| delivery.signal).collect();
    assert_eq!(names, [Paid::DEF.name, Paid::DEF.name, Settled::DEF.name, Settled::DEF.name]);
    old.register().await.expect("a rollback finds the renamed signal");
    assert_eq!(old.send(&paid(3)).await.deliveries, 2);
}

/// I15: the new binary first.
pub async fn i15_an_old_binary_of_a_renamed_signal_may_come_later<H: Harness>(db: Db<H>) {
    let new = db.app(&[&BOOK_SETTLED]).await;
    let old = db.app(&[&SHIP]).await;
    assert_eq!(old.send(&paid(1)).await.deliveries, 2);
    assert_eq!(new.send(&Settled { order: 2 }).await.deliveries, 2);
}

/// I15, I12: paused is the receiver, whatever it is called.
pub async fn i15_a_paused_receiver_stays_paused_under_its_new_name<H: Harness>(db: Db<H>) {
    let old = db.app(&[&SHIP]).await;
    old.send(&paid(7)).await;
    db.pause(old.id(&SHIP).await, true).await.expect("pauses");
    let registered = db.program(&[&DISPATCH]).register().await.expect("registers");
    assert_eq!(registered.paused, [registered.ids[0].1]);
    assert_eq!(db.program(&[&DISPATCH]).puppet().await.claim(10).await.len(), 0);
}

/// I15: whichever of the two was paused.
pub async fn i15_a_merge_keeps_the_pause_of_either_receiver<H: Harness>(db: Db<H>) {
    let old = db.app(&[&SHIP]).await;
    db.app(&[&DISPATCH_ALONE]).await;
    old.send(&paid(7)).await;
    db.pause(old.id(&SHIP).await, true).await.expect("pauses");
    let new = db.program(&[&DISPATCH]);
    let registered = new.register().await.expect("registers");
    assert_eq!(
        (registered.merged.as_slice(), registered.paused),
        (&["orders.ship".to_owned()][..], vec![registered.ids[0].1])
    );
    assert_eq!(new.resolve().await.paused, [registered.ids[0].1]);
    assert_eq!(new.puppet().await.claim(10).await.len(), 0);
}

/// I15, I14: whichever of the two was retired.
pub async fn i15_a_merge_keeps_either_receiver_retired<H: Harness>(db: Db<H>) {
    let old = db.app(&[&SHIP]).await;
    let between = db.app(&[&DISPATCH_ALONE]).await;
    old.send(&paid(1)).await;
    db.program_with(&[], &[], &["orders.ship"]).register().await.expect("registers");
    let new = db.program(&[&DISPATCH]);
    let registered = new.register().await.expect("registers");
    assert_eq!((registered.retired, registered.ids.len()), (vec!["orders.dispatch"], 1));
    db.pause(shown_id(&db).await, true).await.expect("pauses");
    assert_eq!(new.resolve().await.paused.len(), 1, "its pending deliveries can be stopped as well");
    let shown = db.store.receivers().await.expect("lists");
    assert_eq!(shown.iter().map(|receiver| receiver.retired).collect::<Vec<_>>(), [true]);
    assert_eq!(between.send(&paid(2)).await.deliveries, 0);
}

async fn shown_id<H: Harness>(db: &Db<H>) -> signals_core::delivery::ReceiverId {
    db.store.receivers().await.expect("lists")[0].id
}
