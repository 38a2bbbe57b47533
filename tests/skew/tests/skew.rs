//! Releases over a SQLite file.

mod common;

use common::{Build, Fleet};
use signals_runtime::SqliteBackend;
use signals_skew::over_sqlite;

async fn fleet() -> Fleet<SqliteBackend> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("skew.db");
    let signals = over_sqlite(&file).await.expect("a new file can be opened");
    Fleet::over(file.to_str().expect("a path in UTF-8"), signals, folder)
}

/// W16, I12, I14, I15, E1 to E5: the usual order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w16_a_release_under_load_and_its_rollback_lose_burn_and_repeat_nothing() {
    fleet().await.deploy_and_roll_back(Build::Old, Build::New).await;
}

/// W16, I15: the new build was there first, and the old one comes over it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w16_an_old_build_over_a_new_one_and_its_rollback_lose_burn_and_repeat_nothing() {
    fleet().await.deploy_and_roll_back(Build::New, Build::Old).await;
}
