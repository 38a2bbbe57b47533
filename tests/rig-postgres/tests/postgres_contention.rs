//! Many senders and workers at once, a tenth of the attempts failing: no deadlock, nothing lost. RIG_SECONDS says for how long.

mod common;

use std::time::Duration;

use common::{Process, Rig, for_a_while};
use signals_cluster::Settings;

/// For how long, unless RIG_SECONDS says otherwise.
const SECONDS: u64 = 15;

/// S9, T4, T5, T9: every statement that changes several rows locks them in one order.
#[tokio::test(flavor = "multi_thread")]
async fn s9_sixteen_senders_and_four_workers_with_failures_meet_no_deadlock() {
    let seconds = std::env::var("RIG_SECONDS").map_or(SECONDS, |value| value.parse().expect("RIG_SECONDS is a number"));
    let rig = Rig::new(Settings::fast().set("deadlock_timeout", "100ms")).await;
    let mut workers: Vec<Process> = (0..4).map(|_| rig.worker()).collect();
    let senders: Vec<Process> = (1..=16).map(|slot| rig.sender_at(rig.database.url(), slot, 10)).collect();
    rig.connected(&workers.iter().collect::<Vec<_>>()).await;
    for_a_while(Duration::from_secs(seconds)).await;
    for mut sender in senders {
        let status = sender.finish();
        assert!(status.success(), "{status}\n{}", rig.events());
    }
    rig.agrees().await;
    assert_eq!(rig.deadlocks().await, 0, "{}", rig.cluster.log());
    assert_eq!(rig.lost_leases().await, 0, "nobody died: {}", rig.events());
    assert!(rig.stored() > 16 * 10, "only {} sends", rig.stored());
    println!("{} sends in {seconds} s, 16 senders, 4 workers: no deadlock", rig.stored());
    assert!(workers.iter_mut().all(|worker| worker.stop().success()), "{}", rig.events());
}
