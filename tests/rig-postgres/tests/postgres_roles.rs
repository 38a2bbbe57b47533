//! Four roles with what each needs and no more: the application runs under them, and they are refused the rest.

mod common;

use common::{Process, Rig};
use signals_cluster::Settings;
use signals_rig_postgres::{Work, book, over};
use signals_runtime::PgBackend;
use sqlx::{Connection as _, Executor as _, PgConnection};

/// The application's own logins, and what they may do with its tables.
const LOGINS: &str = "
    CREATE ROLE rig_deploy LOGIN PASSWORD 'rig' IN ROLE signals_migrator;
    CREATE ROLE rig_web LOGIN PASSWORD 'rig' IN ROLE signals_sender;
    CREATE ROLE rig_jobs LOGIN PASSWORD 'rig' IN ROLE signals_worker;
    CREATE ROLE rig_look LOGIN PASSWORD 'rig' IN ROLE signals_reader;
    GRANT INSERT ON booking TO rig_web;
    GRANT INSERT ON effect TO rig_jobs";

fn url(rig: &Rig, login: &str) -> String {
    let (_, server) = rig.database.url().split_once('@').expect("the URL has a user");
    format!("postgres://{login}:rig@{server}")
}

#[tokio::test(flavor = "multi_thread")]
async fn senders_workers_and_readers_run_under_roles_that_may_do_nothing_else() {
    let rig = Rig::new(Settings::fast()).await;
    let pool = rig.signals.backend().pool();
    pool.execute(PgBackend::roles()).await.expect("the script runs");
    pool.execute(PgBackend::roles()).await.expect("and again");
    pool.execute(LOGINS).await.expect("the roles are there");

    over(&url(&rig, "rig_deploy"), 1).expect("a URL").migrate().await.expect("the migrator owns the tables");
    let mut worker = Process::start(rig.worker_command(&url(&rig, "rig_jobs"), common::LEASE));
    rig.connected(&[&worker]).await;
    let mut sender = rig.sender_at(&url(&rig, "rig_web"), 1, 10);
    common::until("load", async || rig.ended() > 100).await;
    assert!(sender.finish().success(), "a sender needs no more: {}", rig.events());
    let reader = over(&url(&rig, "rig_look"), 1).expect("a URL");
    assert!(!reader.inspect().counts().await.expect("a reader looks").lanes.is_empty());
    rig.agrees().await;
    assert!(worker.stop().success(), "a worker needs no more: {}", rig.events());

    book(&reader, &Work::light(1)).await.expect_err("a reader sends nothing");
    for (login, statement) in [
        ("rig_web", "SELECT payload FROM signals.signal"),
        ("rig_web", "DELETE FROM signals.delivery"),
        ("rig_jobs", "DELETE FROM signals.worker"),
        ("rig_jobs", "DROP TABLE signals.delivery"),
        ("rig_look", "UPDATE signals.receiver SET paused = true"),
    ] {
        let mut connection = PgConnection::connect(&url(&rig, login)).await.expect("it may log in");
        let refused = connection.execute(statement).await.expect_err("it may not");
        let code = refused.as_database_error().and_then(|error| error.code().map(|code| code.into_owned()));
        assert_eq!(code.as_deref(), Some("42501"), "{login}: {statement}: {refused}");
    }
}
