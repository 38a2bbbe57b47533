//! Fault at k on SQLite: each call is left before a statement is sent, and once it was sent, so that it is done and its answer
//! lost.
#![cfg(feature = "sqlite")]

mod call;
mod faulty;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use call::{Call, Ends};
use faulty::{Faulty, FaultyTx};
use signals_conformance::faults::{Cut, Ground, Meter, Soil, sweep};
use signals_core::{Error, Result};
use signals_runtime::{Signals, SqliteBackend};
use tempfile::TempDir;

/// How many connections the application's pool has.
const CONNECTIONS: u32 = 4;

/// A file, and two ways to it.
struct Sqlite {
    faulty: Faulty,
    direct: Signals<SqliteBackend>,
    template: Arc<Template>,
    // The files live as long as the story.
    _directory: TempDir,
}

/// Files that stories begin with copies of: to make the tables takes longer than to tell the story.
struct Template {
    directory: TempDir,
    /// What there is in the one with the library's tables.
    whole: Vec<String>,
}

impl Template {
    async fn make() -> Self {
        let mut template = Self { directory: directory(), whole: Vec::new() };
        let open =
            async |file| Signals::new(SqliteBackend::options().open(file).await.expect("a new file can be opened"));
        let bare = open(template.file(Soil::Bare)).await;
        let table = "CREATE TABLE business (what TEXT NOT NULL, number INTEGER NOT NULL) STRICT";
        run(&bare, table).await;
        run(&bare, INTO_ONE_FILE).await;
        std::fs::copy(template.file(Soil::Bare), template.file(Soil::Untouched)).expect("nobody has it open");
        let signals = open(template.file(Soil::Untouched)).await;
        signals.migrate().await.expect("it is empty");
        template.whole = schema(&signals).await;
        run(&signals, INTO_ONE_FILE).await;
        template
    }

    fn file(&self, soil: Soil) -> PathBuf {
        self.directory.path().join(match soil {
            Soil::Bare => "bare.db",
            Soil::Untouched | Soil::Left => FILE,
        })
    }
}

const FILE: &str = "signals.db";

/// What is in the log goes into the file that is copied.
const INTO_ONE_FILE: &str = "PRAGMA wal_checkpoint(TRUNCATE)";

/// Runs statements past every fault.
async fn run(signals: &Signals<SqliteBackend>, statements: &str) {
    let ran = sqlx::raw_sql(sqlx::AssertSqlSafe(statements)).execute(signals.backend().pool()).await;
    ran.expect("nobody is in the judge's way");
}

/// Every table and index with what it is made of, and which migrations are noted.
async fn schema(signals: &Signals<SqliteBackend>) -> Vec<String> {
    let rows = async |query: &'static str| -> Vec<String> {
        let rows = sqlx::query_scalar(query).fetch_all(signals.backend().pool());
        rows.await.expect("nobody is in the judge's way")
    };
    let mut found =
        rows("SELECT concat_ws(' ', type, name, rtrim(sql, char(10))) FROM sqlite_schema ORDER BY type, name").await;
    if found.iter().any(|found| found.starts_with("table signals_migration ")) {
        found.extend(rows("SELECT concat('migration ', number) FROM signals_migration ORDER BY number").await);
    }
    found
}

/// In memory, where that is a folder: nothing here is about the disk.
fn directory() -> TempDir {
    let memory = Path::new("/dev/shm");
    let directory = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    directory.expect("a directory for one story")
}

async fn open(template: Arc<Template>, meter: Arc<Meter>, soil: Soil) -> Sqlite {
    let directory = directory();
    let file = directory.path().join(FILE);
    std::fs::copy(template.file(soil), &file).expect("nobody has the template open");
    let options = SqliteBackend::options().max_connections(CONNECTIONS);
    let direct = Signals::new(options.clone().open(&file).await.expect("a file can be opened"));
    let faulty = Faulty { inner: options.open(&file).await.expect("it can be opened again"), meter };
    Sqlite { faulty, direct, template, _directory: directory }
}

/// Every story, each on a copy of one file.
fn sweep_files(cut: Cut) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let template = Arc::new(runtime.block_on(Template::make()));
    sweep(cut, |meter, soil| open(template.clone(), meter, soil));
}

impl Ground for Sqlite {
    /// It takes a processor's time, and waits for nothing but leases.
    const ABREAST: usize = 8;
    /// The first statement of each call that a story cannot do without, and the writes of the long ones.
    #[rustfmt::skip]
    const STATEMENTS: &'static [&'static str] = &[
        "begin 1", "send 1", "savepoint 1", "release_savepoint 1", "rollback_savepoint 1", "rollback 1", "commit 1",
        "enlist 1", "heartbeat 1", "claim 1", "claim 5", "fence 1", "ack in the receiver's transaction 1", "ack 1", "ack 3", "fail 1",
        "fail 3", "promote 1", "promote 3", "retry 1", "retry 3", "resign 1", "prune 1", "register 1", "register 20", "cancel 1", "discard 1",
        "switch 1", "forget 1", "snooze 1", "renew 1", "release 1", "migrate 1",
    ];
    const BATCH: u64 = 1_000;

    type Backend = Faulty;
    type Direct = SqliteBackend;

    fn backend(&self) -> &Faulty {
        &self.faulty
    }

    fn direct(&self) -> &Signals<SqliteBackend> {
        &self.direct
    }

    async fn note(conn: &mut FaultyTx, what: &'static str, number: i64) -> Result<()> {
        let FaultyTx { tx, meter } = conn;
        let insert = sqlx::query("INSERT INTO business (what, number) VALUES (?, ?)").bind(what).bind(number);
        let insert = async { insert.execute(&mut **tx).await.map(drop).map_err(|error| Error::Database(error.into())) };
        Call::new(meter, "a business row", Ends::Open, Box::pin(insert)).await
    }

    async fn is_noted(conn: &mut FaultyTx, what: &'static str, number: i64) -> Result<bool> {
        let FaultyTx { tx, meter } = conn;
        let select = "SELECT EXISTS (SELECT 1 FROM business WHERE what = ? AND number = ?)";
        let select = sqlx::query_scalar(select).bind(what).bind(number);
        let select = async { select.fetch_one(&mut **tx).await.map_err(|error| Error::Database(error.into())) };
        Call::new(meter, "a look", Ends::Open, Box::pin(select)).await
    }

    async fn schema(&self) -> Vec<String> {
        schema(&self.direct).await
    }

    fn whole_schema(&self) -> &[String] {
        &self.template.whole
    }

    async fn run_script(&self, script: String) {
        run(&self.direct, &script).await;
    }

    async fn noted(&self) -> Vec<(String, i64)> {
        let rows = sqlx::query_as("SELECT what, number FROM business").fetch_all(self.direct.backend().pool());
        rows.await.expect("nobody is in the judge's way")
    }

    fn pool_size(&self) -> u32 {
        CONNECTIONS
    }

    fn is_at_rest(&self) -> bool {
        let pool = self.faulty.inner.pool();
        pool.num_idle() == pool.size() as usize
    }

    /// A transaction begins on each connection of the pool, and none of the others reads or writes.
    async fn unrest(&self) -> Option<String> {
        let mut held = Vec::new();
        for _ in 0..CONNECTIONS {
            let mut conn = self.faulty.inner.pool().acquire().await.expect("S6: every connection is in its pool");
            let probed = sqlx::raw_sql("BEGIN; ROLLBACK").execute(&mut *conn).await;
            if let Err(error) = probed {
                return Some(format!("a connection of the pool: {error}"));
            }
            held.push(conn);
        }
        let checkpoint = sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(self.direct.backend().pool());
        let (busy, _, _): (bool, i64, i64) = checkpoint.await.expect("nobody is in the judge's way");
        busy.then(|| "some connection reads or writes".to_owned())
    }
}

/// S1, S3, S6, I1, I2, I5: a call that is left before a statement costs a repetition.
#[test]
fn s1_s3_s6_i1_i5_a_call_left_before_any_statement_loses_and_doubles_nothing() {
    sweep_files(Cut::Before);
}

/// S2, S6, I1, I2, I5: a statement whose answer is lost is done once, or told to be unknown.
#[test]
fn s2_s6_i1_i5_a_call_left_after_any_statement_loses_and_doubles_nothing() {
    sweep_files(Cut::After);
}
