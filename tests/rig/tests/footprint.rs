//! A worker holds no more after many deliveries than after some.

use std::path::Path;

use signals_rig::memory::{ALLOWED, measure};

async fn grows_by(history: u64) -> u64 {
    let folder = tempfile::tempdir().expect("a folder");
    let program = Path::new(env!("CARGO_BIN_EXE_signals-rig"));
    let measured = measure(program, folder.path(), &[20_000, 60_000], history, |_| {}).await.expect("it is drained");
    println!("{measured}");
    measured.growth()
}

/// P13: with a day of history, as it is by default.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p13_a_worker_that_keeps_history_holds_no_more_after_three_times_as_many_deliveries() {
    assert!(grows_by(86_400).await <= ALLOWED);
}

/// P13: without history.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p13_a_worker_without_history_holds_no_more_after_three_times_as_many_deliveries() {
    assert!(grows_by(0).await <= ALLOWED);
}
