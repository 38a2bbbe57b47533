//! What `docs/operations.md` tells operators to do does what it says: the SQL is taken from the page.
#![cfg(feature = "sqlite")]

use std::path::Path;

use signals_runtime::{Receiver as _, Registry, Signal as _, Signals, SqliteBackend, receiver, signal};

#[signal(name = "operations.paid")]
struct Paid {
    id: i64,
}

#[receiver(signal = Paid, name = "operations.mail")]
async fn mail(paid: &Paid) {
    let _ = paid.id;
}

/// The statement in the page's `sql` block that begins with `start`.
fn statement(start: &str) -> &'static str {
    let page = include_str!("../../docs/operations.md");
    let at = page.find(start).unwrap_or_else(|| panic!("the page shows no `{start}`"));
    page[at..].lines().next().expect("it has a line")
}

async fn open(file: &Path) -> Signals<SqliteBackend> {
    let backend = SqliteBackend::open(file).await.expect("the file opens");
    let registry = Registry::builder().receiver_def(mail::DEF).build().expect("a registry");
    let signals = Signals::new(backend).with_registry(registry);
    signals.setup().await.expect("set up");
    signals
}

async fn send(signals: &Signals<SqliteBackend>, id: i64) -> i64 {
    let mut tx = signals.begin().await.expect("a transaction");
    let receipt = Paid { id }.send(&mut tx).await.expect("sent");
    tx.commit().await.expect("committed");
    receipt.signal_id.0
}

#[test]
fn every_error_is_explained_to_operators() {
    let page = include_str!("../../docs/operations.md");
    let source = include_str!("../../signals-core/src/error.rs");
    let body = source.split("pub enum Error {").nth(1).and_then(|rest| rest.split("\n}\n").next()).expect("an enum");
    let variants = body
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()));
    let names: Vec<&str> = variants.filter_map(|line| line.split(['(', ',', ' ']).next()).collect();
    assert!(names.contains(&"Contention") && names.len() > 20, "{names:?}");
    for name in names {
        assert!(page.contains(&format!("`Error::{name}`")), "docs/operations.md says nothing of `Error::{name}`");
    }
}

/// I11, I2: a copy made at work is one moment, and no id that was drawn after it is drawn again.
#[tokio::test]
async fn i11_a_restored_backup_draws_no_id_again_once_its_ids_have_jumped() {
    let folder = tempfile::tempdir().expect("a folder");
    let (live, copy) = (folder.path().join("app.db"), folder.path().join("copy.db"));
    let signals = open(&live).await;
    let before = send(&signals, 1).await;
    let vacuum = statement("VACUUM INTO").split('\'').next().expect("its first words");
    let vacuum = format!("{vacuum}'{}'", copy.display());
    sqlx::raw_sql(sqlx::AssertSqlSafe(vacuum)).execute(signals.backend().pool()).await.expect("copied at work");
    let after = send(&signals, 2).await;

    let restored = open(&copy).await;
    let jump = statement("UPDATE signals_counter");
    sqlx::raw_sql(jump).execute(restored.backend().pool()).await.expect("the ids jump");
    let next = send(&restored, 3).await;
    restored.backend().skip_ids(1_000).await.expect("they jump again");
    let last = send(&restored, 4).await;

    assert!(before < after && after < next, "{before}, then {after}, which is lost, then {next}");
    assert_eq!(last, next + 1_001, "a thousand passed over");
    let report = restored.worker().build().expect("a worker").drain().await.expect("drained");
    assert_eq!(report.done, 3, "what was in the copy and what came then");
}
