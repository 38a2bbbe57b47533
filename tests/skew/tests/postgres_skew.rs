//! Releases over a Postgres database.

mod common;

use common::{Build, Fleet};
use signals_cluster::{Database, Server};
use signals_runtime::PgBackend;
use signals_skew::over_postgres;

async fn fleet() -> (Fleet<PgBackend>, Database) {
    let server = Server::for_tests().expect("a server for the tests");
    let database = server.database().await.expect("a database can be made");
    let signals = over_postgres(database.url()).expect("it is a URL");
    (Fleet::over(database.url(), signals, tempfile::tempdir().expect("a folder")), database)
}

/// W16, I12, I14, I15, E1 to E5: the usual order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w16_a_release_on_postgres_under_load_and_its_rollback_lose_burn_and_repeat_nothing() {
    let (fleet, _database) = fleet().await;
    fleet.deploy_and_roll_back(Build::Old, Build::New).await;
}

/// W16, I15: the new build was there first, and the old one comes over it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w16_an_old_build_over_a_new_one_on_postgres_and_its_rollback_lose_burn_and_repeat_nothing() {
    let (fleet, _database) = fleet().await;
    fleet.deploy_and_roll_back(Build::New, Build::Old).await;
}
