//! Many senders and workers at once, a tenth of the attempts failing and a fifth of the sends delayed, while operators end and retry
//! what is under way and names are merged: no deadlock, nothing lost. RIG_SECONDS says for how long.

mod common;

use std::time::{Duration, Instant};

use common::{LEASE, Process, Rig, until};
use signals_cluster::Settings;
use signals_core::Backend as _;
use signals_core::store::{ReceiverEntry, Registration, SignalEntry};
use signals_rig_postgres::{HOLD, WORK};
use signals_runtime::store::Filter;

/// For how long, unless RIG_SECONDS says otherwise.
const SECONDS: u64 = 15;

/// How far apart two merges are.
const APART: Duration = Duration::from_millis(500);

/// S9, T4, T5, T9, T10, T11, I15: every statement that changes several rows locks them in one order.
#[tokio::test(flavor = "multi_thread")]
async fn s9_sixteen_senders_four_workers_operators_and_merges_meet_no_deadlock() {
    let seconds = std::env::var("RIG_SECONDS").map_or(SECONDS, |value| value.parse().expect("RIG_SECONDS is a number"));
    let rig = Rig::new(Settings::fast().set("deadlock_timeout", "100ms")).await;
    // None is to be lost, however much there is to do for two cores.
    let mut workers: Vec<Process> =
        (0..4).map(|_| Process::start(rig.worker_command(rig.database.url(), LEASE * 10))).collect();
    let senders: Vec<Process> = (1..=16).map(|slot| rig.sender_at(rig.database.url(), slot, 10)).collect();
    rig.connected(&workers.iter().collect::<Vec<_>>()).await;
    let end = Instant::now() + Duration::from_secs(seconds);
    let (cancelled, discarded, more, retried, merged, switched) = tokio::join!(
        end_all(&rig, end, false),
        end_all(&rig, end, true),
        end_all(&rig, end, true),
        retry_all(&rig, end),
        merge(&rig, end),
        pause(&rig, end)
    );
    let discarded = discarded + more;
    for mut sender in senders {
        let status = sender.finish();
        assert!(status.success(), "{status}\n{}", rig.events());
    }
    assert_eq!(rig.deadlocks().await, 0, "{}", rig.cluster.log());
    until("what operators ended to be retried", async || retry(&rig).await == 0).await;
    drained(&rig).await;
    rig.agrees().await;
    assert_eq!(rig.deadlocks().await, 0, "{}", rig.cluster.log());
    assert_eq!(rig.lost_leases().await, 0, "nobody died: {}", rig.events());
    assert!(rig.stored() > 16 * 10, "only {} sends", rig.stored());
    println!(
        "{} sends in {seconds} s, {cancelled} deliveries cancelled, {discarded} discarded, {retried} retried, {merged} merges, \
         {switched} pauses: no deadlock",
        rig.stored()
    );
    let done = [cancelled, discarded, retried, merged, switched];
    assert!(done.iter().all(|&done| done > 0), "somebody had nothing to do: {done:?}");
    assert!(workers.iter_mut().all(|worker| worker.stop().success()), "{}", rig.events());
}

/// Waits until nothing is left, however much there is, as long as it becomes less.
async fn drained(rig: &Rig) {
    let mut left = rig.pending().await;
    while left > 0 {
        let before = left;
        until("work to go on", async || {
            left = rig.pending().await;
            left < before
        })
        .await;
    }
}

/// Cancels or discards what is under way, again and again; how many deliveries.
async fn end_all(rig: &Rig, end: Instant, discard: bool) -> u64 {
    let operator = rig.signals.operate(if discard { "discards" } else { "cancels" });
    let mut ended = 0;
    while Instant::now() < end {
        let all =
            if discard { operator.discard_all(Filter::default()) } else { operator.cancel_all(Filter::default()) };
        ended += all.await.expect("it is tried again").changed;
        // tidy: not a wait: what is ended all the time is never done
        tokio::time::sleep(APART / 10).await;
    }
    ended
}

async fn retry_all(rig: &Rig, end: Instant) -> u64 {
    let mut retried = 0;
    while Instant::now() < end {
        retried += retry(rig).await;
        // tidy: not a wait: how often it is asked for
        tokio::time::sleep(APART / 10).await;
    }
    retried
}

/// Retries what was ended; how many deliveries. What a merge ended is not among them.
async fn retry(rig: &Rig) -> u64 {
    rig.signals.operate("third").retry_all(Filter::default()).await.expect("it is tried again").changed
}

/// Registers another receiver, to which everything is sent from then on, and makes its name an alias of one that workers know, again and
/// again; how often.
async fn merge(rig: &Rig, end: Instant) -> u64 {
    let store = rig.signals.backend().store();
    let registration = |receiver| Registration {
        signals: vec![SignalEntry { name: WORK, aliases: &[] }],
        receivers: vec![receiver],
        retired: Vec::new(),
    };
    let mut merged = 0;
    while Instant::now() < end {
        let name: &'static str = format!("rig.another_{merged}").leak();
        let another = ReceiverEntry { name, aliases: &[], signal: WORK };
        store.register(&registration(another)).await.expect("registers");
        // tidy: not a wait: for how long it is a receiver of its own
        tokio::time::sleep(APART).await;
        let heir = ReceiverEntry { name: HOLD, aliases: vec![name].leak(), signal: WORK };
        let registered = store.register(&registration(heir)).await.expect("merges");
        assert_eq!(registered.merged, [name], "it was another one");
        merged += 1;
    }
    merged
}

/// Pauses a receiver and resumes it, again and again; how often.
async fn pause(rig: &Rig, end: Instant) -> u64 {
    let operator = rig.signals.operate("fourth");
    let mut paused = 0;
    while Instant::now() < end {
        paused += u64::from(operator.pause(HOLD).await.expect("pauses"));
        // tidy: not a wait: for how long it is paused, so that much to be ended gathers
        tokio::time::sleep(APART).await;
        operator.resume(HOLD).await.expect("resumes");
        // tidy: not a wait: how far apart two pauses are
        tokio::time::sleep(APART).await;
    }
    paused
}
