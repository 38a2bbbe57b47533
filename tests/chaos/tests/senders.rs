//! Sending processes that are killed between two steps, and ones whose file can take no more.

use std::fs::OpenOptions;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use signals_chaos::database::Database as _;
use signals_chaos::sqlite::Sqlite;
use signals_chaos::{Line, Log, Point, book};
use signals_runtime::delivery::State;
use signals_runtime::store::Filter;
use signals_runtime::{Signals, SqliteBackend};

/// How long anything may take to be as it should.
const PATIENCE: Duration = Duration::from_secs(20);

/// A process, killed when it is dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A file with the tables of the orders.
struct Shop {
    folder: tempfile::TempDir,
    database: String,
    journal: Log,
    signals: Signals<SqliteBackend>,
}

impl Shop {
    async fn open() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        let (database, journal) = (path("shop.db").display().to_string(), Log(path("journal")));
        let signals = Sqlite::open(&database).await.expect("a database");
        Self { folder, database, journal, signals }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The state of each delivery.
    async fn states(&self) -> Vec<State> {
        let filter = Filter { limit: Filter::MOST, ..Filter::default() };
        let page = self.signals.inspect().list(&filter).await.expect("deliveries");
        assert!(page.next.is_none(), "more than one page");
        page.deliveries.iter().map(|delivery| delivery.state).collect()
    }

    async fn booked(&self) -> Vec<i64> {
        let books = Sqlite::read_books(&self.signals).await.expect("the orders");
        let mut numbers: Vec<i64> = books.orders.iter().map(|(number, _)| *number).collect();
        numbers.sort_unstable();
        numbers
    }
}

/// A sender of order `number` that is killed when it has come to `point`.
async fn killed_at(shop: &Shop, number: i64, point: Point) {
    let sender = Command::new(env!("CARGO_BIN_EXE_signals-chaos"))
        .args(["send-and-stay", "sqlite", &shop.database])
        .arg(&shop.journal.0)
        .args([&number.to_string(), point.name()])
        .spawn();
    let mut sender = Process(sender.expect("a sender"));
    until(&shop.journal, "the sender comes to its point", |lines| lines.iter().any(|line| line.what == point.name()))
        .await;
    sender.0.kill().expect("SIGKILL");
    sender.0.wait().expect("it is dead");
}

async fn until(journal: &Log, what: &str, enough: impl Fn(&[Line]) -> bool) -> Vec<Line> {
    let began = Instant::now();
    loop {
        let lines = journal.read();
        if enough(&lines) {
            return lines;
        }
        assert!(began.elapsed() < PATIENCE, "{what} did not happen within {PATIENCE:?}: {lines:#?}");
        tokio::time::sleep(Duration::from_millis(5)).await; // tidy: not a wait: the pause of a poll with a deadline
    }
}

/// S1, I1: a sender killed between the insert and its COMMIT has stored nothing, and keeps nobody from writing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s1_a_sender_killed_between_insert_and_commit_has_stored_nothing() {
    let shop = Shop::open().await;
    killed_at(&shop, 2, Point::Inserted).await;

    assert_eq!((shop.booked().await, shop.states().await), (vec![], vec![]));
    let receipt = book::<Sqlite>(&shop.signals, 2).await.expect("its lock is gone with it");
    assert!(!receipt.repeated, "nor has its key been stored");
    assert_eq!((shop.booked().await, shop.states().await.len()), (vec![2], 3));
}

/// S2: a sender killed between its COMMIT and the answer has stored everything, and the same send repeated adds nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_a_sender_killed_between_commit_and_reply_has_stored_all_and_its_repetition_adds_nothing() {
    let shop = Shop::open().await;
    killed_at(&shop, 2, Point::Committed).await;

    assert_eq!((shop.booked().await, shop.states().await.len()), (vec![2], 3));
    let receipt = book::<Sqlite>(&shop.signals, 2).await.expect("sent again");
    assert!(receipt.repeated);
    assert_eq!((shop.booked().await, shop.states().await.len()), (vec![2], 3));
}

/// A process of the application whose files may grow to `bytes`; beyond, writes fail as on a full disk.
fn confined(shop: &Shop, args: &[&str], bytes: u64) -> Process {
    // Without the trap, the first write beyond kills the process.
    let mut command = Command::new("sh");
    command.args(["-c", r#"trap "" XFSZ; exec "$0" "$@""#, env!("CARGO_BIN_EXE_signals-chaos")]).args(args);
    let events = OpenOptions::new().create(true).append(true).open(shop.path("events")).expect("a file");
    let child = command.stdout(Stdio::null()).stderr(events).spawn().expect("a process");
    confine(&child, Some(bytes));
    Process(child)
}

fn confine(child: &Child, bytes: Option<u64>) {
    let pid = Pid::from_raw(child.id().try_into().expect("a process id"));
    prlimit(pid, Resource::Fsize, Rlimit { current: bytes, maximum: None }).expect("a child of the same user");
}

/// Every send that was not stored has met a disk that does not take it, and was told so by an error that says what to do: a
/// COMMIT that failed in the middle of its write is `CommitUnknown`, everything else `Unavailable` or `NotWritable`.
fn told_that_it_is_full(lines: &[Line]) {
    let known = ["opens", "opened", "intent", "stored", "unknown", "refused", "unavailable", "not-writable"];
    assert!(lines.iter().all(|line| known.contains(&&*line.what)), "another error than that: {lines:#?}");
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.what == "refused") {
        let cause = &lines[at - 1];
        let typed = cause.number == line.number && ["unavailable", "not-writable"].contains(&&*cause.what);
        assert!(typed, "{cause:?} is why {line:?}");
    }
}

/// S11, I1: while the disk is full a sender is told so, nothing is half stored, and nobody exits; with room again all goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s11_a_full_disk_refuses_sends_whole_and_work_goes_on_when_there_is_room() {
    const FULL: u64 = 200 * 1024;
    let shop = Shop::open().await;
    let [journal, effects] = [&shop.journal.0, &shop.path("effects")].map(|path| path.display().to_string());
    let mut worker = confined(&shop, &["worker", "sqlite", &shop.database, &effects, "2000", "3000"], FULL);
    let mut sender = confined(&shop, &["sender", "sqlite", &shop.database, &journal, "0", "1"], FULL);

    let count = |lines: &[Line], what: &str| lines.iter().filter(|line| line.what == what).count();
    let lines =
        until(&shop.journal, "the disk is full", |lines| count(lines, "refused") + count(lines, "unknown") > 5).await;
    told_that_it_is_full(&lines);
    let stored = count(&lines, "stored");
    for child in [&mut worker.0, &mut sender.0] {
        assert!(
            child.try_wait().expect("a child").is_none(),
            "it has exited: {:?}",
            std::fs::read_to_string(shop.path("events"))
        );
        confine(child, None);
    }
    until(&shop.journal, "sends go on", |lines| count(lines, "stored") > stored + 5).await;
    sender.0.kill().expect("SIGKILL");
    sender.0.wait().expect("it is dead");
    let began = Instant::now();
    while !shop.states().await.iter().all(|state| state.is_settled()) {
        assert!(began.elapsed() < PATIENCE, "not all is done within {PATIENCE:?}: {:?}", shop.states().await);
        tokio::time::sleep(Duration::from_millis(5)).await; // tidy: not a wait: the pause of a poll with a deadline
    }

    let lines = shop.journal.read();
    let (booked, deliveries) = (shop.booked().await, shop.states().await.len());
    assert_eq!(deliveries, booked.len() * 3, "an order is booked if and only if it was sent to all");
    for line in &lines {
        let there = booked.contains(&line.number);
        assert!(line.what != "stored" || there, "lost: {line:?}");
        assert!(line.what != "refused" || !there, "half: {line:?}");
    }
    let books = Sqlite::read_books(&shop.signals).await.expect("an answer");
    assert_eq!(books.integrity, "ok");
}
