//! Every statement prepares, every file is used, and the hot ones do not scan.

use sqlx::{AssertSqlSafe, Executor as _, Row as _, SqlSafeStr as _};

use super::Fixture;
use crate::backend::sqlite::sql;

#[tokio::test]
async fn every_statement_prepares() {
    let fixture = Fixture::new(&["a"]).await;
    for (file, statement) in sql::ALL {
        let prepared = fixture.backend.pool().prepare(statement.into_sql_str()).await;
        assert!(prepared.is_ok(), "{file}: {prepared:?}");
    }
}

/// SQLite plans with what is bound to a bare `LIMIT ?1` when it prepares the statement anew, as it must for every other value:
/// see `sql.rs`. The number is then in the program, which EXPLAIN shows.
#[tokio::test]
async fn no_statement_is_prepared_anew_for_what_is_bound_to_it() {
    const BOUND: i64 = 1_234_567_891;
    const MORE_THAN_ANY_HAS: usize = 32;
    let fixture = Fixture::new(&["a"]).await;
    for (file, statement) in sql::ALL {
        let explain = sqlx::query(AssertSqlSafe(format!("EXPLAIN {statement}")));
        let bound = (0..MORE_THAN_ANY_HAS).fold(explain, |explain, _| explain.bind(BOUND));
        let program = bound.fetch_all(fixture.backend.pool()).await.expect("explains");
        let knows = program.iter().any(|step| step.get::<i64, _>("p1") == BOUND);
        assert!(!knows, "{file} is prepared for the value of a parameter: write `LIMIT +?1`");
    }
}

/// Once the application has run ANALYZE, what the first column of an index is compared with is planned with, too. No
/// program shows that.
#[test]
fn an_analyze_prepares_nothing_anew_that_workers_run_all_the_time() {
    for (statement, compared) in [
        (sql::CLAIM_SELECT, "receiver = "),
        (sql::CLAIM, "receiver = "),
        (sql::PROMOTE, "due_at <= "),
        (sql::PROMOTE_REMOVE, "due_at <= "),
    ] {
        let with = |parameter: &str| statement.contains(&format!("{compared}{parameter}"));
        assert!(with("+?1") && !with("?1"), "write `{compared}+?1`: {statement}");
    }
}

#[test]
fn every_file_is_a_statement_with_a_comment_and_is_used() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/backend/sqlite");
    let files = std::fs::read_dir(format!("{folder}/sql")).expect("the folder is there").count();
    assert_eq!(files, sql::ALL.len());
    let sources = rust_sources(folder.as_ref());
    for (file, statement) in sql::ALL {
        assert!(statement.starts_with("-- "), "{file} says what it does");
        assert!(sources.contains(&format!("sql::{}", file.to_uppercase())), "nobody uses {file}");
    }
}

fn rust_sources(folder: &std::path::Path) -> String {
    let mut all = String::new();
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        if path.is_dir() && !path.ends_with("tests") {
            all += &rust_sources(&path);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            all += &std::fs::read_to_string(&path).expect("a source");
        }
    }
    all
}

async fn plan(fixture: &Fixture, statement: &str) -> Vec<String> {
    let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
    let rows = sqlx::query(explain).fetch_all(fixture.backend.pool()).await.expect("explains");
    rows.iter().map(|row| row.get::<String, _>("detail")).collect()
}

#[tokio::test]
async fn a_list_walks_what_waits_and_what_is_settled_by_signal_or_by_lane() {
    let fixture = Fixture::new(&["a"]).await;
    let plan = plan(&fixture, sql::LIST).await;
    let steps = |expected: &str| plan.iter().filter(|step| step.contains(expected)).count();
    for walk in
        ["SEARCH l USING PRIMARY KEY (signal>? AND signal<?)", "SEARCH t USING PRIMARY KEY (signal>? AND signal<?)"]
    {
        assert_eq!(steps(walk), 1, "{walk}: {plan:#?}");
    }
    assert_eq!(steps("INDEX signals_later_lane (receiver=? AND version=?"), 1, "{plan:#?}");
    assert_eq!(steps("signals_settled_lane (receiver=? AND version=? AND outcome=?)"), 1, "{plan:#?}");
    assert_eq!(steps("SEARCH d USING PRIMARY KEY (receiver=? AND version=?)"), 1, "{plan:#?}");
}

/// T13: what is pending is walked where nobody waits for it, and under the lock only what is new.
#[tokio::test]
async fn t13_under_the_lock_no_lane_is_walked_from_its_beginning() {
    let fixture = Fixture::new(&["a"]).await;
    let look = plan(&fixture, sql::FORGET_FIND).await;
    let forget = plan(&fixture, sql::FORGET).await;
    for (plan, expected) in [
        (&look, "SEARCH s USING INTEGER PRIMARY KEY (rowid<?)"),
        (&look, "SEARCH l USING PRIMARY KEY (signal=?)"),
        (&forget, "SEARCH signals_signal USING INTEGER PRIMARY KEY (rowid=?)"),
        (&forget, "SEARCH l USING PRIMARY KEY (signal=?)"),
        (&forget, "SEARCH d USING PRIMARY KEY (receiver=? AND version=? AND id>?)"),
    ] {
        assert!(plan.iter().any(|step| step.contains(expected)), "{expected}: {plan:#?}");
    }
    assert!(!forget.iter().any(|step| step.starts_with("SCAN d") || step.starts_with("SCAN l ")), "{forget:#?}");
}

/// A comparison of row values, `(receiver, version) > (?, ?)`, would walk the lane that it should skip to its end.
#[tokio::test]
async fn the_next_lane_is_one_seek_away() {
    let fixture = Fixture::new(&["a"]).await;
    for (name, statement) in [
        ("counts", sql::COUNTS),
        ("forget", sql::FORGET),
        ("list_lanes", sql::LIST_LANES),
        ("prune_probe", sql::PRUNE_PROBE),
        ("trends_done", sql::TRENDS_DONE),
    ] {
        let plan = plan(&fixture, statement).await;
        let steps = |expected: &str| plan.iter().filter(|step| step.contains(expected)).count();
        let within = steps("(receiver=? AND version>?)");
        assert!(within > 0 && within == steps("(receiver>?)"), "{name}: {plan:#?}");
        assert_eq!(steps("((receiver,version)>(?,?))"), 0, "{name}: {plan:#?}");
    }
}

#[tokio::test]
async fn the_hot_statements_search_and_never_scan_a_table() {
    let fixture = Fixture::new(&["a"]).await;
    let delivery = "USING PRIMARY KEY (receiver=? AND version=?";
    for (name, statement, expected) in [
        ("claim_probe", sql::CLAIM_PROBE, delivery),
        ("claim_select", sql::CLAIM_SELECT, delivery),
        ("claim_signals", sql::CLAIM_SIGNALS, "SEARCH s USING INTEGER PRIMARY KEY"),
        ("send_draw", sql::SEND_DRAW, "signals_receiver_type (type=?)"),
        ("send_stored", sql::SEND_STORED, "signals_receiver_type (type=?)"),
        ("send_addressed", sql::SEND_ADDRESSED, "SEARCH s USING INTEGER PRIMARY KEY (rowid>?)"),
        ("claim", sql::CLAIM, "USING PRIMARY KEY (receiver=? AND version=? AND id=?)"),
        ("renew", sql::RENEW, "USING PRIMARY KEY (receiver=? AND version=? AND id=?)"),
        ("remove", sql::REMOVE, "USING PRIMARY KEY (receiver=? AND version=? AND id=?)"),
        ("release", sql::RELEASE, "USING PRIMARY KEY (receiver=? AND version=? AND id=?)"),
        ("settle", sql::SETTLE, "USING PRIMARY KEY (receiver=? AND version=? AND id=?)"),
        ("attempt", sql::ATTEMPT, "USING PRIMARY KEY (receiver=? AND version=? AND id=?)"),
        ("postpone", sql::POSTPONE, "USING PRIMARY KEY (receiver=? AND version=? AND id=?)"),
        ("requeue", sql::REQUEUE, "USING PRIMARY KEY (receiver=? AND version=? AND id=?)"),
        ("promote", sql::PROMOTE, "signals_later_due"),
        ("promote_next", sql::PROMOTE_NEXT, "signals_later_due"),
        ("promote_remove", sql::PROMOTE_REMOVE, "USING PRIMARY KEY (signal=? AND receiver=?)"),
        ("attempts_forget", sql::ATTEMPTS_FORGET, "signals_attempt_delivery (signal=? AND receiver=?)"),
        ("send_registry", sql::SEND_REGISTRY, "signals_receiver_type (type=?)"),
        ("send_keys", sql::SEND_KEYS, "USING PRIMARY KEY (key=?)"),
        ("send_begin", sql::SEND_BEGIN, "USING INTEGER PRIMARY KEY"),
        ("prune", sql::PRUNE, "signals_settled_lane (receiver=? AND version=? AND outcome=? AND settled_at<?)"),
        ("find", sql::FIND, "USING PRIMARY KEY (receiver=?)"),
        ("find_moved", sql::FIND_MOVED, "USING PRIMARY KEY (receiver=? AND version=? AND id>?)"),
        ("locate", sql::LOCATE, "USING PRIMARY KEY (receiver=? AND version=? AND id=?)"),
        ("end", sql::END, "USING PRIMARY KEY (receiver=? AND version=? AND id=?)"),
        ("end_remove", sql::END_REMOVE, "USING PRIMARY KEY (receiver=? AND version=? AND id=?)"),
        ("end_later", sql::END_LATER, "USING PRIMARY KEY (signal=? AND receiver=?)"),
        ("end_later_remove", sql::END_LATER_REMOVE, "USING PRIMARY KEY (signal=? AND receiver=?)"),
        ("retry", sql::RETRY, "USING PRIMARY KEY (signal=? AND receiver=?)"),
        ("show", sql::SHOW, "USING PRIMARY KEY (receiver=? AND version=? AND id=?)"),
        (
            "trends_failed",
            sql::TRENDS_FAILED,
            "signals_attempt_trend (receiver=? AND outcome=? AND ended_at>? AND ended_at<?)",
        ),
        (
            "trends_done",
            sql::TRENDS_DONE,
            "signals_settled_lane (receiver=? AND version=? AND outcome=? AND settled_at>? AND settled_at<?)",
        ),
        ("prune_keys", sql::PRUNE_KEYS, "signals_send_key_age (sent_at<?)"),
    ] {
        let plan = plan(&fixture, statement).await;
        assert!(plan.iter().any(|step| step.contains(expected)), "{name}: {plan:#?}");
        for step in plan.iter().filter(|step| step.starts_with("SCAN")) {
            let harmless = [
                "VIRTUAL TABLE",
                "SCAN r",
                "signals_settled_lane",
                "json_each",
                "SCAN j",
                "SCAN d",
                "SCAN l",
                "(subquery",
                "CONSTANT ROW",
                "signals_later_due",
            ];
            assert!(harmless.iter().any(|word| step.contains(word)), "{name} scans: {plan:#?}");
            assert!(!step.contains("signals_delivery"), "{name} scans deliveries: {plan:#?}");
        }
    }
}
