//! Every statement prepares, and the hot ones find their rows by key: with a million deliveries, and with a plan that was
//! made while there were none.

use signals_conformance::Harness as _;
use signals_core::clock::ManualClock;
use signals_runtime::PgBackend;
use sqlx::{AssertSqlSafe, Executor as _, PgConnection, SqlSafeStr as _};

use crate::harness::Postgres;
use crate::sessions::shadows;

fn statement(name: &str) -> &'static str {
    PgBackend::statements().find(|(own, _)| *own == name).unwrap_or_else(|| panic!("no statement `{name}`")).1
}

#[tokio::test]
async fn every_statement_prepares() {
    let harness = Postgres::open(ManualClock::default()).await;
    let mut conn = harness.backend.pool().acquire().await.expect("a connection");
    for (name, sql) in PgBackend::statements().filter(|(name, _)| !name.starts_with("begin")) {
        let prepared = conn.prepare(sql.into_sql_str()).await;
        assert!(prepared.is_ok(), "{name}: {prepared:?}");
    }
    for (name, sql) in PgBackend::statements().filter(|(name, _)| name.starts_with("begin")) {
        let begun = conn.execute(sqlx::raw_sql(sql)).await;
        assert!(begun.is_ok(), "{name}: {begun:?}");
        conn.execute("ROLLBACK").await.expect("rolls back");
    }
}

/// In sessions that a pooler lends, another client's temporary tables may be there, and are looked at first: what names a table
/// without its schema does not find its columns.
#[tokio::test]
async fn every_statement_names_our_tables_though_temporary_ones_hide_them() {
    let harness = Postgres::open(ManualClock::default()).await;
    let mut conn = harness.reader.acquire().await.expect("a connection");
    conn.execute(sqlx::raw_sql(AssertSqlSafe(shadows()))).await.expect("they hide ours");
    for (name, sql) in PgBackend::statements().filter(|(name, _)| !name.starts_with("begin")) {
        // What runs in an application's transaction, and in ours, which look among what is temporary last.
        let is_theirs = name.starts_with("send") || ["fence", "ack_fenced", "abort"].contains(&name);
        let begin = if is_theirs { "begin" } else { "begin_large" };
        conn.execute(sqlx::raw_sql(statement(begin))).await.expect("begins");
        let prepared = conn.prepare(sql.into_sql_str()).await;
        assert!(prepared.is_ok(), "{name}: {prepared:?}");
        conn.execute("ROLLBACK").await.expect("rolls back");
    }
}

/// The plan that is kept for a statement, whatever its parameters are, in a transaction that begins with `begin`.
async fn plan(conn: &mut PgConnection, begin: &str, name: &str) -> String {
    let sql = statement(name);
    let parameters = (1..=20).rev().find(|n| sql.contains(&format!("${n}"))).unwrap_or(0);
    let nulls = if parameters == 0 { String::new() } else { format!("({})", vec!["NULL"; parameters].join(", ")) };
    let script = format!("{}; SET LOCAL plan_cache_mode TO force_generic_plan; PREPARE s AS {sql}", statement(begin));
    conn.execute(sqlx::raw_sql(AssertSqlSafe(script))).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    let explain = format!("EXPLAIN EXECUTE s {nulls}");
    let lines: Vec<String> = sqlx::query_scalar(AssertSqlSafe(explain))
        .persistent(false)
        .fetch_all(&mut *conn)
        .await
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    conn.execute(sqlx::raw_sql("ROLLBACK; DEALLOCATE s")).await.expect("ends");
    lines.join("\n")
}

/// What each hot statement must do.
const HOT: &[(&str, &str, &[&str])] = &[
    ("begin_quick", "claim", &["Index Scan using delivery_pkey on delivery d", "Tid Scan on delivery d"]),
    ("begin_quick", "claim", &["Index Scan using signal_pkey on signal s"]),
    ("begin_quick", "sweep", &["Index Scan using delivery_pkey on delivery d", "using delivery_lost on delivery d"]),
    ("begin_quick", "crashed", &["using delivery_lost on delivery d"]),
    ("begin_quick", "renew", &["Index Scan using delivery_pkey on delivery d"]),
    ("begin_quick", "promote", &["using later_due on later l", "((due_at >= COALESCE($2,", "Tid Scan on later l"]),
    ("begin_quick", "promote_next", &["using later_due on later l", "Index Cond: (due_at >= COALESCE($2,"]),
    ("begin_durable", "ack", &["Index Scan using delivery_pkey on delivery d", "using signal_pkey on signal s"]),
    ("begin_durable", "ack", &["using attempt_delivery on attempt a"]),
    ("begin_durable", "fail", &["Index Scan using delivery_pkey on delivery d", "using signal_pkey on signal s"]),
    ("begin_durable", "snooze", &["Index Scan using delivery_pkey on delivery d"]),
    ("begin_durable", "release", &["Index Scan using delivery_pkey on delivery d"]),
    ("begin_quick", "merge_stragglers", &["using delivery_pkey on delivery d", "using later_lane on later l"]),
    ("begin", "send", &["Insert on delivery", "Insert on signal"]),
    ("begin", "send_claimed", &["Insert on delivery", "Insert on signal"]),
    ("begin", "send_all", &["Insert on delivery", "Insert on signal", "ProjectSet"]),
    ("begin", "send_with", &["Insert on delivery", "Insert on send_key"]),
];

/// What is asked now and then, and planned as the server likes: by these indexes, where much is stored.
const PROBES: &[(&str, &str)] = &[
    ("prune_probe", "using settled_lane on settled t"),
    ("prune_keys_probe", "using send_key_age on send_key k"),
    ("forget_probe", "using signal_pkey on signal s"),
];

async fn check(conn: &mut PgConnection, when: &str) {
    for (begin, name, expected) in HOT {
        let plan = plan(conn, begin, name).await;
        for expected in *expected {
            assert!(plan.contains(expected), "{name} {when}: no `{expected}` in\n{plan}");
        }
        for table in ["delivery", "later", "settled", "signal ", "signal\n", "attempt", "send_key"] {
            assert!(!plan.contains(&format!("Seq Scan on {table}")), "{name} {when} scans {table}:\n{plan}");
        }
        // Found key by key: what only filters what an index is walked for is found by walking all of it.
        let walks = plan.contains("Join Filter");
        assert!(*begin == "begin" || !walks, "{name} {when} reads more than it names:\n{plan}");
    }
}

#[tokio::test]
async fn the_hot_statements_find_their_rows_by_key_with_a_million_of_them_and_with_none() {
    let harness = Postgres::open(ManualClock::default()).await;
    let mut conn = harness.reader.acquire().await.expect("a connection");
    let conn: &mut PgConnection = &mut conn;
    conn.execute("VACUUM ANALYZE").await.expect("tables that were seen empty");
    check(conn, "with nothing there").await;
    let million = "
        INSERT INTO signals.receiver (id, name, type) SELECT n, 'r' || n, 1 FROM generate_series(1, 5) AS n;
        INSERT INTO signals.signal (name, version, payload, fanout, sent_at)
        SELECT 'paid', 1, '{}', '{1,2,3,4,5}', now() FROM generate_series(1, 200000) AS n;
        INSERT INTO signals.delivery (receiver, version, signal)
        SELECT r, 1, s FROM generate_series(1, 200000) AS s CROSS JOIN generate_series(1, 5) AS r;
        INSERT INTO signals.later (signal, receiver, version, due_at)
        SELECT s, 6, 1, now() + s * interval '1 s' FROM generate_series(1, 100000) AS s;
        INSERT INTO signals.attempt (signal, receiver, ended_at, worker, life, attempt, outcome, error)
        SELECT s, 1, now(), 1, 0, 1, 'error', 'boom' FROM generate_series(1, 50000) AS s;
        INSERT INTO signals.settled
            (signal, receiver, version, settled_at, sent_at, life, attempt, lost_leases, refunds, outcome, name)
        SELECT s, s % 5 + 1, 1, now(), now(), 0, 1, 0, 0, 'done', 'paid' FROM generate_series(1, 100000) AS s;
        INSERT INTO signals.send_key (key, signal, deliveries, sent_at, name, payload_hash)
        SELECT 'key ' || s, s, 5, now(), 'paid', sha256('') FROM generate_series(1, 100000) AS s;
        SET session_replication_role = replica;
        INSERT INTO signals.signal_name (name, type) SELECT 'n' || n, n FROM generate_series(1, 2000) AS n;
        RESET session_replication_role;
        ANALYZE";
    conn.execute(sqlx::raw_sql(million)).await.expect("a million deliveries");
    check(conn, "at a million").await;
    for (name, expected) in PROBES {
        let plan = plan(conn, "begin_snapshot", name).await;
        assert!(plan.contains(expected), "{name}: no `{expected}` in\n{plan}");
    }
    // In the application's session, whose planner walks the one page that a few names are on.
    for name in ["send", "send_claimed", "send_all"] {
        let plan = plan(conn, "begin", name).await;
        assert!(plan.contains("Index Scan using signal_name_pkey on signal_name n"), "{name} walks all names:\n{plan}");
    }
}
