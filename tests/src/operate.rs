//! T10–T12, I14, W20: what operators do through the application's handle, and the log that it leaves.

use std::sync::Arc;
use std::time::Duration;

use signals_core::delivery::{DeliveryId, SignalId, State};
use signals_core::store::{Acting, DeathReason, Failed, Fate, Filter, Finished, Retention, Store, Switch, Verdict};
use signals_core::{Error, Receiver as _, Signal, send_all};
use signals_runtime::operating::{Pending, Tally};

use crate::fixtures::{DISPATCH, DISPATCH_ALONE, MAIL, SHIP, paid};
use crate::harness::{acked, failed, retry_in};
use crate::stage::{Plain, Theatre};
use crate::{App, Db, Harness, Puppet};

const DAY: Duration = Duration::from_secs(86_400);

/// Sends this many at once.
async fn send_many<H: Harness>(app: &App<H>, count: i64) {
    let mut tx = app.begin().await;
    let signals: Vec<_> = (0..count).map(paid).collect();
    send_all(&signals, &mut tx).await.expect("sends");
    tx.commit().await.expect("commits");
}

/// What another process does while whoever calls waits: on a thread of its own, with connections of its own.
fn meanwhile(store: &Arc<dyn Store>, deeds: impl AsyncFnOnce(Arc<dyn Store>) + Send) {
    let alone = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async { deeds(store.dedicated().await.expect("connects")).await });
    };
    std::thread::scope(|scope| scope.spawn(alone).join().expect("it did what it was told"));
}

fn of(receiver: &str) -> Filter {
    Filter { receiver: Some(receiver.to_owned()), ..Filter::default() }
}

/// T10, T11: what is asked for at once is answered one by one, and told once in the log.
pub async fn t10_a_batch_is_answered_one_by_one_and_leaves_one_line<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    for order in 0..3 {
        app.send(&paid(order)).await;
    }
    let ids: Vec<_> = db.all().await.into_iter().map(|delivery| delivery.id).collect();
    let mut puppet = app.puppet().await;
    let claimed = puppet.claim(1).await;
    puppet.ack(&claimed[0]).await;
    let nobody = DeliveryId { signal: SignalId(ids[0].signal.0 + 1_000), ..ids[0] };
    let asked = [ids[0], ids[1], nobody, ids[2], ids[1]];
    let acting = Acting { actor: "ada", subject: "five of them", continues: None };
    let decided = db.store.cancel(&asked, &acting).await.expect("answers");
    let cancelled = Verdict::WrongState(State::Cancelled);
    assert_eq!(
        decided.verdicts,
        [Verdict::WrongState(State::Done), Verdict::Done, Verdict::NotFound, Verdict::Done, cancelled],
        "of one named twice the second finds it as the first left it"
    );
    assert_eq!(db.log().await, [("ada".to_owned(), "cancel".to_owned(), "five of them".to_owned(), 2)]);
    let again = Acting { continues: decided.action, ..acting };
    let more = db.store.retry(&ids, &again).await.expect("answers");
    assert_eq!((more.changed(), more.action), (2, decided.action));
    assert_eq!(db.log().await[0].3, 4, "a further batch is counted in the line that it continues");
}

/// T10: what did not happen leaves no line.
pub async fn t10_what_changes_nothing_leaves_no_line<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[&SHIP], []).await;
    theatre.send(&paid(7)).await;
    let id = db.all().await[0].id;
    let ops = theatre.signals.operate("ada");
    assert!(ops.retry(id).await.is_err(), "it is ready");
    assert!(!ops.resume(SHIP.name).await.expect("answers"), "it is not paused");
    assert!(!ops.restore(SHIP.name).await.expect("answers"), "it is not retired");
    let none = ops.retry_all(Filter::default()).await.expect("answers");
    assert_eq!(none, Tally::default());
    let retention = Retention { done: DAY, cancelled: DAY, dead: None, keys: DAY };
    assert_eq!(ops.prune(retention).await.expect("answers").action, None);
    assert_eq!(db.log().await, []);
}

/// I2: what is cancelled is cancelled by a named actor.
pub async fn i2_nobody_decides_without_a_name<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[&SHIP], []).await;
    theatre.send(&paid(7)).await;
    let id = db.all().await[0].id;
    for nobody in ["", " ", "a\0b", &"x".repeat(201)] {
        let ops = theatre.signals.operate(nobody);
        let refused = [
            ops.cancel(id).await.err(),
            ops.cancel_all(Filter::default()).await.err(),
            ops.pause(SHIP.name).await.err(),
            ops.retire(SHIP.name, Pending::Cancel).await.err(),
        ];
        assert!(refused.iter().all(|error| matches!(error, Some(Error::ActorInvalid))), "{nobody:?}: {refused:?}");
    }
    assert_eq!(db.states().await, [State::Ready]);
    assert_eq!(db.log().await, []);
}

/// T10–T12: whatever is done says who did it, to what, and how much it was; newest first, page by page.
pub async fn t10_every_deed_is_told_in_the_log_with_its_actor<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[&SHIP], []).await;
    for order in 0..3 {
        theatre.send(&paid(order)).await;
    }
    let ids: Vec<_> = db.all().await.into_iter().map(|delivery| delivery.id).collect();
    let (ada, bob) = (theatre.signals.operate("ada"), theatre.signals.operate("bob"));
    ada.cancel(ids[0]).await.expect("cancels");
    bob.discard(ids[1]).await.expect("discards");
    ada.retry(ids[0]).await.expect("retries");
    bob.pause(SHIP.name).await.expect("pauses");
    bob.resume(SHIP.name).await.expect("resumes");
    ada.retire(SHIP.name, Pending::Cancel).await.expect("retires");
    ada.restore(SHIP.name).await.expect("restores");
    db.advance(2 * DAY.as_secs());
    let retention = Retention { done: DAY, cancelled: DAY, dead: None, keys: DAY };
    assert_eq!(bob.prune(retention).await.expect("prunes").deliveries, 2);
    let line =
        |actor: &str, verb: &str, subject: &str, count| (actor.to_owned(), verb.to_owned(), subject.to_owned(), count);
    let words = retention.to_string();
    let expected = [
        line("ada", "cancel", &ids[0].to_string(), 1),
        line("bob", "discard", &ids[1].to_string(), 1),
        line("ada", "retry", &ids[0].to_string(), 1),
        line("bob", "pause", SHIP.name, 1),
        line("bob", "resume", SHIP.name, 1),
        line("ada", "retire", SHIP.name, 1),
        line("ada", "cancel", "ready or running, receiver orders.ship", 2),
        line("ada", "restore", SHIP.name, 1),
        line("bob", "prune", &words, 2),
    ];
    assert_eq!(db.log().await, expected);
    let look = theatre.signals.inspect();
    let newest = look.actions(None, 2).await.expect("reads");
    assert_eq!(newest.iter().map(|action| &*action.verb).collect::<Vec<_>>(), ["prune", "restore"]);
    assert_eq!(newest[0].at, db.now());
    let before = look.actions(Some(newest[1].id), 1).await.expect("reads");
    assert_eq!((&*before[0].verb, before[0].count), ("cancel", 2));
}

/// T10: more than one batch, each delivery once, and the log has one line for all.
pub async fn t10_a_cancel_of_all_that_match_takes_several_batches<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[&SHIP, &MAIL], []).await;
    send_many(&db.program(&[&SHIP, &MAIL]), 11_000).await;
    let mut reports = Vec::new();
    let ops = theatre.signals.operate("ada");
    let tally = ops.cancel_all(of(SHIP.name)).on_progress(|so_far| reports.push(*so_far)).await.expect("cancels");
    assert_eq!((tally.matched, tally.changed, tally.passed_over), (11_000, 11_000, 0));
    assert!(reports.len() >= 3 && reports.iter().all(|report| report.changed <= 11_000), "{reports:?}");
    assert!(reports.windows(2).all(|pair| pair[1].changed - pair[0].changed <= 5_000), "{reports:?}");
    assert_eq!(reports.last(), Some(&tally));
    let counts = db.store.counts().await.expect("counts").lanes;
    let shown: Vec<_> = counts.iter().map(|lane| (&*lane.receiver, lane.ready.0, lane.cancelled.0)).collect();
    assert_eq!(shown, [("orders.ship", 0, 10_001), ("receipts.mail", 10_001, 0)]);
    let log = db.log().await;
    assert_eq!((log.len(), log[0].3), (1, 11_000), "{log:?}");
}

/// T11: likewise.
pub async fn t11_a_retry_of_all_that_match_takes_several_batches<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[&SHIP], []).await;
    let app = db.program(&[&SHIP]);
    send_many(&app, 5_500).await;
    let ops = theatre.signals.operate("ada");
    assert_eq!(ops.discard_all(Filter::default()).await.expect("discards").changed, 5_500);
    let tally = ops.retry_all(Filter { states: vec![State::Dead], ..Filter::default() }).await.expect("retries");
    assert_eq!((tally.matched, tally.changed), (5_500, 5_500));
    assert_eq!(app.puppet().await.claim(6_000).await.len(), 5_500, "all of them can be run");
}

/// T10, T11: a dry run counts, and changes nothing.
pub async fn t10_a_dry_run_counts_and_changes_nothing<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[&SHIP], []).await;
    send_many(&db.program(&[&SHIP]), 5_200).await;
    let before = db.store.counts().await.expect("counts");
    let ops = theatre.signals.operate("ada");
    let mut reports = 0;
    let tally = ops.cancel_all(Filter::default()).dry_run().on_progress(|_| reports += 1).await.expect("counts");
    assert_eq!((tally.matched, tally.changed, tally.action), (5_200, 0, None));
    assert!(reports >= 2, "{reports}");
    assert_eq!(db.store.counts().await.expect("counts"), before);
    assert_eq!(db.log().await, []);
}

/// T10, T11: of the filter's states those are left out that the verb cannot change.
pub async fn t10_states_that_a_verb_cannot_change_are_left_out<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[&SHIP], []).await;
    for order in 0..2 {
        theatre.send(&paid(order)).await;
    }
    let ops = theatre.signals.operate("ada");
    ops.cancel(db.all().await[0].id).await.expect("cancels");
    let settled = Filter { states: vec![State::Cancelled, State::Done], ..Filter::default() };
    assert_eq!(ops.cancel_all(settled).await.expect("answers"), Tally::default());
    assert_eq!(ops.discard_all(Filter::default()).await.expect("discards").matched, 1, "the ready one alone");
    assert_eq!(db.states().await, [State::Cancelled, State::Dead]);
}

/// T10: a running one is cancelled with the others, and its runner is told.
pub async fn t10_a_cancel_of_all_that_match_takes_what_runs_and_what_waits<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[&SHIP], []).await;
    let app = db.program(&[&SHIP]);
    for order in 0..3 {
        app.send(&paid(order)).await;
    }
    let mut puppet = app.puppet().await;
    let claimed = puppet.claim(2).await;
    puppet.fail(&claimed[1], retry_in(60)).await;
    let tally = theatre.signals.operate("ada").cancel_all(Filter::default()).await.expect("cancels");
    assert_eq!(tally.changed, 3, "one runs, one waits, one is ready");
    assert_eq!(puppet.ack(&claimed[0]).await, Finished::Stale);
    assert_eq!(db.states().await, [State::Cancelled; 3]);
}

/// W20: of a bulk and completions each delivery belongs to one, and the other is told.
pub async fn w20_of_a_cancel_of_all_and_completions_one_wins_each<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[&SHIP], []).await;
    let app = db.program(&[&SHIP]);
    send_many(&app, 5_200).await;
    let mut claimed = app.puppet().await.claim(6_000).await;
    claimed.sort_by_key(|claimed| claimed.held.delivery);
    let acked: Vec<_> = claimed.iter().map(|claimed| acked(claimed, true)).collect();
    // The first look meets the newest 5,000, and their newest are cancelled first; the second, what is left of the oldest 200.
    let (too_early, too_late) = (&acked[..100], &acked[5_100..]);
    let mut answers = Vec::new();
    let ops = theatre.signals.operate("ada");
    let cancel = ops.cancel_all(Filter::default()).on_progress(|so_far| {
        if so_far.changed > 0 && answers.is_empty() {
            meanwhile(&db.store, async |store: Arc<dyn Store>| {
                for part in [too_early, too_late] {
                    answers.push(store.ack(part).await.expect("answers"));
                }
            });
        }
    });
    let tally = cancel.await.expect("cancels");
    assert_eq!(answers, [[Finished::Done; 100], [Finished::Stale; 100]]);
    assert_eq!((tally.matched, tally.changed, tally.passed_over), (5_100, 5_100, 0));
    let lane = db.store.counts().await.expect("counts").lanes.remove(0);
    assert_eq!((lane.running.0, lane.cancelled.0), (0, 5_100));
}

/// W20: what is completed between a look and its deed is passed over.
pub async fn w20_what_completes_between_a_look_and_its_cancel_is_passed_over<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    send_many(&app, 4).await;
    let mut puppet = app.puppet().await;
    let claimed = puppet.claim(10).await;
    let looked = db.store.find(&Filter::default(), 10).await.expect("looks").ids;
    for claimed in claimed.iter().filter(|claimed| claimed.held.delivery > looked[2]) {
        assert_eq!(puppet.ack(claimed).await, Finished::Done);
    }
    let acting = Acting { actor: "ada", subject: "all of them", continues: None };
    let decided = db.store.cancel(&looked, &acting).await.expect("answers");
    let late = Verdict::WrongState(State::Done);
    assert_eq!(decided.verdicts, [late, late, Verdict::Done, Verdict::Done]);
    for claimed in claimed.iter().filter(|claimed| claimed.held.delivery <= looked[2]) {
        assert_eq!(puppet.ack(claimed).await, Finished::Stale);
    }
    assert_eq!(db.states().await, [State::Cancelled, State::Cancelled, State::Done, State::Done]);
}

/// W20, T11: what a retry of all made ready and what dies again before its next look is not met twice.
pub async fn w20_a_retry_of_all_beside_completions_retries_each_once<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[&SHIP], []).await;
    let app = db.program(&[&SHIP]);
    send_many(&app, 5_200).await;
    let ops = theatre.signals.operate("ada");
    ops.cancel_all(Filter::default()).await.expect("cancels");
    let lanes = app.puppet().await.lanes;
    let mut dead = 0;
    let retry = ops.retry_all(Filter::default()).on_progress(|_| {
        if dead == 0 {
            meanwhile(&db.store, async |store: Arc<dyn Store>| {
                let mut undertaker = Puppet::enlist(store, lanes.clone()).await;
                for claimed in undertaker.claim(300).await {
                    undertaker.fail(&claimed, Fate::Dead(DeathReason::Exhausted)).await;
                    dead += 1;
                }
            });
        }
    });
    let tally = retry.await.expect("retries");
    assert_eq!((tally.matched, tally.changed, dead), (5_200, 5_200, 300));
    let lane = db.store.counts().await.expect("counts").lanes.remove(0);
    assert_eq!((lane.ready.0, lane.dead.0, lane.cancelled.0), (4_900, 300, 0));
    assert!(db.all().await.iter().all(|delivery| delivery.life == 1));
}

/// T10, T11, T13: deliveries whose signals were forgotten can be retried all at once.
pub async fn t11_a_retry_of_all_puts_forgotten_signals_back<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[&SHIP, &MAIL], []).await;
    let app = db.program(&[&SHIP, &MAIL]);
    send_many(&app, 3).await;
    let ops = theatre.signals.operate("ada");
    ops.cancel_all(Filter::default()).await.expect("cancels");
    assert_eq!(db.store.forget(Duration::ZERO, 10).await.expect("forgets").0, 3);
    assert_eq!(ops.retry_all(Filter::default()).await.expect("retries").changed, 6);
    let mut claimed = app.puppet().await.claim(10).await;
    claimed.sort_by_key(|claimed| claimed.held.delivery);
    let payloads: Vec<_> = claimed.iter().map(|claimed| claimed.signal.payload.clone()).collect();
    let expected = [0, 0, 1, 1, 2, 2].map(|order| format!(r#"{{"order":{order}}}"#).into_bytes());
    assert_eq!(payloads, expected);
}

/// T11, I2: a bulk takes what a list with the same filter shows.
pub async fn t11_a_retry_of_all_is_narrowed_by_the_text_of_an_error<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[&SHIP], []).await;
    let app = db.program(&[&SHIP]);
    send_many(&app, 2).await;
    let mut puppet = app.puppet().await;
    for (claimed, error) in puppet.claim(2).await.iter().zip(["timed out", "no such order"]) {
        let told = Failed { error: error.to_owned(), ..failed(claimed, Fate::Dead(DeathReason::Exhausted)) };
        db.store.fail(&[told]).await.expect("fails");
    }
    let saying = Filter { error: Some("Timed Out".to_owned()), ..Filter::default() };
    let shown = theatre.signals.inspect().list(&saying).await.expect("lists").deliveries;
    let tally = theatre.signals.operate("ada").retry_all(saying).await.expect("retries");
    assert_eq!((shown.len(), tally.matched, tally.changed), (1, 1, 1));
    assert_eq!(db.state(shown[0].id).await, State::Ready);
}

/// I15, T10, T11: by a name that a receiver had once, and with what a merge left behind.
pub async fn i15_a_filter_by_an_old_name_means_the_receiver_that_took_over<H: Harness>(db: Db<H>) {
    let old = db.app(&[&SHIP]).await;
    db.app(&[&DISPATCH_ALONE]).await;
    old.send(&paid(1)).await;
    // Both receive it, so the merge cancels the alias's.
    let theatre = Theatre::open(&db, &[&DISPATCH], []).await;
    assert_eq!(db.states().await, [State::Cancelled, State::Ready], "the alias's is cancelled");
    let ops = theatre.signals.operate("ada");
    let refused = ops.retry_all(of("orders.ship")).await.expect("answers");
    assert_eq!((refused.matched, refused.changed, refused.passed_over), (1, 0, 1), "the other has the signal");
    assert_eq!(ops.cancel_all(of("orders.ship")).await.expect("cancels").changed, 1);
    let both = ops.retry_all(of("orders.dispatch")).await.expect("answers");
    assert_eq!((both.matched, both.changed), (2, 1), "they are one receiver's, and one signal");
}

/// T10: a name that nobody has changes nothing, and is answered with those that are near.
pub async fn t10_an_unknown_receiver_is_answered_with_near_names<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[&SHIP, &MAIL], []).await;
    theatre.send(&paid(1)).await;
    let ops = theatre.signals.operate("ada");
    let errors = [
        ops.pause("orders.shp").await.expect_err("is unknown"),
        ops.resume("orders.shp").await.expect_err("is unknown"),
        ops.restore("orders.shp").await.expect_err("is unknown"),
        ops.retire("orders.shp", Pending::Cancel).await.expect_err("is unknown"),
        ops.cancel_all(of("orders.shp")).await.expect_err("is unknown"),
        theatre.signals.inspect().list(&of("orders.shp")).await.expect_err("is unknown"),
    ];
    for error in errors {
        let Error::UnknownReceiver { receiver, near } = &error else { panic!("{error:?}") };
        assert_eq!((&**receiver, &near[..]), ("orders.shp", &["orders.ship".to_owned()][..]));
    }
    let error = ops.pause("warehouse.pack.everything").await.expect_err("is unknown");
    assert!(matches!(&error, Error::UnknownReceiver { near, .. } if near.is_empty()), "{error:?}");
    assert_eq!(db.states().await, [State::Ready; 2]);
}

/// I14: what is pending for a receiver that is retired is kept and run; nothing more is sent to it.
pub async fn i14_what_is_pending_when_a_receiver_retires_is_kept_and_run<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[Plain::DEF], []).await;
    theatre.send(&paid(1)).await;
    let ops = theatre.signals.operate("ada");
    let retired = ops.retire(Plain::DEF.name, Pending::Keep).await.expect("retires");
    assert_eq!((retired.changed, retired.cancelled), (true, Tally::default()));
    theatre.send(&paid(2)).await;
    assert_eq!(db.states().await, [State::Ready], "the second was sent to nobody");
    assert_eq!(theatre.signals.inspect().parked().await.expect("lists"), [], "it is known and will be run");
    assert_eq!(theatre.drain().await.done, 1);
    assert!(!ops.retire(Plain::DEF.name, Pending::Keep).await.expect("answers").changed);
}

/// I14, T10: or it is cancelled, whoever runs it.
pub async fn i14_what_is_pending_when_a_receiver_retires_can_be_cancelled<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[&SHIP, &MAIL], []).await;
    let app = db.program(&[&SHIP, &MAIL]);
    send_many(&app, 5_001).await;
    let mut reports = 0;
    let retire = theatre.signals.operate("ada").retire(SHIP.name, Pending::Cancel).on_progress(|_| reports += 1).await;
    assert_eq!(retire.expect("retires").cancelled.changed, 5_001);
    assert!(reports >= 2, "{reports}");
    let counts = db.store.counts().await.expect("counts").lanes;
    assert_eq!(counts.iter().map(|lane| lane.ready.0).collect::<Vec<_>>(), [0, 5_001], "the other's stays");
    assert_eq!(app.send(&paid(7)).await.deliveries, 1);
}

/// I14: and there is a way back.
pub async fn i14_a_retired_receiver_can_be_restored<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[&SHIP], []).await;
    let app = db.program(&[&SHIP]);
    app.send(&paid(1)).await;
    let ops = theatre.signals.operate("ada");
    ops.retire(SHIP.name, Pending::Cancel).await.expect("retires");
    assert_eq!(app.register().await.expect("registers").retired, [SHIP.name], "a build that links it is told");
    assert_eq!(app.send(&paid(2)).await.deliveries, 0);
    assert!(ops.restore(SHIP.name).await.expect("restores"));
    assert_eq!(app.register().await.expect("registers").retired, <[&str; 0]>::default());
    assert_eq!(app.send(&paid(3)).await.deliveries, 1);
    assert_eq!(ops.retry_all(of(SHIP.name)).await.expect("retries").changed, 1, "what was cancelled with it");
    assert_eq!(app.puppet().await.claim(10).await.len(), 2);
}

/// I12, I14: switches are seen, and each is its own.
pub async fn i14_a_receiver_shows_whether_it_is_paused_or_retired<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let id = app.id(&SHIP).await;
    for (switch, paused, retired) in [
        (Switch::Pause, true, false),
        (Switch::Retire, true, true),
        (Switch::Resume, false, true),
        (Switch::Restore, false, false),
    ] {
        assert!(db.store.switch(id, switch, "ada").await.expect("switches"));
        assert!(!db.store.switch(id, switch, "ada").await.expect("answers"), "it is so already");
        let shown = db.store.receivers().await.expect("lists").remove(0);
        assert_eq!((shown.paused, shown.retired), (paused, retired), "{switch:?}");
    }
    assert_eq!(db.log().await.len(), 4);
}

/// T12: by hand it is told in the log once, however many batches it takes.
pub async fn t12_a_prune_by_hand_takes_several_batches_and_leaves_one_line<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[&SHIP], []).await;
    send_many(&db.program(&[&SHIP]), 2_100).await;
    let ops = theatre.signals.operate("ada");
    ops.cancel_all(Filter::default()).await.expect("cancels");
    db.advance(2 * DAY.as_secs());
    let retention = Retention { done: DAY, cancelled: DAY, dead: None, keys: DAY };
    let mut reports = 0;
    let pruned = ops.prune(retention).on_progress(|_| reports += 1).await.expect("prunes");
    assert_eq!((pruned.deliveries, reports), (2_100, 3));
    let log = db.log().await;
    assert_eq!((log.len(), &*log[1].1, log[1].3), (2, "prune", 2_100), "{log:?}");
    assert_eq!(db.store.prune(&retention, 10, None).await.expect("prunes").action, None, "workers leave no line");
}

/// T10: whatever an actor or a filter says can be told in the log.
pub async fn t10_the_log_tells_hostile_words_as_they_were<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[&SHIP], []).await;
    theatre.send(&paid(1)).await;
    let actor = "Robert'); DROP TABLE \"signals_action\";--%_\\ \u{1F600}";
    let filter = Filter {
        states: vec![State::Ready],
        signal: Some(crate::fixtures::Paid::DEF.name.to_owned()),
        ..of(SHIP.name)
    };
    theatre.signals.operate(actor).cancel_all(filter).await.expect("cancels");
    let subject = "ready, receiver orders.ship, signal shop.paid".to_owned();
    assert_eq!(db.log().await, [(actor.to_owned(), "cancel".to_owned(), subject, 1)]);
}
