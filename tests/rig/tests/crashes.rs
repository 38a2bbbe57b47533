//! W8: deliveries that take the process of their worker down with them.

mod common;

use std::time::Duration;

use common::Rig;
use signals_rig::{How, Trouble, send_one};
use signals_runtime::delivery::State;
use signals_runtime::store::{DeathReason, Filter};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w8_t9_a_delivery_that_aborts_its_workers_dies_and_its_neighbours_do_not() {
    what_kills_its_workers_dies(How::Abort).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w8_t9_a_delivery_that_overflows_the_stack_dies_and_its_neighbours_do_not() {
    what_kills_its_workers_dies(How::Overflow).await.told("has overflowed its stack").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w8_t9_a_delivery_that_exhausts_the_memory_dies_and_its_neighbours_do_not() {
    what_kills_its_workers_dies(How::Exhaust).await.told("memory allocation of").await;
}

/// W8, T9: the delivery that kills its workers ends as a dead letter; its neighbours do not.
async fn what_kills_its_workers_dies(how: How) -> Rig {
    const SHORT: Duration = Duration::from_millis(400);
    let rig = Rig::new().await;
    let neighbour = |number| Trouble { number, how: How::Block, hold_ms: 0 };
    send_one(&rig.signals, &Trouble { number: 0, how, hold_ms: 0 }).await.expect("sent");
    for number in 1..4 {
        send_one(&rig.signals, &neighbour(number)).await.expect("sent");
    }
    let mut crashes = 0;
    let dead = loop {
        let mut worker = rig.worker_of(SHORT, Duration::from_secs(1), Some("rig.trouble"));
        let settled = rig
            .states_until("a crash, or everything settled", |states| {
                worker.0.try_wait().expect("a child").is_some() || states.iter().all(|state| state.is_settled())
            })
            .await;
        if settled.iter().all(|state| state.is_settled()) {
            break settled;
        }
        crashes += 1;
    };
    assert_eq!(crashes, 5, "the first start, and one after each of four stolen leases");
    let page =
        rig.signals.inspect().list(&Filter { states: vec![State::Dead], ..Filter::default() }).await.expect("a list");
    assert_eq!(page.deliveries.len(), 1, "{dead:?}");
    assert_eq!(page.deliveries[0].death, Some(DeathReason::Crashed));
    assert_eq!(page.deliveries[0].counters.lost_leases, 5);
    rig
}
