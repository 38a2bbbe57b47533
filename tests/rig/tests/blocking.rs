//! Receivers that block: a thread of the runtime (W10), and their own (W11).

mod common;

use std::thread;
use std::time::{Duration, Instant};

use common::{LEASE, PATIENCE, Rig, starts};
use signals_rig::{How, Stubborn, Trouble, open, send, send_one};
use signals_runtime::delivery::{DeliveryId, SignalId, State};
use signals_runtime::store::{AttemptOutcome, DeliveryDetail, Filter};

/// A worker on a thread of its own, with a runtime of one thread, until `stop` is dropped.
fn lone_worker(
    rig: &Rig,
    receivers: &'static [&'static str],
) -> (tokio::sync::oneshot::Sender<()>, thread::JoinHandle<()>) {
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let (database, log) = (rig.database.clone(), rig.log.clone());
    let thread = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let signals = open(&database).await.expect("a database");
            let worker = signals.worker().state(log).lease(LEASE).only(receivers.iter().copied()).build();
            let stop = async {
                let _ = stopped.await;
            };
            worker.expect("a worker").run_until(stop).await.expect("it runs");
        });
    });
    (stop, thread)
}

async fn delivery_of(rig: &Rig, signal: SignalId, receiver: &str) -> DeliveryDetail {
    let filter = Filter { receiver: Some(receiver.to_owned()), ..Filter::default() };
    let page = rig.signals.inspect().list(&filter).await.expect("a list");
    let id: DeliveryId =
        page.deliveries.iter().map(|delivery| delivery.id).find(|id| id.signal == signal).expect("sent");
    rig.signals.inspect().get(id).await.expect("a look-up").expect("it exists")
}

/// W10, T5: a receiver that blocks the runtime costs no other delivery its lease, and is failed at its deadline while its
/// code still blocks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w10_t5_a_receiver_that_blocks_the_runtime_is_failed_and_costs_no_other_its_lease() {
    let rig = Rig::new().await;
    let (stop, worker) = lone_worker(&rig, &["rig.hold", "rig.trouble"]);
    send(&rig.signals, 1..2, Duration::from_secs(4)).await.expect("sent");
    rig.log_until("the neighbour's start", |lines| starts(lines, 1).len() == 1).await;
    let blocking = Trouble { number: 2, how: How::Block, hold_ms: 3_500 };
    let signal = send_one(&rig.signals, &blocking).await.expect("sent");
    rig.log_until("the start", |lines| starts(lines, 2).len() == 1).await;
    // Another worker would steal the neighbour's delivery if its lease ran out.
    let (stop_thief, thief) = lone_worker(&rig, &["rig.hold"]);

    let began = Instant::now();
    let failed = loop {
        let delivery = delivery_of(&rig, signal, "rig.trouble").await;
        if delivery.summary.state == State::Dead {
            break delivery;
        }
        assert!(delivery.summary.state != State::Done, "it was not failed, and is done: {delivery:?}");
        assert!(began.elapsed() < PATIENCE, "{delivery:?}");
        tokio::time::sleep(Duration::from_millis(10)).await; // tidy: not a wait: the pause of a poll with a deadline
    };

    let still_blocks = rig.log.read().iter().all(|line| line.what != "end");
    assert!(still_blocks, "it was failed while its code still blocked");
    assert_eq!(failed.attempts.iter().map(|attempt| attempt.outcome).collect::<Vec<_>>(), [AttemptOutcome::Timeout]);
    let lines = rig.log_until("both ends", |lines| lines.iter().filter(|line| line.what == "end").count() == 2).await;
    assert_eq!(starts(&lines, 1).len(), 1, "the neighbour's lease was renewed all the time");
    drop((stop, stop_thief));
    worker.join().expect("the worker ends");
    thief.join().expect("the other worker ends");
}

/// W11: a blocking receiver past its time-out is failed, and keeps its slot until it returns.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w11_a_blocking_receiver_past_its_timeout_keeps_its_slot_until_it_returns() {
    let rig = Rig::new().await;
    let first = send_one(&rig.signals, &Stubborn { number: 1, hold_ms: 1_200 }).await.expect("sent");
    send_one(&rig.signals, &Stubborn { number: 2, hold_ms: 0 }).await.expect("sent");
    let (stop, worker) = lone_worker(&rig, &["rig.stubborn"]);

    let lines = rig.log_until("the second start", |lines| starts(lines, 2).len() == 1).await;

    let end = lines.iter().find(|line| line.what == "end" && line.number == 1).expect("the first has returned by then");
    assert!(starts(&lines, 2)[0].at >= end.at);
    let delivery = delivery_of(&rig, first, "rig.stubborn").await;
    assert_eq!((delivery.summary.state, delivery.attempts[0].outcome), (State::Dead, AttemptOutcome::Timeout));
    assert!(delivery.attempts[0].ran < Some(Duration::from_millis(1_000)), "failed at its time-out, not at its return");
    drop(stop);
    worker.join().expect("the worker ends");
}
