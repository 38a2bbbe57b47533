//! Four roles with what each needs and no more: the application runs under them, and they are refused the rest.

mod common;

use std::time::Duration;

use common::{Process, Rig};
use signals_cluster::{Database, Settings};
use signals_rig_postgres::{HOLD, Work, book, over};
use signals_runtime::store::Filter;
use signals_runtime::{PgBackend, Signal as _};
use sqlx::{Connection as _, Executor as _, PgConnection};

/// The application's own logins, and what they may do with its tables.
const LOGINS: &str = "
    CREATE ROLE rig_deploy LOGIN PASSWORD 'rig' IN ROLE signals_migrator;
    CREATE ROLE rig_web LOGIN PASSWORD 'rig' IN ROLE signals_sender;
    CREATE ROLE rig_jobs LOGIN PASSWORD 'rig' IN ROLE signals_worker;
    CREATE ROLE rig_look LOGIN PASSWORD 'rig' IN ROLE signals_reader;
    GRANT INSERT ON booking TO rig_web;
    GRANT INSERT ON effect TO rig_jobs";

fn url(database: &Database, login: &str) -> String {
    let (_, server) = database.url().split_once('@').expect("the URL has a user");
    format!("postgres://{login}:rig@{server}")
}

/// A database with the four roles, and one login for each.
async fn with_roles() -> Rig {
    let rig = Rig::new(Settings::fast()).await;
    let pool = rig.signals.backend().pool();
    pool.execute(PgBackend::roles()).await.expect("the script runs");
    pool.execute(PgBackend::roles()).await.expect("and again");
    pool.execute(LOGINS).await.expect("the roles are there");
    rig
}

/// Asserts that the server refuses each statement to its login, for want of the right.
async fn refused(database: &Database, statements: &[(&str, &'static str)]) {
    for (login, statement) in statements {
        let mut connection = PgConnection::connect(&url(database, login)).await.expect("it may log in");
        let refused = connection.execute(*statement).await.expect_err(statement);
        let code = refused.as_database_error().and_then(|error| error.code().map(|code| code.into_owned()));
        assert_eq!(code.as_deref(), Some("42501"), "{login}: {statement}: {refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn senders_workers_and_readers_run_under_roles_that_may_do_nothing_else() {
    let rig = with_roles().await;

    over(&url(&rig.database, "rig_deploy"), 1).expect("a URL").migrate().await.expect("the migrator owns the tables");
    let mut worker = Process::start(rig.worker_command(&url(&rig.database, "rig_jobs"), common::LEASE));
    rig.connected(&[&worker]).await;
    let mut sender = rig.sender_at(&url(&rig.database, "rig_web"), 1, 10);
    common::until("load", async || rig.ended() > 100).await;
    assert!(sender.finish().success(), "a sender needs no more: {}", rig.events());
    let reader = over(&url(&rig.database, "rig_look"), 1).expect("a URL");
    assert!(!reader.inspect().counts().await.expect("a reader looks").lanes.is_empty());
    rig.agrees().await;
    assert!(worker.stop().success(), "a worker needs no more: {}", rig.events());

    book(&reader, &Work::light(1)).await.expect_err("a reader sends nothing");
    refused(
        &rig.database,
        &[
            ("rig_web", "SELECT payload FROM signals.signal"),
            ("rig_web", "DELETE FROM signals.delivery"),
            ("rig_jobs", "DELETE FROM signals.worker"),
            ("rig_jobs", "DROP TABLE signals.delivery"),
            ("rig_look", "UPDATE signals.receiver SET paused = true"),
        ],
    )
    .await;
}

/// Everything that a send can ask of the server, and what is not a send.
#[tokio::test(flavor = "multi_thread")]
async fn senders_send_in_every_way_and_see_nothing() {
    let rig = with_roles().await;
    let sender = over(&url(&rig.database, "rig_web"), 2).expect("a URL");
    let mut tx = sender.begin().await.expect("a transaction begins");
    signals_runtime::send_all(&(1..=700).map(Work::light).collect::<Vec<_>>(), &mut tx).await.expect("a batch");
    Work::light(701).send(&mut tx).after(Duration::from_secs(60)).await.expect("one that is due later");
    let first = Work::light(702).send(&mut tx).idempotency_key("once").await.expect("one under a key");
    tx.commit().await.expect("they are stored");
    let mut tx = sender.begin().await.expect("a transaction begins");
    let again = Work::light(702).send(&mut tx).idempotency_key("once").await.expect("the same again");
    assert!(again.repeated && again.signal_id == first.signal_id, "{again:?}");
    tx.rollback().await.expect("it was open");
    assert_eq!(rig.deliveries().await.len(), 2 * 702);

    sender.register().await.expect_err("a sender registers nothing");
    sender.inspect().list(&Filter::default()).await.expect_err("a sender looks at nothing");
    sender.operate("nobody").pause(HOLD).await.expect_err("a sender decides nothing");
    refused(
        &rig.database,
        &[
            ("rig_web", "SELECT * FROM signals.delivery"),
            ("rig_web", "UPDATE signals.delivery SET token = NULL, lease_until = NULL"),
            ("rig_web", "SELECT * FROM signals.settled"),
            ("rig_web", "DELETE FROM signals.send_key"),
            ("rig_web", "INSERT INTO signals.receiver_name VALUES ('x', 1)"),
            ("rig_web", "CREATE TABLE signals.mine (id bigint)"),
        ],
    )
    .await;
}

/// Everything that can be looked at, and nothing that can be changed.
#[tokio::test(flavor = "multi_thread")]
async fn readers_look_at_everything_and_change_nothing() {
    let rig = with_roles().await;
    book(&rig.signals, &Work::light(1)).await.expect("it is stored");
    let reader = over(&url(&rig.database, "rig_look"), 2).expect("a URL");
    let look = reader.inspect();
    let listed = look.list(&Filter::default()).await.expect("a reader lists").deliveries;
    assert_eq!(listed.len(), 2);
    assert!(look.get(listed[0].id).await.expect("a reader looks at one").is_some());
    assert_eq!(look.receivers().await.expect("a reader sees receivers").len(), 2);
    look.counts().await.expect("a reader counts");
    look.parked().await.expect("a reader sees what is parked");
    look.workers().await.expect("a reader sees workers");
    look.actions(None, 10).await.expect("a reader sees what was done by hand");

    reader.operate("nobody").cancel(listed[0].id).await.expect_err("a reader cancels nothing");
    reader.operate("nobody").pause(HOLD).await.expect_err("a reader pauses nothing");
    let tables = "SELECT count(*) FROM information_schema.role_table_grants
        WHERE grantee = 'signals_reader' AND privilege_type <> 'SELECT'";
    let more: i64 = sqlx::query_scalar(tables).fetch_one(rig.signals.backend().pool()).await.expect("it answers");
    assert_eq!(more, 0, "a reader may do more than look");
}

/// A migrator makes the tables of an empty database, and needs nothing of the application's.
#[tokio::test(flavor = "multi_thread")]
async fn migrators_make_and_change_the_tables_and_see_no_other() {
    let rig = with_roles().await;
    let empty = rig.database.server().database().await.expect("another database");
    let mut admin = PgConnection::connect(empty.url()).await.expect("it takes connections");
    let grant = format!("GRANT CREATE ON DATABASE {} TO signals_migrator", empty.name());
    admin.execute(sqlx::AssertSqlSafe(grant)).await.expect("the role is there");
    let migrator = over(&url(&empty, "rig_deploy"), 1).expect("a URL");
    migrator.migrate().await.expect("a migrator makes the tables");
    migrator.migrate().await.expect("and does nothing the second time");
    admin.execute(PgBackend::roles()).await.expect("the script runs after it");
    migrator.migrate().await.expect("the tables are still the migrator's");
    admin.close().await.expect("it was open");

    let deploy = over(&url(&rig.database, "rig_deploy"), 1).expect("a URL");
    deploy.backend().skip_ids(10).await.expect("the sequences are the migrator's, too");
    refused(
        &rig.database,
        &[
            ("rig_deploy", "SELECT * FROM booking"),
            ("rig_deploy", "DROP TABLE booking"),
            ("rig_deploy", "CREATE ROLE another"),
        ],
    )
    .await;
}
