//! Sending processes that are killed between two steps, and ones whose file can take no more.

mod common;

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{PATIENCE, Rig, WorkerProcess};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use signals_rig::kills::{Point, book, open};
use signals_rig::{Line, Log};
use signals_runtime::delivery::State;
use signals_runtime::{Signals, SqliteBackend};

/// The rig with the tables of the orders.
async fn shop() -> (Rig, Signals<SqliteBackend>, Log) {
    let rig = Rig::new().await;
    let signals = open(&rig.database).await.expect("a database");
    let journal = Log(rig.database.with_file_name("journal"));
    (rig, signals, journal)
}

/// A sender of order `number` that is killed when it has come to `point`.
async fn killed_at(rig: &Rig, journal: &Log, number: i64, point: Point) {
    let sender = Command::new(env!("CARGO_BIN_EXE_signals-rig"))
        .arg("send-and-stay")
        .args([&rig.database, &journal.0])
        .args([&number.to_string(), point.name()])
        .spawn();
    let mut sender = WorkerProcess(sender.expect("a sender"));
    until(journal, "the sender comes to its point", |lines| lines.iter().any(|line| line.what == point.name())).await;
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

async fn booked(signals: &Signals<SqliteBackend>) -> Vec<i64> {
    sqlx::query_scalar("SELECT number FROM kills_order ORDER BY number")
        .fetch_all(signals.backend().pool())
        .await
        .expect("the orders")
}

/// S1, I1: a sender killed between the insert and its COMMIT has stored nothing, and keeps nobody from writing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s1_a_sender_killed_between_insert_and_commit_has_stored_nothing() {
    let (rig, signals, journal) = shop().await;
    killed_at(&rig, &journal, 2, Point::Inserted).await;

    assert_eq!((booked(&signals).await, rig.states().await), (vec![], vec![]));
    let receipt = book(&signals, 2).await.expect("its lock is gone with it");
    assert!(!receipt.repeated, "nor has its key been stored");
    assert_eq!((booked(&signals).await, rig.states().await.len()), (vec![2], 2));
}

/// S2: a sender killed between its COMMIT and the answer has stored everything, and the same send repeated adds nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_a_sender_killed_between_commit_and_reply_has_stored_all_and_its_repetition_adds_nothing() {
    let (rig, signals, journal) = shop().await;
    killed_at(&rig, &journal, 2, Point::Committed).await;

    assert_eq!((booked(&signals).await, rig.states().await.len()), (vec![2], 2));
    let receipt = book(&signals, 2).await.expect("sent again");
    assert!(receipt.repeated);
    assert_eq!((booked(&signals).await, rig.states().await.len()), (vec![2], 2));
}

/// A process of the rig whose files may grow to `bytes`; beyond, writes fail as on a full disk.
fn confined(rig: &Rig, args: &[&str], bytes: u64) -> WorkerProcess {
    // Without the trap, the first write beyond kills the process.
    let mut command = Command::new("sh");
    command.args(["-c", r#"trap "" XFSZ; exec "$0" "$@""#, env!("CARGO_BIN_EXE_signals-rig")]).args(args);
    let events = std::fs::OpenOptions::new().create(true).append(true).open(&rig.events).expect("a file");
    let child = command.stdout(Stdio::null()).stderr(events).spawn().expect("a process");
    confine(&child, Some(bytes));
    WorkerProcess(child)
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
    let (rig, signals, journal) = shop().await;
    let database = rig.database.to_str().expect("a path in Unicode");
    let [journal_path, log] = [&journal, &rig.log].map(|log| log.0.to_str().expect("a path in Unicode"));
    let mut worker = confined(&rig, &["worker", database, log, "2000", "3000", "kills."], FULL);
    let mut sender = confined(&rig, &["sender", database, journal_path, "0"], FULL);

    let count = |lines: &[Line], what: &str| lines.iter().filter(|line| line.what == what).count();
    let lines =
        until(&journal, "the disk is full", |lines| count(lines, "refused") + count(lines, "unknown") > 5).await;
    told_that_it_is_full(&lines);
    let stored = count(&lines, "stored");
    for child in [&mut worker.0, &mut sender.0] {
        assert!(
            child.try_wait().expect("a child").is_none(),
            "it has exited: {:?}",
            std::fs::read_to_string(&rig.events)
        );
        confine(child, None);
    }
    until(&journal, "sends go on", |lines| count(lines, "stored") > stored + 5).await;
    sender.0.kill().expect("SIGKILL");
    sender.0.wait().expect("it is dead");
    rig.states_until("all is done", |states| states.iter().all(|state| *state == State::Done)).await;

    let lines = journal.read();
    let (booked, deliveries) = (booked(&signals).await, rig.deliveries().await);
    assert_eq!(deliveries.len(), booked.len() * 2, "an order is booked if and only if it was sent to both");
    for line in &lines {
        let there = booked.contains(&line.number);
        assert!(line.what != "stored" || there, "lost: {line:?}");
        assert!(line.what != "refused" || !there, "half: {line:?}");
    }
    let damage: String =
        sqlx::query_scalar("PRAGMA integrity_check").fetch_one(signals.backend().pool()).await.expect("an answer");
    assert_eq!(damage, "ok");
}
