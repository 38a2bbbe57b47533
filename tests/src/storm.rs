//! A receiver that fails on everything it gets, or keeps every slot that it is given, beside one that does not: W18, W19.

use std::time::Duration;

use signals_core::retry::Backoff;
use signals_core::{Body, Location, Receiver, ReceiverDef, ReceiverOptions, RunError};

use crate::fixtures::{Paid, Refunded, paid};
use crate::stage::{Act, Bystander, Plain, Stage, Theatre, until};
use crate::{Db, Harness};

/// How many deliveries the failing receiver has.
const STORM: usize = 400;

/// How long each of its attempts takes: long enough that what a worker needs to find something else is a few of them.
const HOLD: Duration = Duration::from_millis(5);

/// The ceiling of its backoff, in seconds, after each attempt.
const BACKOFF: u64 = 100;

/// A receiver of [`Paid`] that always fails.
#[derive(Debug)]
struct Failing;

impl Receiver for Failing {
    type Signal = Paid;
    const DEF: &'static ReceiverDef = &ReceiverDef::new::<Self>(
        "storm.failing",
        Location { module: module_path!(), file: file!(), line: line!() },
        Body::Async(|_, context| {
            Box::pin(async move {
                Stage::note(context);
                // tidy: not a wait: it is the work
                tokio::time::sleep(HOLD).await;
                Err(RunError::Failed("no stock".into()))
            })
        }),
    )
    .declare(|needs| needs.state::<Stage>())
    .options(ReceiverOptions::DEFAULT.max_attempts(5).backoff(Backoff {
        initial: Duration::from_secs(BACKOFF),
        factor: 1.0,
        max: Duration::from_secs(BACKOFF),
    }));
}

/// A program with a storm before it: all of its first attempts are due.
async fn before_the_storm<H: Harness>(db: &Db<H>) -> Theatre<H> {
    let theatre = Theatre::open(db, &[Failing::DEF, Bystander::DEF], []).await;
    let mut tx = theatre.signals.begin().await.expect("a transaction can begin");
    let orders: Vec<Paid> = (0..STORM as i64).map(paid).collect();
    signals_runtime::send_all(&orders, &mut tx).await.expect("the send succeeds");
    tx.commit().await.expect("the commit succeeds");
    theatre
}

/// W18: while hundreds of retries are due, what is sent to a healthy receiver starts behind some of them, not behind all.
pub async fn w18_a_storm_of_retries_does_not_keep_a_healthy_receiver_waiting<H: Harness>(db: Db<H>) {
    let theatre = before_the_storm(&db).await;
    let worker = theatre.worker().concurrency(8).build().expect("the worker lacks nothing");
    let called = |name: &str| theatre.stage.calls().iter().filter(|call| call.receiver == name).count();
    let story = async {
        for round in 0..3 {
            let before = round * STORM;
            until("the storm begins", async || called(Failing::DEF.name) > before).await;
            theatre.send(&Refunded { order: 7 }).await;
            let at_send = called(Failing::DEF.name);
            until("the healthy one starts", async || called(Bystander::DEF.name) > round).await;
            // It may have begun before the commit's answer came.
            let in_front = in_front_of(&theatre.stage, round).saturating_sub(at_send);
            // What was claimed ahead may be in front, and what began while the worker learned of it.
            assert!(in_front < STORM / 4, "round {round}: {in_front} attempts of the storm were in front");
            until("all of the storm waits", async || scheduled(&theatre).await == STORM as u64).await;
            // And is due again at once.
            db.advance(BACKOFF + 1);
        }
    };
    worker.run_until(story).await.expect("runs");
}

/// How many of the storm's deliveries wait for their next attempt.
async fn scheduled<H: Harness>(theatre: &Theatre<H>) -> u64 {
    let counts = theatre.signals.inspect().counts().await.expect("counts");
    counts.lanes.iter().filter(|lane| lane.receiver == Failing::DEF.name).map(|lane| lane.scheduled.0).sum()
}

/// How many attempts of the storm had begun before call number `nth` of the healthy receiver.
fn in_front_of(stage: &Stage, nth: usize) -> usize {
    let calls = stage.calls();
    let healthy = calls.iter().enumerate().filter(|(_, call)| call.receiver == Bystander::DEF.name);
    healthy.map(|(at, _)| at).nth(nth).expect("it was called") - nth
}

/// W18: what failed together does not come back together: no tenth of the backoff brings more than thrice its share.
pub async fn w18_what_failed_together_comes_back_spread_over_its_backoff<H: Harness>(db: Db<H>) {
    const TENTHS: usize = 10;
    let theatre = before_the_storm(&db).await;
    assert_eq!(theatre.drain().await.retried, STORM as u64, "at one moment: the clock stands still");
    let seconds = || theatre.stage.calls().iter().filter(|call| call.attempt == 2).count();
    let mut back = Vec::new();
    for _ in 0..TENTHS {
        let before = seconds();
        db.advance(BACKOFF / TENTHS as u64);
        theatre.drain().await;
        back.push(seconds() - before);
    }
    let share = STORM / TENTHS;
    assert!(back.iter().all(|tenth| (share / 4..share * 3).contains(tenth)), "{back:?}, and {share} is an even share");
    assert_eq!(back.iter().sum::<usize>(), STORM, "and all of it within the backoff");
}

/// W19: ten thousand deliveries of a receiver that keeps its slots do not keep another's ten from being run, though none of the
/// slots comes free.
pub async fn w19_a_backlog_that_keeps_its_slots_leaves_some_to_the_others<H: Harness>(db: Db<H>) {
    const SLOTS: usize = 16;
    const SHARE: usize = 12;
    let theatre = Theatre::open(&db, &[Plain::DEF, Bystander::DEF], [Act::Hang; SLOTS]).await;
    let mut tx = theatre.signals.begin().await.expect("a transaction can begin");
    let backlog: Vec<Paid> = (0..10_000).map(paid).collect();
    signals_runtime::send_all(&backlog, &mut tx).await.expect("the send succeeds");
    tx.commit().await.expect("the commit succeeds");
    let worker = theatre.worker().concurrency(SLOTS).grace(Duration::ZERO).build().expect("the worker lacks nothing");
    let called = |name: &str| theatre.stage.calls().iter().filter(|call| call.receiver == name).count();
    let story = async {
        until("it has its share of the slots", async || called(Plain::DEF.name) == SHARE).await;
        for order in 0..10 {
            theatre.send(&Refunded { order }).await;
        }
        until("the other's ten are over", async || theatre.stage.left() == 10).await;
        assert_eq!(
            (called(Plain::DEF.name), called(Bystander::DEF.name)),
            (SHARE, 10),
            "it took no more, and none of its own is over"
        );
    };
    worker.run_until(story).await.expect("runs");
}
