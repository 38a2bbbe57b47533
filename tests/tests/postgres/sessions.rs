//! What a role, a database or an administrator has set for every session changes nothing.

use signals_conformance::{Harness, cases};
use sqlx::postgres::PgConnectOptions;

use crate::harness::{Postgres, Sessions};

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
        format!("CREATE SCHEMA hostile; {} {}", tables.concat(), functions.concat())
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
        let roles = signals_runtime::PgBackend::roles();
        format!("{roles}; GRANT ALL ON public.business TO signals_worker")
    }

    fn options(options: PgConnectOptions) -> PgConnectOptions {
        options.options([("role", "signals_worker")])
    }
}

/// Runs the cases of one module of the suite.
fn suite<H: Harness>(module: &str) {
    let of_module = |name: &str| name.split("::").next() == Some(module);
    let chosen: Vec<_> = cases::<H>().into_iter().filter(|case| of_module(case.name)).collect();
    assert!(!chosen.is_empty(), "the suite has no module `{module}`");
    for case in chosen {
        println!("{}", case.name);
        case.run();
    }
}

macro_rules! modules {
    ($($name:ident: $module:literal for $sessions:ty;)*) => {$(
        #[test]
        fn $name() {
            suite::<Postgres<$sessions>>($module);
        }
    )*};
}

modules! {
    s9_sends_mean_the_same_in_hostile_sessions: "send" for Hostile;
    s16_keys_mean_the_same_in_hostile_sessions: "keys" for Hostile;
    t2_claims_mean_the_same_in_hostile_sessions: "claim" for Hostile;
    t4_outcomes_mean_the_same_in_hostile_sessions: "finish" for Hostile;
    i5_receivers_transactions_mean_the_same_in_hostile_sessions: "transactional" for Hostile;
    i5_acknowledgements_in_transactions_mean_the_same_in_hostile_sessions: "tx" for Hostile;
    i15_registrations_mean_the_same_in_hostile_sessions: "registry" for Hostile;
    i2_histories_end_the_same_in_hostile_sessions: "model" for Hostile;
    i1_the_workers_role_is_enough_to_send: "send" for Worker;
    s16_the_workers_role_is_enough_for_keys: "keys" for Worker;
    i2_the_workers_role_is_enough_for_a_history: "model" for Worker;
    i5_the_workers_role_is_enough_for_transactional_receivers: "transactional" for Worker;
    t10_the_workers_role_is_enough_to_operate: "operate" for Worker;
    t12_the_workers_role_is_enough_to_prune_and_forget: "retention" for Worker;
}
