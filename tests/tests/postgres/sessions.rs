//! What a role, a database or an administrator has set for every session changes nothing.

use std::sync::Arc;
use std::time::Duration;

use signals_conformance::fixtures::{SHIP, paid};
use signals_conformance::stage::until;
use signals_conformance::{Db, Harness, cases};
use signals_core::Backend as _;
use signals_core::clock::ManualClock;
use signals_runtime::PgBackend;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Executor as _, PgPool};

use crate::harness::{Postgres, Sessions};
use crate::locks::say;

/// Sessions that are serializable, and find other tables and functions first.
const HOSTILE: Sessions = Sessions { prepare: hostile_names, options: hostile_settings, ..Sessions::PLAIN };

fn hostile_names() -> String {
    let tables = ["signal", "delivery", "later", "settled", "receiver", "receiver_name", "signal_name", "send_key"];
    let tables = tables.map(|table| format!("CREATE TABLE hostile.{table} (id bigint);"));
    let functions = [
        "unnest(bigint[]) RETURNS SETOF bigint",
        "unnest(text[]) RETURNS SETOF text",
        "statement_timestamp() RETURNS timestamptz",
        "count(bigint) RETURNS bigint",
        "cardinality(bigint[]) RETURNS integer",
        "current_setting(text) RETURNS text",
        "current_setting(text, boolean) RETURNS text",
        "set_config(text, text, boolean) RETURNS text",
        "nextval(text) RETURNS bigint",
    ];
    let fails = "LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a hostile function was called'; END $$";
    let functions = functions.map(|function| format!("CREATE FUNCTION hostile.{function} {fails};"));
    let types = ["bigint", "text", "timestamptz", "integer", "smallint"];
    let operators = ["=", ">", "+", "*"].iter().flat_map(|operator| {
        types.map(|of| {
            let answer = if matches!(*operator, "=" | ">") { "boolean" } else { of };
            format!(
                "CREATE OR REPLACE FUNCTION hostile.compute_{answer}({of}, {of}) RETURNS {answer} {fails};
                 CREATE OPERATOR hostile.{operator} (FUNCTION = hostile.compute_{answer}, LEFTARG = {of}, RIGHTARG = {of});"
            )
        })
    });
    let operators: String = operators.collect();
    let types =
        ["text", "timestamptz", "bytea"].map(|name| format!("CREATE TYPE hostile.{name} AS (foreign_to_us integer);"));
    format!("CREATE SCHEMA hostile; {} {} {operators} {}", tables.concat(), functions.concat(), types.concat())
}

fn hostile_settings(options: PgConnectOptions) -> PgConnectOptions {
    options.options([
        ("default_transaction_isolation", "serializable"),
        ("search_path", "hostile,pg_catalog"),
        ("synchronous_commit", "off"),
        ("timezone", "Asia/Kathmandu"),
        ("datestyle", "SQL"),
        ("intervalstyle", "iso_8601"),
        ("extra_float_digits", "-5"),
    ])
}

/// Sessions of whoever runs workers, with the rights that `roles.sql` gives and no more.
const WORKER: Sessions = Sessions {
    prepare: || format!("{}; GRANT ALL ON public.business TO signals_worker", PgBackend::roles()),
    options: |options| options.options([("role", "signals_worker")]),
    ..Sessions::PLAIN
};

/// Sessions of an application with temporary tables and types named like ours: the server looks at those first, wherever
/// `search_path` says to look. (It never looks for functions and operators among what is temporary.)
const SHADOWED: Sessions = Sessions {
    over: |pool| {
        let types = ["text", "timestamptz", "bytea", "bool", "int8", "int4", "interval"];
        let types = types.map(|name| format!("CREATE TYPE pg_temp.{name} AS (foreign_to_us integer);"));
        PgBackend::new(beginning_with(&pool, shadows() + &types.concat()))
    },
    ..Sessions::PLAIN
};

/// Temporary tables that are named like each of ours.
pub(crate) fn shadows() -> String {
    let migrations = PgBackend::new(crate::harness::pool(PgConnectOptions::new())).store().migrations();
    let sql: String = migrations.iter().map(|migration| migration.sql).collect();
    let named = sql.split("CREATE TABLE signals.").skip(1).filter_map(|rest| rest.split([' ', '(']).next());
    named.map(|table| format!("CREATE TEMPORARY TABLE {table} (foreign_to_us integer);")).collect()
}

/// The application's transactions under the role of who only sends; its worker and its operators have another.
const SENDER: Sessions = Sessions {
    prepare: || format!("{}; GRANT ALL ON public.business TO signals_sender", PgBackend::roles()),
    over: |pool| PgBackend::new(beginning_with(&pool, "SET ROLE signals_sender".to_owned())),
    ..Sessions::PLAIN
};

/// Such a pool each of whose sessions begins with `script`; the store's own do not.
fn beginning_with(pool: &PgPool, script: String) -> PgPool {
    let options = PgPoolOptions::new().max_connections(20).after_connect(move |conn, _| {
        let script = script.clone();
        Box::pin(async move { conn.execute(sqlx::raw_sql(AssertSqlSafe(script))).await.map(drop) })
    });
    options.connect_lazy_with((*pool.connect_options()).clone())
}

/// Runs the cases of one module of the suite, or one case.
fn suite(sessions: Sessions, chosen: &str) {
    let _such = sessions.on_this_thread();
    let is_chosen = |name: &str| name == chosen || name.split("::").next() == Some(chosen);
    let chosen: Vec<_> = cases::<Postgres>().into_iter().filter(|case| is_chosen(case.name)).collect();
    assert!(!chosen.is_empty(), "the suite has no such module, and no such case");
    for case in chosen {
        println!("{}", case.name);
        case.run();
    }
}

/// Or all that stands below would be told in plain ones.
#[tokio::test]
async fn cases_open_databases_with_the_sessions_that_were_asked_for() {
    let role = async || {
        let harness = Postgres::open(ManualClock::default()).await;
        let role = sqlx::query_scalar::<_, String>("SELECT current_user::text").fetch_one(harness.backend.pool());
        role.await.expect("the server answers")
    };
    let such = WORKER.on_this_thread();
    let asked_for = role().await;
    drop(such);
    assert_eq!((&*asked_for, role().await == asked_for), ("signals_worker", false));
}

#[test]
fn s9_sends_mean_the_same_in_hostile_sessions() {
    suite(HOSTILE, "send");
}

#[test]
fn s16_keys_mean_the_same_in_hostile_sessions() {
    suite(HOSTILE, "keys");
}

#[test]
fn t2_claims_mean_the_same_in_hostile_sessions() {
    suite(HOSTILE, "claim");
}

#[test]
fn t4_outcomes_mean_the_same_in_hostile_sessions() {
    suite(HOSTILE, "finish");
}

#[test]
fn i5_receivers_transactions_mean_the_same_in_hostile_sessions() {
    suite(HOSTILE, "transactional");
}

#[test]
fn i5_acknowledgements_in_transactions_mean_the_same_in_hostile_sessions() {
    suite(HOSTILE, "tx");
}

#[test]
fn i15_registrations_mean_the_same_in_hostile_sessions() {
    suite(HOSTILE, "registry");
}

#[test]
fn i2_a_history_ends_the_same_in_hostile_sessions() {
    suite(HOSTILE, "model::i2_every_history_ends_as_in_the_model");
}

#[test]
fn i1_sends_mean_the_same_though_temporary_tables_hide_ours() {
    suite(SHADOWED, "send");
}

#[test]
fn s16_keys_mean_the_same_though_temporary_tables_hide_ours() {
    suite(SHADOWED, "keys");
}

#[test]
fn i5_receivers_transactions_mean_the_same_though_temporary_tables_hide_ours() {
    suite(SHADOWED, "transactional");
}

#[test]
fn i5_acknowledgements_in_transactions_mean_the_same_though_temporary_tables_hide_ours() {
    suite(SHADOWED, "tx");
}

#[test]
fn i1_the_senders_role_is_enough_to_send() {
    suite(SENDER, "send");
}

#[test]
fn s16_the_senders_role_is_enough_for_keys() {
    suite(SENDER, "keys");
}

#[test]
fn i1_the_workers_role_is_enough_to_send() {
    suite(WORKER, "send");
}

#[test]
fn s16_the_workers_role_is_enough_for_keys() {
    suite(WORKER, "keys");
}

#[test]
fn i2_the_workers_role_is_enough_for_a_history() {
    suite(WORKER, "model::i2_every_history_ends_as_in_the_model");
}

#[test]
fn i5_the_workers_role_is_enough_for_transactional_receivers() {
    suite(WORKER, "transactional");
}

#[test]
fn t10_the_workers_role_is_enough_to_operate() {
    suite(WORKER, "operate");
}

#[test]
fn t12_the_workers_role_is_enough_to_prune_and_forget() {
    suite(WORKER, "retention");
}

/// A superuser runs the script: functions that others have put where its session looks are not called.
#[tokio::test]
async fn the_roles_script_calls_nothing_that_others_have_planted() {
    let harness = Postgres::open(ManualClock::default()).await;
    let fails = "LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a planted function was called'; END $$";
    let planted =
        ["format(text, text) RETURNS text", "format(text, name) RETURNS text", "current_database() RETURNS name"];
    let planted = planted.map(|function| format!("CREATE FUNCTION public.{function} {fails};")).concat();
    let script = format!("{planted} SET search_path TO public, pg_catalog; {}", PgBackend::roles());
    let ran = sqlx::raw_sql(AssertSqlSafe(script)).execute(&harness.reader).await;
    assert!(ran.is_ok(), "{ran:?}");
}

/// I2: what must not be lost waits for the disk, however little the session asks for, and for no less than it asks for. An
/// application's own transactions are as it has set them.
#[tokio::test]
async fn i2_a_commit_never_waits_for_less_than_its_session_asks_for() {
    let harness = Postgres::open(ManualClock::default()).await;
    let begin = |name: &str| PgBackend::statements().find(|(own, _)| *own == name).expect("a statement").1;
    let mut conn = harness.reader.acquire().await.expect("a connection");
    for asked in ["off", "local", "remote_write", "on", "remote_apply"] {
        let least = if asked == "remote_apply" { asked } else { "on" };
        for (name, expected) in
            [("begin", asked), ("begin_quick", "off"), ("begin_durable", least), ("begin_large", least)]
        {
            let set = format!("SET synchronous_commit TO {asked}; {}", begin(name));
            conn.execute(sqlx::raw_sql(AssertSqlSafe(set))).await.expect("begins");
            let is: String =
                sqlx::query_scalar("SHOW synchronous_commit").fetch_one(&mut *conn).await.expect("answers");
            assert_eq!(is, expected, "{name} in a session that asks for {asked}");
            conn.execute("ROLLBACK").await.expect("ends");
        }
    }
}

/// Sessions that wait for nothing when they commit.
const HASTY: Sessions = Sessions {
    prepare: || WAITS.to_owned(),
    options: |options| options.options([("synchronous_commit", "off")]),
    ..Sessions::PLAIN
};

/// Writes down what commits that change deliveries wait for, when they do.
const WAITS: &str = "
    CREATE TABLE public.waits (verb text, what text);
    CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO public.waits VALUES (TG_OP, pg_catalog.current_setting('synchronous_commit'));
        RETURN NULL;
    END $$;
    CREATE CONSTRAINT TRIGGER note AFTER UPDATE OR DELETE ON signals.delivery DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION public.note()";

/// I2: statements that commit themselves wait for the disk as transactions do: claims do not, and every outcome does.
#[tokio::test]
async fn i2_outcomes_wait_for_the_disk_though_their_session_does_not_and_claims_do_not() {
    let harness = Postgres::with(HASTY).await;
    let store = harness.backend().store();
    let case = Db { harness: Arc::new(harness), clock: ManualClock::default(), store };
    let app = case.app(&[&SHIP]).await;
    let mut puppet = app.puppet().await;
    for verb in ["ack", "fail", "snooze", "release"] {
        app.send(&paid(1)).await;
        let held = puppet.claim(1).await;
        say(&*case.store, verb, &held).await;
        let waits: Vec<(String, String)> = sqlx::query_as("DELETE FROM public.waits RETURNING verb, what")
            .fetch_all(&case.harness.reader)
            .await
            .expect("what was noted");
        assert_eq!(waits.len(), 2, "{verb}: {waits:?}");
        assert_eq!(waits[0], ("UPDATE".to_owned(), "off".to_owned()), "the claim before {verb}");
        assert_eq!(waits[1].1, "on", "{verb}");
    }
}

/// A claim, a renewal and an outcome are a statement each: no round trip begins a transaction, and none ends it.
#[tokio::test]
async fn claims_renewals_and_outcomes_are_one_round_trip_each() {
    let case = crate::claims::open().await;
    let app = case.app(&[&SHIP]).await;
    let mut puppet = app.puppet().await;
    for verb in ["claim", "renew", "ack"] {
        app.send(&paid(1)).await;
        let held = puppet.claim(1).await;
        match verb {
            "renew" => drop(case.store.renew(&[held[0].held], Duration::from_secs(20)).await.expect("renews")),
            "ack" => say(&*case.store, verb, &held).await,
            _ => {}
        }
        // The server shows how a statement begins.
        let last = "SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND query <> '' AND starts_with($1, query)";
        let mut said = 0;
        // The first claim of a lane is a sweep.
        for (_, statement) in
            PgBackend::statements().filter(|(own, _)| *own == verb || verb == "claim" && *own == "sweep")
        {
            let sessions: i64 =
                sqlx::query_scalar(last).bind(statement).fetch_one(&case.harness.reader).await.expect("a number");
            said += sessions;
        }
        assert_eq!(said, 1, "{verb} is the last that its session was told");
    }
}

/// W13: after an error every connection is opened again, once: what was opened since is kept.
#[tokio::test]
async fn w13_a_connection_that_was_opened_after_an_error_is_kept() {
    let harness = Postgres::on_the_servers_clock().await;
    let store = harness.backend().store();
    let sessions = "SELECT pid FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend' ORDER BY pid";
    let sessions = async || -> Vec<i32> {
        sqlx::query_scalar(sessions).fetch_all(&harness.reader).await.expect("the server answers")
    };
    store.promote(1).await.expect("connects");
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'";
    harness.reader.execute(cut).await.expect("terminates");
    until("the store to notice", async || store.promote(1).await.is_err()).await;
    // A promotion reads beforehand, but only once a second: here that has its connection in any case.
    store.promote(1).await.expect("connects again");
    store.counts().await.expect("connects again, to read");
    let opened = sessions().await;
    for _ in 0..2 {
        store.promote(1).await.expect("promotes");
        store.counts().await.expect("reads");
    }
    assert_eq!(sessions().await, opened, "a connection was thrown away, or another opened");
}
