//! A disk that has no room left, and has room again: SQLite's own `SQLITE_FULL`.
//!
//! A small file system can be mounted for it where the test runs as root. A database that may have only so many pages is
//! full in the same way, for every connection, without anybody's leave; so there are two stories, and one always runs.

mod common;

use std::fs::{OpenOptions, remove_file};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use common::{PATIENCE, Rig};
use signals_rig::Form;
use signals_runtime::delivery::State;
use signals_runtime::{Error, Signal as _, Signals, SqliteBackend};
use sqlx::sqlite::SqlitePoolOptions;

/// SQLite's result code for a database or a disk that is full.
const SQLITE_FULL: &str = "13";

/// A tmpfs, unmounted when it is dropped.
struct SmallDisk {
    at: tempfile::TempDir,
}

impl SmallDisk {
    /// One of two mebibytes; `None` where that is not permitted.
    fn mount() -> Option<Self> {
        let at = tempfile::tempdir().expect("a folder");
        let mut mount = Command::new("mount");
        let mounted = mount.args(["-t", "tmpfs", "-o", "size=2m", "signals-rig"]).arg(at.path()).status();
        mounted.is_ok_and(|status| status.success()).then_some(Self { at })
    }

    fn path(&self) -> &Path {
        self.at.path()
    }

    /// Takes what room is left.
    fn fill(&self) {
        let mut ballast =
            OpenOptions::new().create(true).append(true).open(self.path().join("ballast")).expect("a file");
        let full = loop {
            if let Err(error) = ballast.write_all(&[0; 4096]) {
                break error;
            }
        };
        assert_eq!(full.kind(), std::io::ErrorKind::StorageFull, "{full}");
    }

    fn make_room(&self) {
        remove_file(self.path().join("ballast")).expect("it is ours");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: whoever has the database open may be dropped later.
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

/// What an application sent beside a row of its own, and what came of it.
#[derive(Default)]
struct Sends {
    stored: Vec<i64>,
    refused: Vec<i64>,
}

impl Sends {
    /// Sends number `number`: it is stored, or refused by the error that says what is wrong.
    async fn send(&mut self, signals: &Signals<SqliteBackend>, number: i64) {
        match booked(signals, number).await {
            Ok(()) => self.stored.push(number),
            Err(refused) => {
                let Error::NotWritable(source) = &refused else { panic!("another error than that: {refused:?}") };
                let code = source.downcast_ref::<sqlx::Error>().and_then(sqlx::Error::as_database_error);
                assert_eq!(code.and_then(|error| error.code()).as_deref(), Some(SQLITE_FULL), "{source:?}");
                self.refused.push(number);
            }
        }
    }

    async fn until(&mut self, signals: &Signals<SqliteBackend>, what: &str, enough: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !enough(self) {
            assert!(began.elapsed() < PATIENCE, "{what}: {} stored, {} refused", self.stored.len(), self.refused.len());
            self.send(signals, (self.stored.len() + self.refused.len()) as i64).await;
        }
    }

    /// I1, S11: what was refused is not there, neither the row nor a delivery; what was stored is there whole.
    async fn are_whole(&self, rig: &Rig) {
        let pool = rig.signals.backend().pool();
        let rows: Vec<i64> =
            sqlx::query_scalar("SELECT number FROM booking ORDER BY number").fetch_all(pool).await.expect("the rows");
        assert_eq!(rows, self.stored, "refused: {:?}", self.refused);
        assert_eq!(rig.deliveries().await.len(), self.stored.len());
    }
}

/// A small row of the application's and a send that needs pages, in one transaction.
async fn booked(signals: &Signals<SqliteBackend>, number: i64) -> signals_runtime::Result<()> {
    let mut tx = signals.begin().await?;
    let row = sqlx::query("INSERT INTO booking (number) VALUES ($1)").bind(number).execute(&mut *tx);
    row.await.map_err(|error| match error.as_database_error().and_then(|error| error.code()) {
        Some(code) if code == SQLITE_FULL => Error::NotWritable(error.into()),
        _ => Error::Database(error.into()),
    })?;
    Form { number, text: "x".repeat(20_000) }.send(&mut tx).await?;
    tx.commit().await
}

async fn prepare(signals: &Signals<SqliteBackend>) {
    let tables = "CREATE TABLE booking (number INTEGER NOT NULL) STRICT;
                  CREATE TABLE ballast (bytes BLOB NOT NULL) STRICT";
    sqlx::raw_sql(tables).execute(signals.backend().pool()).await.expect("there is room for that");
}

async fn all_is_done(rig: &Rig) {
    rig.states_until("all is done", |states| states.iter().all(|state| *state == State::Done)).await;
    let pool = rig.signals.backend().pool();
    let damage: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(pool).await.expect("an answer");
    assert_eq!(damage, "ok");
}

/// S11, I1, L1: on a file system without room senders are refused whole, by a typed error; a worker says so and stays; with
/// room again everything goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s11_a_file_system_without_room_refuses_sends_whole_until_it_has_room() {
    let Some(disk) = SmallDisk::mount() else {
        println!("not shown on a file system: mounting one is not permitted here; the pages of a database stand in");
        return a_database_without_room().await;
    };
    let rig = Rig::on(disk.path()).await;
    prepare(&rig.signals).await;
    let mut worker = rig.worker_of(Duration::from_secs(3), Duration::from_secs(3), Some("rig.form"));
    let mut sends = Sends::default();
    sends.until(&rig.signals, "there is room", |sends| sends.stored.len() == 5).await;
    all_is_done(&rig).await;

    disk.fill();
    sends.until(&rig.signals, "the disk is full", |sends| sends.refused.len() == 10).await;
    sends.are_whole(&rig).await;
    rig.told("the database takes no writes").await;
    assert!(worker.0.try_wait().expect("a child").is_none(), "the worker has exited");

    disk.make_room();
    let before = sends.stored.len();
    sends.until(&rig.signals, "sends go on", |sends| sends.stored.len() == before + 5).await;
    all_is_done(&rig).await;
    sends.are_whole(&rig).await;
    assert!(worker.0.try_wait().expect("a child").is_none(), "the worker has exited");
}

/// S11, I1, L1: the same for a database that may have no more pages, inside one process: on the connections of the application and
/// on those of its worker.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s11_a_database_without_room_refuses_sends_whole_until_it_has_room() {
    a_database_without_room().await;
}

async fn a_database_without_room() {
    let rig = Rig::new().await;
    prepare(&rig.signals).await;
    // Those of the worker are opened with the same options.
    let options = rig.signals.backend().pool().connect_options().as_ref().clone().pragma("max_page_count", "300");
    let pool = SqlitePoolOptions::new().max_connections(4).connect_with(options).await.expect("a pool");
    let signals = Signals::new(SqliteBackend::from_pool(pool).await.expect("nothing is wrong with it"));
    let worker = signals.worker().state(rig.log.clone()).only(["rig.form"]).build().expect("a worker");
    let ballast =
        sqlx::query("INSERT INTO ballast (bytes) VALUES (zeroblob(400000))").execute(signals.backend().pool());
    ballast.await.expect("there is room for that");
    let mut sends = Sends::default();

    let story = async {
        sends.until(&signals, "the database is full", |sends| sends.refused.len() == 10).await;
        assert!(sends.stored.len() > 5, "there was room for {:?}", sends.stored);
        sends.are_whole(&rig).await;
        let room = sqlx::query("DELETE FROM ballast").execute(signals.backend().pool());
        room.await.expect("it needs no new page");
        let before = sends.stored.len();
        sends.until(&signals, "sends go on", |sends| sends.stored.len() == before + 5).await;
        all_is_done(&rig).await;
    };
    let report = worker.run_until(story).await.expect("it outlives that");

    sends.are_whole(&rig).await;
    assert_eq!((report.done, report.dead), (sends.stored.len() as u64, 0), "{report:?}");
}
