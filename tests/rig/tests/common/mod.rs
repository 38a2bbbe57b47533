//! A database, a log and worker processes, for tests that wait on conditions with a deadline.

#![allow(dead_code, unreachable_pub, reason = "every test binary uses another part")]

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use signals_rig::{Line, Log, open};
use signals_runtime::clock::{Clock as _, SystemClock};
use signals_runtime::delivery::State;
use signals_runtime::store::{DeliverySummary, Filter};
use signals_runtime::{Signals, SqliteBackend};

pub const LEASE: Duration = Duration::from_secs(1);
pub const PATIENCE: Duration = Duration::from_secs(20);

pub struct Rig {
    _folder: tempfile::TempDir,
    pub database: PathBuf,
    pub log: Log,
    /// What worker processes tell.
    pub events: PathBuf,
    pub signals: Signals<SqliteBackend>,
}

/// A worker process, killed when it is dropped.
pub struct WorkerProcess(pub Child);

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl WorkerProcess {
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.0.id().try_into().expect("a process id")).expect("above zero");
        kill_process(pid, signal).expect("a child that was not waited for can be told something");
    }
}

impl Rig {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let database = folder.path().join("rig.db");
        Self::over(database, folder).await
    }

    /// With the database on a disk of its own.
    pub async fn on(disk: &Path) -> Self {
        Self::over(disk.join("rig.db"), tempfile::tempdir().expect("a folder")).await
    }

    async fn over(database: PathBuf, folder: tempfile::TempDir) -> Self {
        let log = Log(folder.path().join("log"));
        let signals = open(&database).await.expect("a database");
        Self { events: folder.path().join("events"), _folder: folder, database, log, signals }
    }

    /// A worker process of the receivers of `Work`.
    pub fn worker(&self, grace: Duration) -> WorkerProcess {
        self.worker_of(LEASE, grace, None)
    }

    /// A worker process of the receivers whose names begin like this; those for `Work` when none is given.
    pub fn worker_of(&self, lease: Duration, grace: Duration, receivers: Option<&str>) -> WorkerProcess {
        let child = Command::new(env!("CARGO_BIN_EXE_signals-rig"))
            .arg("worker")
            .args([&self.database, &self.log.0])
            .args([lease.as_millis().to_string(), grace.as_millis().to_string()])
            .args(receivers.map_or(vec!["rig.hold", "rig.effect"], |receivers| vec![receivers]))
            .stdout(Stdio::null())
            .stderr(OpenOptions::new().create(true).append(true).open(&self.events).expect("a file"))
            .spawn();
        WorkerProcess(child.expect("a worker process"))
    }

    /// Waits until the log satisfies `enough`.
    pub async fn log_until(&self, what: &str, enough: impl Fn(&[Line]) -> bool) -> Vec<Line> {
        let began = Instant::now();
        loop {
            let lines = self.log.read();
            if enough(&lines) {
                return lines;
            }
            assert!(began.elapsed() < PATIENCE, "{what} did not happen within {PATIENCE:?}: {lines:#?}");
            tokio::time::sleep(Duration::from_millis(2)).await; // tidy: not a wait: the pause of a poll with a deadline
        }
    }

    /// Waits until a worker process has told `what`.
    pub async fn told(&self, what: &str) {
        let began = Instant::now();
        loop {
            let events = std::fs::read_to_string(&self.events).unwrap_or_default();
            if events.contains(what) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "`{what}` was not told: {events}");
            tokio::time::sleep(Duration::from_millis(5)).await; // tidy: not a wait: the pause of a poll with a deadline
        }
    }

    /// Waits until the database has known `worker` for as long as `age`, by the database's own times.
    pub async fn connected_for(&self, worker: &WorkerProcess, age: Duration) {
        let began = Instant::now();
        loop {
            let workers = self.signals.inspect().workers().await.expect("workers");
            let known = workers.iter().find(|known| known.pid == worker.0.id());
            if known.is_some_and(|known| SystemClock.now() >= known.started.saturating_add(age)) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "the worker has not been connected for {age:?}: {workers:#?}");
            tokio::time::sleep(Duration::from_millis(5)).await; // tidy: not a wait: the pause of a poll with a deadline
        }
    }

    /// Waits until the leases of what `receiver` runs are over, by the database's own times.
    pub async fn lease_over(&self, receiver: &str) {
        let began = Instant::now();
        loop {
            let deliveries = self.deliveries().await;
            let mut leases = deliveries.iter().filter(|one| one.receiver == receiver).filter_map(|one| one.lease_until);
            if leases.all(|until| until < SystemClock.now()) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "the lease is not over: {deliveries:#?}");
            tokio::time::sleep(Duration::from_millis(5)).await; // tidy: not a wait: the pause of a poll with a deadline
        }
    }

    /// Every delivery, in the order of their ids.
    pub async fn deliveries(&self) -> Vec<DeliverySummary> {
        let mut filter = Filter { limit: Filter::MOST, ..Filter::default() };
        let mut deliveries = Vec::new();
        loop {
            let page = self.signals.inspect().list(&filter).await.expect("deliveries");
            filter.after = page.next;
            deliveries.extend(page.deliveries);
            if page.next.is_none() {
                return deliveries;
            }
        }
    }

    /// Takes the write lock, and gives it back after `hold`.
    pub async fn shut(&self, hold: Duration) {
        let began = Instant::now();
        let tx = loop {
            match self.signals.begin().await {
                Ok(tx) => break tx,
                Err(error) => assert!(error.is_retryable() && began.elapsed() < PATIENCE, "{error}"),
            }
        };
        tokio::time::sleep(hold).await; // tidy: not a wait: for so long the lock is held
        tx.rollback().await.expect("rolled back");
    }

    pub async fn states(&self) -> Vec<State> {
        self.deliveries().await.iter().map(|delivery| delivery.state).collect()
    }

    pub async fn states_until(&self, what: &str, mut enough: impl FnMut(&[State]) -> bool) -> Vec<State> {
        let began = Instant::now();
        loop {
            let states = self.states().await;
            if enough(&states) {
                return states;
            }
            assert!(began.elapsed() < PATIENCE, "{what} did not happen within {PATIENCE:?}: {states:?}");
            tokio::time::sleep(Duration::from_millis(5)).await; // tidy: not a wait: the pause of a poll with a deadline
        }
    }
}

pub fn starts(lines: &[Line], number: i64) -> Vec<&Line> {
    lines.iter().filter(|line| line.what == "start" && line.number == number).collect()
}
