//! I14, I15, D7: what stands in the registry's row beside a signal's name is what its tables say, whoever wrote to them, and
//! an ordinary send reads that row alone.

use std::sync::Arc;

use signals_conformance::Db;
use signals_conformance::fixtures::{
    BOOK, BOOK_SETTLED, DISPATCH, DISPATCH_ALONE, MAIL, SHIP, SHIP_SETTLED, Settled, paid,
};
use signals_conformance::stage::until;
use signals_core::store::Switch;
use signals_core::{
    Backend as _, Error, Outgoing, Receipt, Registry, Result, SendBatch, SendContext, Signal as _, send_all,
};
use signals_runtime::PgBackend;
use sqlx::{AssertSqlSafe, PgConnection};

use crate::harness::{Postgres, Sessions, pool};

type Case = Db<Postgres>;

/// The names whose row differs from the tables of the registry.
const WRONG: &str = "
    SELECT count(*) FROM signals.signal_name AS n
    WHERE n.names IS DISTINCT FROM ARRAY(
              SELECT o.name FROM signals.signal_name AS o WHERE o.type = n.type ORDER BY o.name COLLATE \"C\")
       OR n.addressed IS DISTINCT FROM ARRAY(
              SELECT r.id FROM signals.receiver AS r
              WHERE r.type = n.type AND NOT r.retired AND r.merged IS NULL ORDER BY r.id)
       OR n.registered IS DISTINCT FROM ARRAY(
              SELECT o.name FROM signals.receiver_name AS o JOIN signals.receiver AS r ON r.id = o.receiver
              WHERE r.type = n.type AND r.merged IS NULL ORDER BY o.name COLLATE \"C\")";

/// How many are addressed by a send of this name.
const ADDRESSED: &str = "SELECT cardinality(addressed)::bigint FROM signals.signal_name WHERE name = 'shop.paid'";

/// What the statements that a session has prepared are called.
async fn prepared(conn: &mut PgConnection) -> Vec<&'static str> {
    let texts: Vec<String> = sqlx::query_scalar("SELECT statement FROM pg_prepared_statements ORDER BY prepare_time")
        .persistent(false)
        .fetch_all(conn)
        .await
        .expect("a session knows what it has prepared");
    let name = |text: &String| PgBackend::statements().find(|(_, sql)| sql == text).map(|(name, _)| name);
    texts.iter().filter_map(name).collect()
}

/// I14, I15: through every change of the registry.
#[tokio::test]
async fn i14_i15_a_signals_row_is_what_the_tables_of_the_registry_say() {
    let case = Case::open().await;
    let agrees = async |after: &str, addressed: i64| {
        assert_eq!(case.harness.number(WRONG).await, 0, "a row is wrong {after}");
        assert_eq!(case.harness.number(ADDRESSED).await, addressed, "{after}");
    };
    let old = case.app(&[&SHIP, &MAIL]).await;
    agrees("after the first registration", 2).await;
    case.app(&[&BOOK]).await;
    agrees("after that of another signal's receiver", 2).await;
    case.app(&[&DISPATCH_ALONE]).await;
    agrees("after that of a new receiver", 3).await;
    case.app(&[&DISPATCH]).await;
    agrees("after a merge of two receivers", 2).await;
    let mail = old.id(&MAIL).await;
    case.store.switch(mail, Switch::Retire, "ops").await.expect("retires");
    agrees("after a receiver was retired", 1).await;
    case.store.switch(mail, Switch::Restore, "ops").await.expect("restores");
    agrees("after it was brought back", 2).await;
    case.program_with(&[], &[], &["receipts.mail"]).register().await.expect("registers");
    agrees("after a binary declared it gone", 1).await;
    case.app(&[&BOOK_SETTLED]).await;
    agrees("after the signal was renamed", 2).await;
    let removed = "DELETE FROM signals.receiver_name WHERE name = 'books.enter';
        DELETE FROM signals.receiver WHERE name = 'books.enter'";
    sqlx::raw_sql(removed).execute(&case.harness.reader).await.expect("a hand may do it");
    agrees("after a hand removed a receiver", 1).await;
}

/// I14: whoever changes the registry waits for whoever is changing it, so the row is never made of half of what both did.
#[tokio::test]
async fn i14_two_hands_that_change_the_registry_at_once_leave_the_row_right() {
    let case = Case::open().await;
    case.app(&[&SHIP, &MAIL, &DISPATCH_ALONE]).await;
    let mut first = case.harness.reader.acquire().await.expect("a connection");
    let begin = "BEGIN; UPDATE signals.receiver SET retired = true WHERE name = 'orders.ship'";
    sqlx::raw_sql(begin).execute(&mut *first).await.expect("retires one");
    let second = async {
        let other = "UPDATE signals.receiver SET retired = true WHERE name = 'receipts.mail'";
        sqlx::raw_sql(other).execute(&case.harness.reader).await.expect("retires another");
    };
    let commit = async {
        until("it waits", async || case.harness.number(WAITING).await == 1).await;
        sqlx::raw_sql("COMMIT").execute(&mut *first).await.expect("commits");
    };
    tokio::join!(second, commit);
    assert_eq!(case.harness.number(WRONG).await, 0);
    assert_eq!(case.harness.number(ADDRESSED).await, 1);
}

/// What stores `orders.ship` and `receipts.mail` as they stand in another database, while no trigger fires.
const RESTORED: &str = "SET session_replication_role = replica;
    INSERT INTO signals.signal_type VALUES (1, 'shop.paid') ON CONFLICT DO NOTHING;
    INSERT INTO signals.signal_name (name, type) VALUES ('shop.paid', 1) ON CONFLICT DO NOTHING;
    INSERT INTO signals.receiver (id, name, type) VALUES (1, 'orders.ship', 1), (2, 'receipts.mail', 1);
    INSERT INTO signals.receiver_name VALUES ('orders.ship', 1), ('receipts.mail', 2);
    UPDATE signals.registry SET last_type = 1, last_receiver = 2;
    RESET session_replication_role";

/// To how many one signal is delivered, and each of many, by a sender that links no receiver.
async fn reached(case: &Case) -> Vec<usize> {
    let sender = case.program(&[]);
    let mut tx = sender.begin().await;
    let one = paid(1).send(&mut tx).await.expect("sends");
    let many = send_all(&[paid(2), paid(3)], &mut tx).await.expect("sends");
    tx.commit().await.expect("commits");
    [one].iter().chain(&many).map(|receipt| receipt.deliveries).collect()
}

/// I14: a row that no trigger has filled, as after a restore or in a replica, does not say that nobody is registered.
#[tokio::test]
async fn i14_what_is_registered_while_triggers_are_off_is_addressed() {
    let case = Case::open().await;
    sqlx::raw_sql(RESTORED).execute(&case.harness.reader).await.expect("restores");
    assert_eq!(reached(&case).await, [2, 2, 2]);
    case.app(&[&SHIP, &BOOK, &DISPATCH_ALONE]).await;
    assert_eq!(case.harness.number(ADDRESSED).await, 3, "the next registration fills it");
    assert_eq!(reached(&case).await, [3, 3, 3]);
}

/// I14: what a hand empties at one stroke is not addressed any more, and what it fills again is.
#[tokio::test]
async fn i14_after_a_truncate_the_tables_are_asked() {
    let case = Case::open().await;
    let ship = case.app(&[&SHIP]).await;
    sqlx::raw_sql("TRUNCATE signals.receiver").execute(&case.harness.reader).await.expect("empties");
    assert_eq!(reached(&case).await, [0, 0, 0]);
    sqlx::raw_sql("TRUNCATE signals.receiver_name").execute(&case.harness.reader).await.expect("empties");
    sqlx::raw_sql(RESTORED).execute(&case.harness.reader).await.expect("restores");
    assert_eq!(reached(&case).await, [2, 2, 2]);

    case.app(&[&DISPATCH_ALONE]).await;
    sqlx::raw_sql("TRUNCATE signals.receiver_name").execute(&case.harness.reader).await.expect("empties");
    let mut tx = ship.begin().await;
    let error = paid(1).send(&mut tx).await.expect_err("its name is gone");
    assert!(matches!(error, Error::NotRegistered { .. }), "{error:?}");
}

/// How many wait for a lock.
const WAITING: &str =
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";

/// A hand that waits for a registration holds nothing that this one needs.
#[tokio::test]
async fn a_hand_that_waits_for_a_registration_is_not_in_its_way() {
    let case = Case::open().await;
    case.app(&[&SHIP]).await;
    let mut registering = case.harness.reader.acquire().await.expect("a connection");
    let begin = "BEGIN; SELECT FROM signals.registry FOR UPDATE";
    sqlx::raw_sql(begin).execute(&mut *registering).await.expect("locks as a registration does");
    let hands = [
        "UPDATE signals.receiver SET retired = true WHERE name = 'orders.ship'",
        "UPDATE signals.receiver_name SET receiver = receiver WHERE name = 'orders.ship'",
        "UPDATE signals.signal_name SET type = type WHERE name = 'shop.paid'",
    ];
    let waiting = hands.map(|hand| {
        let pool = case.harness.reader.clone();
        async move { sqlx::raw_sql(hand).execute(&pool).await.map(drop) }
    });
    let go_on = async {
        until("they wait", async || case.harness.number(WAITING).await == 3).await;
        let rows =
            "SELECT FROM signals.receiver FOR UPDATE NOWAIT; SELECT FROM signals.receiver_name FOR UPDATE NOWAIT;
            SELECT FROM signals.signal_name FOR UPDATE NOWAIT; COMMIT";
        sqlx::raw_sql(rows).execute(&mut *registering).await.expect("no hand has locked a row");
    };
    let [one, two, three] = waiting;
    let (one, two, three, ()) = tokio::join!(one, two, three, go_on);
    for done in [one, two, three] {
        done.expect("goes on when the registration has ended");
    }
    assert_eq!(case.harness.number(WRONG).await, 0);
}

/// P1: what an ordinary send costs beside the application's own statements is one round trip. What is particular costs one
/// more, and only what the row does not know is looked for in the tables.
#[tokio::test]
async fn an_ordinary_send_is_one_statement_that_reads_one_row() {
    let case = Case::open().await;
    let renamed = case.app(&[&SHIP_SETTLED, &BOOK_SETTLED]).await;
    let mut tx = renamed.begin().await;
    Settled { order: 1 }.send(&mut tx).await.expect("sends");
    send_all(&[Settled { order: 2 }, Settled { order: 3 }], &mut tx).await.expect("sends");
    assert_eq!(prepared(tx.conn()).await, ["send", "send_all"], "all names are in the row");

    // A build from before the renaming, and one that links no receiver.
    for build in [case.program(&[&SHIP]), case.program(&[])] {
        let mut tx = build.begin().await;
        paid(1).send(&mut tx).await.expect("sends");
        assert!(!prepared(tx.conn()).await.contains(&"send_with"), "{:?} is known", build.registry);
    }
    let stranger = case.program(&[&MAIL]);
    let mut tx = stranger.begin().await;
    let error = paid(1).send(&mut tx).await.expect_err("it is not registered");
    assert!(matches!(&error, Error::NotRegistered { receivers, .. } if receivers == &["receipts.mail"]), "{error:?}");
}

/// I14: a signal that the registry has never heard of is stored, and delivered to nobody.
#[tokio::test]
async fn i14_a_signal_that_nobody_has_registered_is_stored_for_nobody() {
    let case = Case::open().await;
    let receipt = case.program(&[]).send(&paid(7)).await;
    assert_eq!((receipt.deliveries, receipt.repeated), (0, false));
    assert_eq!(case.harness.number("SELECT count(*) FROM signals.signal").await, 1);
}

/// I15: while two names of a signal are still two identities, a send by a build that knows both reaches the receivers of both.
#[tokio::test]
async fn i15_a_build_that_knows_both_names_reaches_the_receivers_of_both_before_they_are_merged() {
    let case = Case::open().await;
    let old = case.app(&[&SHIP]).await;
    // The new name alone, as of a build that has forgotten the old one.
    let apart = "INSERT INTO signals.signal_type VALUES (100, 'shop.settled');
        INSERT INTO signals.signal_name (name, type) VALUES ('shop.settled', 100);
        INSERT INTO signals.receiver (id, name, type) VALUES (100, 'books.enter', 100);
        INSERT INTO signals.receiver_name VALUES ('books.enter', 100)";
    sqlx::raw_sql(apart).execute(&case.harness.reader).await.expect("stores");
    let receipt = case.program_with(&[], &[Settled::DEF], &[]).send(&Settled { order: 7 }).await;
    assert_eq!(receipt.deliveries, 2);
    assert_eq!(old.send(&paid(7)).await.deliveries, 1, "a build that knows one name reaches that one's");
}

async fn send(backend: &PgBackend, registry: &Arc<Registry>) -> Result<Receipt> {
    let mut tx = backend.begin().await?;
    let batch = SendBatch { signals: vec![Outgoing::new(&paid(7))], context: SendContext::new(registry.clone()) };
    let receipts = PgBackend::send(&mut tx, &batch).await?;
    backend.commit(tx).await?;
    Ok(receipts[0])
}

/// D7: the migration fills in what the release before has registered, and keeps what it registers afterwards: its statements
/// know of the tables alone.
#[tokio::test]
async fn d7_what_the_release_before_registers_is_addressed_before_and_after_the_migration() {
    let database = (Sessions::PLAIN.server)().database().await.expect("an empty database");
    let backend = PgBackend::new(pool(database.options())).without_hints();
    let first = backend.store().migrations().remove(0).to_string();
    sqlx::raw_sql(AssertSqlSafe(first)).execute(backend.pool()).await.expect("the release before");
    let registered = "INSERT INTO signals.signal_type VALUES (1, 'shop.paid');
        INSERT INTO signals.signal_name (name, type) VALUES ('shop.paid', 1);
        INSERT INTO signals.receiver (id, name, type, retired, merged) VALUES
            (1, 'orders.ship', 1, false, NULL), (2, 'orders.gone', 1, true, NULL), (3, 'orders.dispatch', 1, false, 1);
        INSERT INTO signals.receiver_name VALUES ('orders.ship', 1), ('orders.dispatch', 1), ('orders.gone', 2);
        UPDATE signals.registry SET last_type = 1, last_receiver = 3";
    sqlx::raw_sql(registered).execute(backend.pool()).await.expect("what it has registered");

    backend.store().migrate().await.expect("the second migration");
    let registry = Arc::new(Registry::builder().receiver_def(&DISPATCH).build().expect("one receiver"));
    assert_eq!(send(&backend, &registry).await.expect("it is registered").deliveries, 1);

    let another = "INSERT INTO signals.receiver (id, name, type) VALUES (4, 'receipts.mail', 1)
            ON CONFLICT (id) DO UPDATE SET name = excluded.name;
        INSERT INTO signals.receiver_name (name, receiver) VALUES ('receipts.mail', 4)
            ON CONFLICT (name) DO UPDATE SET receiver = excluded.receiver";
    sqlx::raw_sql(another).execute(backend.pool()).await.expect("the release before starts again");
    assert_eq!(send(&backend, &registry).await.expect("it is registered").deliveries, 2);
    let wrong: i64 = sqlx::query_scalar(WRONG).fetch_one(backend.pool()).await.expect("a number");
    assert_eq!(wrong, 0);
}

/// D7: a migration waits for a registration of the release before with no table locked that this one reads.
#[tokio::test]
async fn d7_a_migration_that_waits_for_a_registration_is_not_in_its_way() {
    let database = (Sessions::PLAIN.server)().database().await.expect("an empty database");
    let backend = PgBackend::new(pool(database.options())).without_hints();
    let first = backend.store().migrations().remove(0).to_string();
    sqlx::raw_sql(AssertSqlSafe(first)).execute(backend.pool()).await.expect("the release before");
    let mut registering = backend.pool().acquire().await.expect("a connection");
    let begin = "BEGIN; SELECT FROM signals.registry FOR UPDATE";
    sqlx::raw_sql(begin).execute(&mut *registering).await.expect("locks as a registration does");
    let go_on = async {
        until("it waits", async || {
            sqlx::query_scalar::<_, i64>(WAITING).fetch_one(backend.pool()).await.expect("a number") == 1
        })
        .await;
        let read = "LOCK TABLE signals.signal_name IN ACCESS SHARE MODE NOWAIT; COMMIT";
        sqlx::raw_sql(read).execute(&mut *registering).await.expect("the names can be read");
    };
    let store = backend.store();
    let (migrated, ()) = tokio::join!(store.migrate(), go_on);
    migrated.expect("goes on when the registration has ended");
}
