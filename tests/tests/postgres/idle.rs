//! P6: what a worker asks of a server that has nothing for it to do, by the server's log.

use std::collections::BTreeSet;
use std::time::Duration;

use signals_cluster::{Cluster, Settings};
use signals_conformance::fixtures::SHIP;
use signals_conformance::stage::until_every;
use signals_runtime::{PgBackend, Registry, Signals};

use crate::harness::pool;

/// How often the worker polls.
const SELDOM: Duration = Duration::from_secs(10);

/// What it asks then, beside saying that it is alive.
const ROUND: [&str; 6] = ["registry", "merge_stragglers", "promote_next", "workers", "counts", "sweep"];

/// The statements of a log, in order: the name of each that is the library's, and the text of any other.
fn said(log: &str) -> Vec<&str> {
    let statement = |line| -> Option<&str> {
        let (_, said) = str::split_once(line, " ms  ")?;
        let (how, text) = said.split_once(": ")?;
        // Beside that it was said there stands that it was parsed, and bound.
        (how == "statement" || how.starts_with("execute ")).then_some(text)
    };
    let name = |text| {
        let own = PgBackend::statements().find(|(_, sql)| sql.lines().next() == Some(text));
        own.map_or(text, |(name, _)| name)
    };
    log.lines().filter_map(statement).map(name).collect()
}

/// P6: it knows of commits without asking. What it asks is a statement each time, without another that begins a transaction or
/// ends one.
#[tokio::test]
async fn p6_an_idle_worker_that_polls_every_ten_seconds_asks_less_than_once_a_second() {
    // Only one of its own shows its log.
    let cluster = Cluster::start(Settings::fast()).expect("a private server starts");
    let database = cluster.server().database().await.expect("a database");
    let logged = database.options().options([("log_min_duration_statement", "0")]);
    let registry = Registry::builder().receiver_def(&SHIP).build().expect("nothing contradicts itself");
    let signals = Signals::new(PgBackend::new(pool(logged))).with_registry(registry);
    signals.setup().await.expect("migrates and registers");
    let worker = signals.worker().poll(Duration::from_millis(10), SELDOM).build().expect("the worker lacks nothing");

    // From its first claim on: what it does when it starts is another matter.
    let asked = || -> Vec<String> {
        let log = cluster.log();
        let asked = said(&log).into_iter().skip_while(|name| *name != "sweep").skip(1);
        asked.filter(|name| !name.starts_with("LISTEN ")).map(str::to_owned).collect()
    };
    let a_round_was_asked = async || {
        let asked: BTreeSet<String> = asked().into_iter().collect();
        ROUND.iter().all(|name| asked.contains(*name))
    };
    let story = async {
        until_every(Duration::from_millis(50), SELDOM * 3, "a round", a_round_was_asked).await;
        let asked = asked();
        assert!(asked.len() <= 10, "more than ten statements in ten seconds: {asked:?}");
        let others = asked.iter().filter(|name| *name != "heartbeat" && !ROUND.contains(&name.as_str()));
        assert_eq!(others.count(), 0, "in such a round there is no more to be said: {asked:?}");
    };
    worker.run_until(story).await.expect("runs");
}
