//! Real workers: I3, I10–I12, T5–T8, W7–W20, L2, E13, E14.

use std::time::Duration;

use signals_core::delivery::State;
use signals_core::store::{AttemptOutcome, DeathReason, Filter};
use signals_core::{Error, Location, Receiver as _, Signal, SignalDef};
use signals_runtime::CancelReason;
use signals_runtime::operating::{Parked, WaitsFor};
use signals_runtime::worker::DrainError;

use crate::fixtures::{Refunded, paid};
use crate::stage::{Act, Bystander, Hasty, Plain, Polling, Theatre, Transactional, until};
use crate::{Db, Harness};

/// More than any backoff.
const A_DAY: u64 = 86_400;

/// I3: `Ok` is done.
pub async fn i3_a_delivery_is_done_when_its_receiver_returned_ok<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[Plain::DEF], []).await;
    theatre.send(&paid(7)).await;
    let report = theatre.drain().await;
    assert_eq!((report.done, report.failed(), theatre.stage.calls().len()), (1, 0, 1));
    assert_eq!(db.states().await, [State::Done]);
}

/// T5, E14: a failure is visible, and tried again when it is due.
pub async fn t5_a_failed_attempt_is_retried_when_its_backoff_is_over<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[Plain::DEF], [Act::Fail("no stock")]).await;
    theatre.send(&paid(7)).await;
    let report = theatre.drain().await;
    assert_eq!((report.done, report.retried, &*report.failures[0].error), (0, 1, "no stock"));
    let id = db.all().await[0].id;
    assert_eq!(db.state(id).await, State::Ready);
    db.advance(A_DAY);
    assert_eq!(theatre.drain().await.done, 1);
    assert_eq!((db.state(id).await, db.get(id).await.attempts.len()), (State::Done, 1));
}

/// E14: no failure of a receiver is swallowed: the error of `drain` names the receiver, the delivery and the reason.
pub async fn e14_drain_fails_when_a_receiver_fails<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[Plain::DEF], [Act::Fail("no stock"), Act::Discard]).await;
    for order in 7..10 {
        theatre.send(&paid(order)).await;
    }
    let error = theatre.drain_fails().await;
    let DrainError::Failed(report) = &error else { panic!("the worker could not run: {error}") };
    assert_eq!((report.done, report.retried, report.dead), (1, 1, 1), "what else is due is run all the same");
    let retried = report.failures.iter().find(|failure| !failure.dead).expect("one is to be retried");
    assert_eq!((retried.receiver, &*retried.error, retried.attempt), (Plain::DEF.name, "no stock", 1));
    assert_eq!(db.state(retried.delivery).await, State::Ready);
    let dead = report.failures.iter().find(|failure| failure.dead).expect("one is dead");
    assert_eq!(db.state(dead.delivery).await, State::Dead);
    let text = error.to_string();
    for part in ["2 failed attempts, 1 done", Plain::DEF.name, &retried.delivery.to_string(), "no stock"] {
        assert!(text.contains(part), "`{part}` is missing in: {text}");
    }
}

/// T5: three attempts are three.
pub async fn t5_a_receiver_that_always_fails_is_tried_as_often_as_it_says<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[Plain::DEF], [Act::Fail("a"), Act::Fail("b"), Act::Fail("c")]).await;
    theatre.send(&paid(7)).await;
    for _ in 0..5 {
        theatre.drain().await;
        db.advance(A_DAY);
    }
    let detail = db.get(db.all().await[0].id).await;
    assert_eq!((detail.summary.state, detail.summary.death), (State::Dead, Some(DeathReason::Exhausted)));
    assert_eq!(theatre.stage.calls().len(), 3);
    assert_eq!(detail.attempts.iter().map(|attempt| &*attempt.error).collect::<Vec<_>>(), ["a", "b", "c"]);
}

/// W7: whatever it panics with, it is a failed attempt, and the worker goes on.
pub async fn w7_a_panic_is_a_failed_attempt<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[Plain::DEF], [Act::Panic, Act::PanicWithNumber]).await;
    for order in 0..3 {
        theatre.send(&paid(order)).await;
    }
    let report = theatre.drain().await;
    assert_eq!((report.done, report.retried), (1, 2));
    for delivery in db.all().await.iter().filter(|delivery| delivery.state == State::Ready) {
        assert_eq!(db.get(delivery.id).await.attempts[0].outcome, AttemptOutcome::Panic);
    }
}

/// W9: a receiver that never returns is failed at its time-out.
pub async fn w9_a_receiver_that_never_returns_is_failed_at_its_timeout<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[Hasty::DEF], [Act::Hang]).await;
    theatre.send(&paid(7)).await;
    assert_eq!(theatre.drain().await.retried, 1);
    let attempts = db.get(db.all().await[0].id).await.attempts;
    assert_eq!(attempts[0].outcome, AttemptOutcome::Timeout);
    assert_eq!(theatre.stage.left(), 1, "its future was dropped");
}

/// W9, W11: a blocking receiver that asks learns of its time-out, and gives its slot back by returning.
pub async fn w11_a_blocking_receiver_that_asks_ends_early_at_its_timeout<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[Polling::DEF], []).await;
    theatre.send(&paid(7)).await;
    theatre.send(&paid(8)).await;
    // One slot: the second starts when the first has returned.
    let worker = theatre.worker().concurrency(1).build().expect("the worker lacks nothing");
    let error = worker.drain().await.expect_err("both time out");
    let DrainError::Failed(report) = &error else { panic!("the worker could not run: {error}") };
    assert_eq!((report.done, report.retried), (0, 2), "its `Ok` came too late");
    until("both have returned", async || theatre.stage.left() == 2).await;
    assert_eq!(theatre.stage.reasons(), [CancelReason::Timeout; 2]);
    for delivery in db.all().await {
        assert_eq!(db.get(delivery.id).await.attempts[0].outcome, AttemptOutcome::Timeout);
    }
}

/// T7.
pub async fn t7_a_receiver_can_discard<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[Plain::DEF], [Act::Discard]).await;
    theatre.send(&paid(7)).await;
    assert_eq!(theatre.drain().await.dead, 1);
    assert_eq!(db.all().await[0].death, Some(DeathReason::Discarded));
}

/// T5: exactly this long, by the database's clock.
pub async fn t5_a_receiver_can_say_when_to_be_tried_again<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[Plain::DEF], [Act::RetryAfter(90)]).await;
    theatre.send(&paid(7)).await;
    theatre.drain().await;
    let shown = &db.all().await[0];
    assert_eq!(shown.due_at, Some(db.now().saturating_add(Duration::from_secs(90))));
    assert_eq!((shown.state, shown.counters.attempt), (State::Ready, 1));
}

/// T6.
pub async fn t6_a_receiver_can_snooze<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[Plain::DEF], [Act::Snooze(90)]).await;
    theatre.send(&paid(7)).await;
    assert_eq!(theatre.drain().await.snoozed, 1);
    let shown = &db.all().await[0];
    assert_eq!((shown.state, shown.counters.attempt, shown.counters.refunds), (State::Ready, 0, 1));
    db.advance(90);
    assert_eq!(theatre.drain().await.done, 1);
}

/// W17: dead at once, the payload kept as it was sent, and run again after a fix.
pub async fn w17_a_payload_that_does_not_decode_is_a_dead_letter_at_once<H: Harness>(db: Db<H>) {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Garbled {
        order: String,
    }
    impl Signal for Garbled {
        const DEF: &'static SignalDef =
            &SignalDef::new("shop.paid", Location { module: module_path!(), file: file!(), line: line!() });
    }
    let theatre = Theatre::open(&db, &[Plain::DEF], []).await;
    theatre.send(&Garbled { order: "seven".to_owned() }).await;
    assert_eq!(theatre.drain().await.dead, 1);
    let detail = db.get(db.all().await[0].id).await;
    assert_eq!(detail.summary.death, Some(DeathReason::Undecodable));
    assert_eq!(detail.signal.expect("kept").payload, br#"{"order":"seven"}"#);
    assert!(theatre.stage.calls().is_empty(), "it was not called");
}

/// I11: one key per life; the attempt is visible.
pub async fn i11_the_idempotency_key_is_the_same_in_every_attempt_of_a_life<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[Plain::DEF], [Act::Fail("a"), Act::Discard]).await;
    theatre.send(&paid(7)).await;
    theatre.drain().await;
    db.advance(A_DAY);
    theatre.drain().await;
    let id = db.all().await[0].id;
    theatre.signals.operate("ops").retry(id).await.expect("retries");
    theatre.drain().await;
    let calls = theatre.stage.calls();
    let keys: Vec<_> = calls.iter().map(signals_core::Delivery::idempotency_key).collect();
    assert_eq!(keys, [format!("{id}.0"), format!("{id}.0"), format!("{id}.1")]);
    assert_eq!(calls.iter().map(|call| call.attempt).collect::<Vec<_>>(), [1, 2, 1]);
}

/// I12: what a worker does not run stays as it is.
pub async fn i12_a_worker_of_some_receivers_leaves_the_others_alone<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[Plain::DEF, Bystander::DEF], []).await;
    theatre.send(&paid(7)).await;
    theatre.send(&Refunded { order: 7 }).await;
    let worker = theatre.worker().only(["other."]).build().expect("the worker lacks nothing");
    assert_eq!(worker.drain().await.expect("drains").done, 1);
    assert_eq!(db.states().await, [State::Ready, State::Done]);
}

/// I12: a lane that neither this program nor a living worker knows is parked, and shown.
pub async fn i12_deliveries_that_nobody_runs_are_shown_as_parked<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[Plain::DEF, Bystander::DEF], []).await;
    theatre.send(&paid(7)).await;
    theatre.send(&Refunded { order: 7 }).await;
    assert_eq!(theatre.signals.inspect().parked().await.expect("lists"), [], "this program knows both");

    let other = Theatre::open(&db, &[Bystander::DEF], []).await;
    let parked = other.signals.inspect().parked().await.expect("lists");
    assert_eq!(parked.len(), 1, "{parked:?}");
    let Parked { lane, waits_for } = &parked[0];
    assert_eq!((&*lane.receiver, lane.ready.0, lane.lane.version), (Plain::DEF.name, 1, 1));
    assert_eq!(*waits_for, WaitsFor::Receiver);

    let _worker = db.program(&[Plain::DEF]).puppet().await;
    assert_eq!(other.signals.inspect().parked().await.expect("lists"), [], "a worker knows it");
    db.advance(61);
    assert_eq!(other.signals.inspect().parked().await.expect("lists").len(), 1, "it was not seen for a minute");

    assert_eq!(theatre.drain().await.done, 2);
    assert_eq!(other.signals.inspect().parked().await.expect("lists"), [], "nothing waits");
}

/// I10: of two receivers of one signal one fails.
pub async fn i10_a_failing_receiver_does_not_keep_another_from_its_delivery<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[Plain::DEF, Hasty::DEF], [Act::Fail("whoever comes first")]).await;
    theatre.send(&paid(7)).await;
    let report = theatre.drain().await;
    assert_eq!((report.done, report.retried), (1, 1));
}

/// T2: paused means paused, also for a drain.
pub async fn t2_a_worker_runs_nothing_of_a_paused_receiver<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[Plain::DEF], []).await;
    theatre.send(&paid(7)).await;
    theatre.signals.operate("ops").pause(Plain::DEF.name).await.expect("pauses");
    assert_eq!(theatre.drain().await.done, 0);
    theatre.signals.operate("ops").resume(Plain::DEF.name).await.expect("resumes");
    assert_eq!(theatre.drain().await.done, 1);
}

/// E13: a chain of sends is run to its end, and can be followed.
pub async fn e13_what_a_receiver_sends_is_run_and_names_its_cause<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[Transactional::<H>::DEF, Bystander::DEF], [Act::Send]).await;
    theatre.send(&paid(7)).await;
    assert_eq!(theatre.drain().await.done, 2);
    let first = db.all().await[0].id.signal;
    let filter = Filter { signal: Some(Refunded::DEF.name.to_owned()), ..Filter::default() };
    let caused = theatre.signals.inspect().list(&filter).await.expect("lists").deliveries.remove(0).id;
    let headers = db.get(caused).await.signal.expect("not forgotten").headers;
    assert_eq!((headers.causation, headers.correlation), (Some(first), Some(first)));
}

/// L2, T8: a worker that is stopped holds nothing, and what it gave back cost nothing.
pub async fn l2_a_stopped_worker_gives_back_what_runs_after_its_grace<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[Plain::DEF], [Act::Hang]).await;
    theatre.send(&paid(7)).await;
    let worker = theatre.worker().grace(Duration::ZERO).build().expect("the worker lacks nothing");
    let called = until("the receiver is called", async || !theatre.stage.calls().is_empty());
    let report = worker.run_until(called).await.expect("runs");
    assert_eq!((report.released, report.done, theatre.stage.left()), (1, 0, 1));
    let shown = &db.all().await[0];
    assert_eq!((shown.state, shown.counters.attempt, shown.worker), (State::Ready, 0, None));
}

/// L1: a commit of this process wakes its workers, however seldom they poll.
pub async fn l1_a_commit_wakes_the_workers_of_its_process<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[Plain::DEF], []).await;
    let hour = Duration::from_secs(3_600);
    let worker = theatre.worker().poll(hour, hour).build().expect("the worker lacks nothing");
    let stop = async {
        until("the worker has started", async || !theatre.signals.inspect().workers().await.expect("lists").is_empty())
            .await;
        theatre.send(&paid(7)).await;
        until("the receiver is called", async || !theatre.stage.calls().is_empty()).await;
    };
    assert_eq!(worker.run_until(stop).await.expect("runs").done, 1);
}

/// T10, W20: the runner of a cancelled delivery learns of it at its next renewal, and stops.
pub async fn t10_a_cancelled_delivery_stops_its_receiver<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[Plain::DEF], [Act::Hang]).await;
    theatre.send(&paid(7)).await;
    let worker = theatre.worker().lease(Duration::from_millis(300)).build().expect("the worker lacks nothing");
    let stop = async {
        until("the receiver is called", async || !theatre.stage.calls().is_empty()).await;
        let id = db.all().await[0].id;
        theatre.signals.operate("ops").cancel(id).await.expect("cancels");
        until("the receiver's future is dropped", async || theatre.stage.left() == 1).await;
    };
    let report = worker.run_until(stop).await.expect("runs");
    assert_eq!((report.done, report.failed()), (0, 0));
    assert_eq!(db.states().await, [State::Cancelled]);
}

/// T10: through the handle of the application, of what runs and of what waits.
pub async fn t10_a_discarded_delivery_stops_its_receiver_and_is_a_dead_letter<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[Plain::DEF], [Act::Hang]).await;
    theatre.send(&paid(7)).await;
    let worker = theatre.worker().lease(Duration::from_millis(300)).build().expect("the worker lacks nothing");
    let stop = async {
        until("the receiver is called", async || !theatre.stage.calls().is_empty()).await;
        let id = db.all().await[0].id;
        theatre.signals.operate("ops").discard(id).await.expect("discards");
        until("the receiver's future is dropped", async || theatre.stage.left() == 1).await;
    };
    let report = worker.run_until(stop).await.expect("runs");
    assert_eq!((report.done, report.failed()), (0, 0));
    let shown = db.all().await.remove(0);
    assert_eq!(
        (shown.state, shown.death, shown.actor.as_deref()),
        (State::Dead, Some(DeathReason::ByHand), Some("ops"))
    );
    let again = theatre.signals.operate("ops").discard(shown.id).await.expect_err("is dead");
    assert!(matches!(again, Error::WrongState { state: State::Dead, .. }), "{again:?}");
}

/// I7: two workers of one database run everything once.
pub async fn i7_two_workers_run_every_delivery_once<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[Plain::DEF], []).await;
    for order in 0..50 {
        theatre.send(&paid(order)).await;
    }
    let (a, b) = tokio::join!(theatre.drain(), theatre.drain());
    assert_eq!((a.done + b.done, theatre.stage.calls().len()), (50, 50));
    assert!(db.states().await.iter().all(|state| *state == State::Done));
}
