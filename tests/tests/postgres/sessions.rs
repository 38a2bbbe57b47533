//! What a role, a database or an administrator has set for every session changes nothing.

use signals_conformance::{Harness, cases};
use signals_core::clock::ManualClock;
use signals_runtime::PgBackend;
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnectOptions;

use crate::harness::{Plain, Postgres, Sessions};

/// Sessions that are serializable, and find other tables and functions first.
struct Hostile;

impl Sessions for Hostile {
    fn prepare() -> String {
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
        let types = ["text", "timestamptz", "bytea"]
            .map(|name| format!("CREATE TYPE hostile.{name} AS (foreign_to_us integer);"));
        format!("CREATE SCHEMA hostile; {} {} {operators} {}", tables.concat(), functions.concat(), types.concat())
    }

    fn options(options: PgConnectOptions) -> PgConnectOptions {
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
}

/// Sessions of whoever runs workers, with the rights that `roles.sql` gives and no more.
struct Worker;

impl Sessions for Worker {
    fn prepare() -> String {
        let roles = PgBackend::roles();
        format!("{roles}; GRANT ALL ON public.business TO signals_worker")
    }

    fn options(options: PgConnectOptions) -> PgConnectOptions {
        options.options([("role", "signals_worker")])
    }
}

/// Runs the cases of one module of the suite, or one case.
fn suite<H: Harness>(chosen: &str) {
    let is_chosen = |name: &str| name == chosen || name.split("::").next() == Some(chosen);
    let chosen: Vec<_> = cases::<H>().into_iter().filter(|case| is_chosen(case.name)).collect();
    assert!(!chosen.is_empty(), "the suite has no such module, and no such case");
    for case in chosen {
        println!("{}", case.name);
        case.run();
    }
}

#[test]
fn s9_sends_mean_the_same_in_hostile_sessions() {
    suite::<Postgres<Hostile>>("send");
}

#[test]
fn s16_keys_mean_the_same_in_hostile_sessions() {
    suite::<Postgres<Hostile>>("keys");
}

#[test]
fn t2_claims_mean_the_same_in_hostile_sessions() {
    suite::<Postgres<Hostile>>("claim");
}

#[test]
fn t4_outcomes_mean_the_same_in_hostile_sessions() {
    suite::<Postgres<Hostile>>("finish");
}

#[test]
fn i5_receivers_transactions_mean_the_same_in_hostile_sessions() {
    suite::<Postgres<Hostile>>("transactional");
}

#[test]
fn i5_acknowledgements_in_transactions_mean_the_same_in_hostile_sessions() {
    suite::<Postgres<Hostile>>("tx");
}

#[test]
fn i15_registrations_mean_the_same_in_hostile_sessions() {
    suite::<Postgres<Hostile>>("registry");
}

#[test]
fn i2_a_history_ends_the_same_in_hostile_sessions() {
    suite::<Postgres<Hostile>>("model::i2_every_history_ends_as_in_the_model");
}

#[test]
fn i1_the_workers_role_is_enough_to_send() {
    suite::<Postgres<Worker>>("send");
}

#[test]
fn s16_the_workers_role_is_enough_for_keys() {
    suite::<Postgres<Worker>>("keys");
}

#[test]
fn i2_the_workers_role_is_enough_for_a_history() {
    suite::<Postgres<Worker>>("model::i2_every_history_ends_as_in_the_model");
}

#[test]
fn i5_the_workers_role_is_enough_for_transactional_receivers() {
    suite::<Postgres<Worker>>("transactional");
}

#[test]
fn t10_the_workers_role_is_enough_to_operate() {
    suite::<Postgres<Worker>>("operate");
}

#[test]
fn t12_the_workers_role_is_enough_to_prune_and_forget() {
    suite::<Postgres<Worker>>("retention");
}

/// A superuser runs the script: functions that others have put where its session looks are not called.
#[tokio::test]
async fn the_roles_script_calls_nothing_that_others_have_planted() {
    let harness = Postgres::<Plain>::open(ManualClock::default()).await;
    let fails = "LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a planted function was called'; END $$";
    let planted =
        ["format(text, text) RETURNS text", "format(text, name) RETURNS text", "current_database() RETURNS name"];
    let planted = planted.map(|function| format!("CREATE FUNCTION public.{function} {fails};")).concat();
    let script = format!("{planted} SET search_path TO public, pg_catalog; {}", PgBackend::roles());
    let ran = sqlx::raw_sql(AssertSqlSafe(script)).execute(&harness.reader).await;
    assert!(ran.is_ok(), "{ran:?}");
}
