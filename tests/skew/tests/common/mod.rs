//! A release and its rollback, with processes of both builds over one database, and what must come of it.

mod judge;

use std::fs::OpenOptions;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use signals_runtime::operating::WaitsFor;
use signals_runtime::store::{DeliverySummary, Filter};
use signals_runtime::{Backend, Signals};
use signals_skew::Log;
use tempfile::TempDir;

use judge::RECEIVERS;

/// How long anything may take to be as it should.
const PATIENCE: Duration = Duration::from_secs(30);

/// So much is done by each receiver of the living builds before the next step.
const ENOUGH: usize = 25;

/// A build of the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Build {
    Old,
    New,
}

impl Build {
    const fn program(self) -> &'static str {
        match self {
            Self::Old => env!("CARGO_BIN_EXE_signals-skew-old"),
            Self::New => env!("CARGO_BIN_EXE_signals-skew-new"),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Old => "old",
            Self::New => "new",
        }
    }
}

/// A process, killed when it is dropped.
struct Process {
    child: Child,
    // Apart: whoever waits for a `Child` closes its standard input first, which the processes here take as their end.
    stdin: Option<ChildStdin>,
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    /// Ends a sender by the end of its standard input.
    fn finish(mut self) -> ExitStatus {
        drop(self.stdin.take());
        self.child.wait().expect("it is ours")
    }

    /// Stops a worker as service managers do.
    fn stop(mut self) -> ExitStatus {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("a child that was not waited for can be told");
        self.child.wait().expect("it is ours")
    }
}

/// Everything over one database.
pub(crate) struct Fleet<B: Backend> {
    database: String,
    folder: TempDir,
    /// What receivers did.
    log: Log,
    /// What the processes know otherwise.
    journal: Log,
    /// To look at the database; it links no receiver.
    signals: Signals<B>,
}

impl<B: Backend> Fleet<B> {
    /// Over `database` as programs are told, and as the test sees it.
    pub(crate) fn over(database: &str, signals: Signals<B>, folder: TempDir) -> Self {
        let [log, journal] = ["log", "journal"].map(|name| Log(folder.path().join(name)));
        Self { database: database.to_owned(), folder, log, journal, signals }
    }

    /// Deploys `second` over `first` while everybody sends, rolls it back, and deploys it again: nothing is lost, nothing burned,
    /// nothing run twice by two names, and what the living build does not know is shown as parked.
    pub(crate) async fn deploy_and_roll_back(self, first: Build, second: Build) {
        let mut workers = vec![self.worker(first).await, self.worker(first).await];
        let mut senders = vec![self.process(env!("CARGO_BIN_EXE_signals-skew-sender"), "sender", Some(1))];
        senders.push(self.process(first.program(), "sender", Some(2)));
        self.progress(&[first]).await;

        workers = self.roll(workers, second).await;
        senders.push(self.process(second.program(), "sender", Some(3)));
        self.progress(&[second]).await;
        self.parked(second).await;

        workers = self.roll(workers, first).await;
        self.progress(&[first]).await;
        self.parked(first).await;

        workers.push(self.worker(second).await);
        self.progress(&[first, second]).await;
        for sender in senders {
            assert!(sender.finish().success(), "a sender is refused for no reason of its own: {}", self.events());
        }
        self.settled().await;
        for worker in workers {
            assert!(worker.stop().success(), "a worker stops when it is asked to: {}", self.events());
        }
        let found = judge::judge(&self.log.read(), &self.journal.read(), &self.deliveries().await);
        let few: Vec<_> = found.iter().take(5).collect();
        assert!(found.is_empty(), "{} findings: {few:#?}", found.len());
        let stored = self.signals.inspect().receivers().await.expect("the database answers");
        assert_eq!(stored.len(), RECEIVERS.len(), "I15: one id for all names of a receiver: {stored:?}");
    }

    /// Replaces `workers` one after the other, as a rolling deployment does.
    async fn roll(&self, workers: Vec<Process>, build: Build) -> Vec<Process> {
        let mut replaced = Vec::new();
        for worker in workers {
            replaced.push(self.worker(build).await);
            assert!(worker.stop().success(), "a worker stops when it is asked to: {}", self.events());
        }
        replaced
    }

    /// A worker process that the database knows.
    async fn worker(&self, build: Build) -> Process {
        let worker = self.process(build.program(), "worker", None);
        let pid = worker.child.id();
        self.until(&format!("a worker of the {} build", build.name()), async || {
            // Until the first process has migrated there is nothing to look at.
            self.signals.inspect().workers().await.is_ok_and(|known| known.iter().any(|known| known.pid == pid))
        })
        .await;
        worker
    }

    fn process(&self, program: &str, role: &str, slot: Option<u32>) -> Process {
        let events = OpenOptions::new().create(true).append(true).open(self.folder.path().join("events"));
        let mut command = Command::new(program);
        command.args([role, &self.database]).arg(self.folder.path()).args(slot.map(|slot| slot.to_string()));
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(events.expect("a file"));
        let mut child = command.spawn().expect("the program starts");
        Process { stdin: child.stdin.take(), child }
    }

    /// Waits until every receiver of `living` has done more.
    async fn progress(&self, living: &[Build]) {
        let before = self.log.read().len();
        let names = || RECEIVERS.iter().flat_map(|receiver| living.iter().filter_map(|&build| receiver.name_in(build)));
        self.until(&format!("progress of {living:?}"), async || {
            let lines = self.log.read();
            names().all(|name| lines[before..].iter().filter(|line| line.what == name).count() >= ENOUGH)
        })
        .await;
    }

    /// I12: waits until the database shows as parked what nobody but another build than `living` can run, and nothing else, each
    /// with what it waits for.
    async fn parked(&self, living: Build) {
        self.until(&format!("what only another than the {} build can run to be parked", living.name()), async || {
            let parked = self.signals.inspect().parked().await.expect("the database answers");
            let shown = parked.into_iter().map(|parked| {
                let versioned = matches!(parked.waits_for, WaitsFor::Version { .. });
                (parked.lane.receiver, parked.lane.lane.version, versioned)
            });
            judge::is_parked_beside(living, shown.collect())
        })
        .await;
    }

    /// Waits until nothing is ready, running or due later.
    async fn settled(&self) {
        self.until("everything to be settled", async || {
            let deliveries = self.deliveries().await;
            deliveries.iter().all(|delivery| delivery.state.is_settled())
        })
        .await;
    }

    /// Every delivery.
    async fn deliveries(&self) -> Vec<DeliverySummary> {
        let mut filter = Filter { limit: Filter::MOST, ..Filter::default() };
        let mut deliveries = Vec::new();
        loop {
            let page = self.signals.inspect().list(&filter).await.expect("the database answers");
            filter.after = page.next;
            deliveries.extend(page.deliveries);
            if page.next.is_none() {
                return deliveries;
            }
        }
    }

    /// What the processes told last.
    fn events(&self) -> String {
        let events = std::fs::read_to_string(self.folder.path().join("events")).unwrap_or_default();
        events.lines().rev().take(20).map(|line| format!("\n{line}")).collect()
    }

    /// Waits until `is`, for [`PATIENCE`] at most.
    async fn until(&self, what: &str, mut is: impl AsyncFnMut() -> bool) {
        let began = Instant::now();
        while !is().await {
            assert!(began.elapsed() < PATIENCE, "waited {PATIENCE:?} for {what}: {}", self.events());
            // tidy: not a wait: the pause of a poll with a deadline
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
