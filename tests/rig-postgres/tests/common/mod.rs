//! A server, a database in it, and processes over it, for tests that wait on conditions with a deadline.

#![allow(dead_code, unused_imports, unreachable_pub, reason = "every test binary uses another part")]

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use signals_cluster::{Binaries, Cluster, Database, Settings};
use signals_rig_postgres::{Line, Log, over, set_up};
use signals_runtime::clock::micros;
use signals_runtime::store::{DeliverySummary, Filter};
use signals_runtime::{PgBackend, Signals};

pub use signals_cluster::{Flow, Wire};

/// The lease of the workers. Longer than the outages that nobody may steal after.
pub const LEASE: Duration = Duration::from_secs(3);

/// How long anything may take to be as it should.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub struct Rig {
    // The order matters: the database goes before its server.
    pub database: Database,
    pub cluster: Cluster,
    pub folder: tempfile::TempDir,
    /// What receivers did.
    pub log: Log,
    /// What senders know.
    pub journal: Log,
    pub signals: Signals<PgBackend>,
}

/// A process, killed when it is dropped.
pub struct Process {
    child: Child,
    // Apart: whoever waits for a `Child` closes its standard input first, which the processes here take as their end.
    stdin: Option<ChildStdin>,
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Process {
    pub fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).spawn().expect("the process starts");
        Self { stdin: child.stdin.take(), child }
    }

    pub fn kill(&mut self) {
        // One that has ended is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal)
            .expect("a child that was not waited for can be told something");
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("it is ours").is_none()
    }

    /// Ends a sender by the end of its standard input; answers how it ended.
    pub fn finish(&mut self) -> ExitStatus {
        drop(self.stdin.take());
        self.child.wait().expect("it is ours")
    }

    /// Stops a worker as service managers do.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.child.wait().expect("it is ours")
    }
}

impl Rig {
    /// A server of its own, which may be broken.
    pub async fn new(settings: Settings) -> Self {
        let binaries = Binaries::find_or_install().expect("Postgres is there or can be installed");
        let cluster = Cluster::start_with(binaries, settings).expect("a private server starts");
        let database = cluster.server().database().await.expect("a database can be made");
        let folder = tempfile::tempdir().expect("a folder");
        let (log, journal) = (Log(folder.path().join("log")), Log(folder.path().join("journal")));
        let signals = over(database.url(), 10).expect("it is a URL");
        set_up(&signals).await.expect("an empty database can be set up");
        Self { database, cluster, folder, log, journal, signals }
    }

    /// What the processes told.
    pub fn events(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("events")).unwrap_or_default()
    }

    fn process(&self, words: &[&str], log: &Log, rest: &[&str]) -> Command {
        let events = OpenOptions::new().create(true).append(true).open(self.folder.path().join("events"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_signals-rig-postgres"));
        command.args(words).arg(&log.0).args(rest);
        command.stdout(Stdio::null()).stderr(events.expect("a file"));
        command
    }

    pub fn worker_command(&self, url: &str, lease: Duration) -> Command {
        self.process(&["worker", url], &self.log, &[&lease.as_millis().to_string()])
    }

    /// A worker process over the database at `url`.
    pub fn worker_at(&self, url: &str) -> Process {
        Process::start(self.worker_command(url, LEASE))
    }

    pub fn worker(&self) -> Process {
        self.worker_at(self.database.url())
    }

    /// A sending process, of whose work so many of a hundred fail at first.
    pub fn sender_command(&self, url: &str, slot: u32, failing: u8) -> Command {
        let rest = [slot.to_string(), failing.to_string()];
        self.process(&["sender", url], &self.journal, &rest.each_ref().map(String::as_str))
    }

    pub fn sender_at(&self, url: &str, slot: u32, failing: u8) -> Process {
        Process::start(self.sender_command(url, slot, failing))
    }

    /// Starts a process that knows of the pooler before its server.
    pub fn behind_pooler(&self, mut command: Command) -> Process {
        command.arg("behind-pooler");
        Process::start(command)
    }

    pub fn sender(&self, slot: u32) -> Process {
        self.sender_at(self.database.url(), slot, 0)
    }

    /// The URL of the database behind `wire`.
    pub fn through(&self, wire: &Wire) -> String {
        self.database.url().replace(&format!(":{}/", self.cluster.port()), &format!(":{}/", wire.port()))
    }

    /// How many sends were confirmed so far.
    pub fn stored(&self) -> usize {
        self.journal.read().iter().filter(|line| line.what == "stored").count()
    }

    /// How many deliveries to the plain receiver were finished so far, the last of them after `since` lines of the log.
    pub fn ended(&self) -> usize {
        self.log.read().iter().filter(|line| line.what == "end").count()
    }

    /// Waits until `workers` are known to the database.
    pub async fn connected(&self, workers: &[&Process]) {
        let began = Instant::now();
        loop {
            let known = self.signals.inspect().workers().await.expect("the database answers");
            if workers.iter().all(|worker| known.iter().any(|known| known.pid == worker.child.id())) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "not every worker is known: {}", self.events());
            // tidy: not a wait: the pause of a poll with a deadline
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until `workers` have been there for a lease by the database's clock: who has just come steals from nobody.
    pub async fn may_steal(&self, workers: &[&Process]) {
        self.connected(workers).await;
        until("the workers to have been there for a lease", async || {
            let clock = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
            let now: i64 =
                sqlx::query_scalar(clock).fetch_one(self.signals.backend().pool()).await.expect("the database answers");
            let since = now - micros(LEASE);
            let known = self.signals.inspect().workers().await.expect("the database answers");
            let mut own = known.iter().filter(|known| workers.iter().any(|worker| known.pid == worker.child.id()));
            own.all(|known| known.started.as_micros() <= since)
        })
        .await;
    }

    /// Every delivery, in the order of their ids.
    pub async fn deliveries(&self) -> Vec<DeliverySummary> {
        let mut filter = Filter { limit: Filter::MOST, ..Filter::default() };
        let mut deliveries = Vec::new();
        loop {
            let page = match self.signals.inspect().list(&filter).await {
                Ok(page) => page,
                // Its connection was of a server that is no more: the next one is not.
                Err(error) if error.is_connection() => continue,
                Err(error) => panic!("{error}"),
            };
            filter.after = page.next;
            deliveries.extend(page.deliveries);
            if page.next.is_none() {
                return deliveries;
            }
        }
    }

    /// How many deliveries are neither done nor dead nor cancelled.
    pub async fn pending(&self) -> i64 {
        let pending = "SELECT (SELECT count(*) FROM signals.delivery) + (SELECT count(*) FROM signals.later)";
        sqlx::query_scalar(pending).fetch_one(self.signals.backend().pool()).await.expect("the database answers")
    }

    /// Waits until everything is settled.
    pub async fn settled(&self) {
        let began = Instant::now();
        loop {
            let pending = self.pending().await;
            if pending == 0 {
                return;
            }
            let told = || self.events().lines().rev().take(20).map(|line| format!("\n{line}")).collect::<String>();
            assert!(began.elapsed() < PATIENCE, "{pending} deliveries wait after {PATIENCE:?}: {}", told());
            // tidy: not a wait: the pause of a poll with a deadline
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// I1, I2, I3, I5: once everything is settled, what senders and receivers know agrees with the database.
    pub async fn agrees(&self) {
        self.settled().await;
        let booked = self.numbers("SELECT number FROM booking").await;
        let effects = self.numbers("SELECT number FROM effect").await;
        assert_eq!(booked, effects, "I5: what was booked has one effect, and nothing else has");
        let once: BTreeSet<i64> = booked.iter().copied().collect();
        assert_eq!(once.len(), booked.len(), "S2: a key books once");

        let journal = self.journal.read();
        let told = |what: &str| journal.iter().filter(|line| line.what == what).map(|line| line.number).collect();
        let stored: BTreeSet<i64> = told("stored");
        let lost: Vec<_> = stored.difference(&once).collect();
        assert!(lost.is_empty(), "I2: a confirmed commit is there: {lost:?}");
        let unknown: BTreeSet<i64> = told("unknown");
        let more: Vec<_> = once.difference(&stored).filter(|number| !unknown.contains(number)).collect();
        assert!(journal.is_empty() || more.is_empty(), "I1: what was refused is not there: {more:?}");

        let ended: BTreeSet<i64> =
            self.log.read().iter().filter(|line| line.what == "end").map(|line| line.number).collect();
        let missed: Vec<_> = once.difference(&ended).collect();
        assert!(missed.is_empty(), "I3: a delivery is done after its receiver returned: {missed:?}");
    }

    async fn numbers(&self, query: &'static str) -> Vec<i64> {
        let found = sqlx::query_scalar(query).fetch_all(self.signals.backend().pool()).await;
        let mut numbers: Vec<i64> = found.expect("the database answers");
        numbers.sort_unstable();
        numbers
    }

    /// How many leases were lost, by all deliveries together.
    pub async fn lost_leases(&self) -> u32 {
        self.deliveries().await.iter().map(|delivery| delivery.counters.lost_leases).sum()
    }

    /// Whether a worker was told that a delivery is not its own any more, after the first `since` bytes of what they told.
    pub fn is_refused(&self, since: usize) -> bool {
        let events = self.events();
        let told = ["outcome refused", "attempt given up", "outcome said twice"];
        told.iter().any(|told| events[since..].contains(told))
    }

    /// How many deliveries a worker runs.
    pub async fn running(&self) -> i64 {
        let running = "SELECT count(*) FROM signals.delivery WHERE token IS NOT NULL";
        sqlx::query_scalar(running).fetch_one(self.signals.backend().pool()).await.expect("the database answers")
    }

    /// How many deadlocks the server has found in the database.
    pub async fn deadlocks(&self) -> i64 {
        let found = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
        sqlx::query_scalar(found).fetch_one(self.signals.backend().pool()).await.expect("the database answers")
    }
}

/// Waits until `is`, for [`PATIENCE`] at most.
pub async fn until(what: &str, mut is: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !is().await {
        assert!(began.elapsed() < PATIENCE, "waited {PATIENCE:?} for {what}");
        // tidy: not a wait: the pause of a poll with a deadline
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub fn starts(lines: &[Line], number: i64) -> Vec<&Line> {
    lines.iter().filter(|line| line.what == "start" && line.number == number).collect()
}
