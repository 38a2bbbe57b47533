//! What `WorkerBuilder::build` says of a worker that cannot work: every mistake in one error, with file, line and the way
//! out. The receivers below are linked into this program and wrong on purpose; a test of one mistake lists its receiver.
#![cfg(feature = "sqlite")]

use std::time::Duration;

use signals_runtime::{
    Error, MemoryBackend, MemoryTx, Receiver, Registry, Signals, SqliteBackend, SqliteTx, State, WorkerBuilder,
    receiver, signal,
};

const LINK_LINE: u32 = line!() + 1;
signals_runtime::link!(signals_fixture_renamed, serde_json);

#[signal]
struct PaymentCompleted {}

#[derive(Clone)]
struct Mailer;

#[receiver(signal = PaymentCompleted, name = "shop.mail")]
async fn mail_receipt(_: &PaymentCompleted, State(mailer): State<Mailer>) {
    let Mailer = mailer;
}

const TWIN_LINE: u32 = line!() + 1;
#[receiver(signal = PaymentCompleted, name = "shop.mail")]
async fn mail_another_receipt(_: &PaymentCompleted) {}

#[receiver(signal = PaymentCompleted, name = "shop.complete", timeout = "10s")]
async fn complete_order(_: &PaymentCompleted, _: &mut SqliteTx) {}

#[receiver(signal = PaymentCompleted, name = "shop.foreign")]
async fn keep_in_memory(_: &PaymentCompleted, _: &mut MemoryTx) {}

#[receiver(signal = PaymentCompleted, name = "shop.two", timeout = "1s")]
async fn write_twice(_: &PaymentCompleted, _: &mut SqliteTx, _: &mut SqliteTx) {}

#[receiver(signal = PaymentCompleted, name = "shop.plain", timeout = "1s")]
fn write_from_a_thread(_: &PaymentCompleted, _: &mut SqliteTx) {}

#[receiver(signal = PaymentCompleted, name = "shop.count")]
async fn count_sale(_: &PaymentCompleted) {}

/// What `build` finds wrong with this worker, which it must not build.
fn problems<B: signals_runtime::Backend>(worker: WorkerBuilder<B>) -> Vec<String> {
    match worker.build() {
        Err(Error::Registry(problems)) => problems.iter().map(ToString::to_string).collect(),
        other => panic!("expected problems, got {other:?}"),
    }
}

fn the_one<B: signals_runtime::Backend>(worker: WorkerBuilder<B>) -> String {
    let mut problems = problems(worker);
    assert_eq!(problems.len(), 1, "{problems:#?}");
    problems.remove(0)
}

/// Where a receiver is declared, as messages show it.
fn place<R: Receiver>() -> String {
    let at = R::DEF.location;
    assert_eq!(at.file, file!());
    format!("{}:{}", at.file, at.line)
}

fn registry<R: Receiver>() -> Registry {
    Registry::builder().receiver::<R>().build().expect("a receiver that is right by itself")
}

/// A program on the memory backend with this receiver alone.
fn in_memory<R: Receiver>() -> Signals<MemoryBackend> {
    Signals::new(MemoryBackend::new()).with_registry(registry::<R>())
}

/// A program on SQLite, and the folder of its file.
async fn on_sqlite() -> (Signals<SqliteBackend>, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let backend = SqliteBackend::open(folder.path().join("signals.db")).await.expect("a new file can be opened");
    (Signals::new(backend), folder)
}

#[track_caller]
fn assert_says(problem: &str, parts: &[&str]) {
    for part in parts {
        assert!(problem.contains(part), "`{part}` is missing in: {problem}");
    }
}

#[test]
fn a_missing_state_is_named_with_the_call_that_gives_it() {
    let problem = the_one(in_memory::<mail_receipt>().worker());
    assert_says(
        &problem,
        &["`shop.mail`", &place::<mail_receipt>(), "State<", "worker_problems::Mailer", "`.state(…)`"],
    );
    in_memory::<mail_receipt>().worker().state(Mailer).build().expect("with it, it is built");
}

#[test]
fn a_transaction_of_another_backend_is_named_with_both() {
    let of_sqlite = the_one(in_memory::<complete_order>().worker());
    assert_says(&of_sqlite, &["`shop.complete`", &place::<complete_order>(), "sqlite", "memory", "`only`"]);
}

#[tokio::test]
async fn a_time_out_that_does_not_fit_the_lease_is_refused_on_a_database_with_one_writer() {
    let (signals, _folder) = on_sqlite().await;
    let signals = signals.with_registry(registry::<complete_order>());
    // A third of the lease is too long already: the receiver's time-out is 10 s.
    let problem = the_one(signals.worker().lease(Duration::from_secs(30)));
    assert_says(&problem, &["`shop.complete`", &place::<complete_order>(), "10s", "`timeout = \"…\"`", "`lease`"]);
    signals.worker().lease(Duration::from_secs(31)).build().expect("within a third of the lease");
}

#[test]
fn prefixes_that_match_nothing_are_shown() {
    let problem = the_one(in_memory::<count_sale>().worker().only(["orders.", "shop.sount"]));
    assert_says(&problem, &["`only([\"orders.\", \"shop.sount\"])`", "signals.registry()"]);
    in_memory::<count_sale>().worker().only(["orders.", "shop.c"]).build().expect("one that matches is enough");
}

#[test]
fn a_program_without_receivers_is_asked_for_its_link() {
    let empty = Registry::builder().build().expect("nothing contradicts itself");
    let problem = the_one(Signals::new(MemoryBackend::new()).with_registry(empty).worker());
    assert_says(&problem, &["no receivers", "`link!`"]);
}

#[test]
fn settings_out_of_range_are_shown_with_the_range() {
    let worker = || in_memory::<count_sale>().worker();
    assert_says(&the_one(worker().concurrency(0)), &["`concurrency(0)`", "at least 1"]);
    for share in [0.0, -0.1, 1.1, f64::NAN] {
        assert_says(&the_one(worker().lane_share(share)), &["`lane_share(", "above 0 and at most 1"]);
    }
    assert_says(&the_one(worker().lease(Duration::from_millis(299))), &["`lease(299ms)`", "300ms"]);
    assert_says(&the_one(worker().poll(Duration::ZERO, Duration::ZERO)), &["`poll`", "at least 1 ms"]);
}

#[tokio::test]
async fn everything_that_is_wrong_is_in_one_error_with_file_and_line() {
    let (signals, _folder) = on_sqlite().await;
    let worker = signals.worker().lease(Duration::from_secs(20)).lane_share(0.0).concurrency(0);
    let found = problems(worker);
    let expected: [&[&str]; 9] = [
        &["crate `serde_json`", "`link!`", &format!("{}:{LINK_LINE}", file!()), "remove it"],
        &["receiver name `shop.mail`", "2 times", &place::<mail_receipt>(), &format!("{}:{TWIN_LINE}", file!())],
        &["`shop.mail`", &place::<mail_receipt>(), "Mailer", "`.state(…)`"],
        &["`shop.foreign`", &place::<keep_in_memory>(), "memory", "sqlite", "`only`"],
        &["`shop.complete`", &place::<complete_order>(), "10s", "third of the lease"],
        &["`shop.two`", &place::<write_twice>(), "2 transactions", "remove all but one"],
        &["`shop.plain`", &place::<write_from_a_thread>(), "plain `fn`", "`async fn`"],
        &["`lane_share(0)`", "above 0"],
        &["`concurrency(0)`", "at least 1"],
    ];
    for parts in expected {
        let said = found.iter().filter(|problem| parts.iter().all(|part| problem.contains(part))).count();
        assert_eq!(said, 1, "said once: {parts:?} in {found:#?}");
    }
    assert_eq!(found.len(), expected.len(), "and nothing else: {found:#?}");
    let _ = PaymentCompleted {};
}
