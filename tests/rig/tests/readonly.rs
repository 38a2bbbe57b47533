//! A file that a worker may read and not write.

mod common;

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use common::{Rig, WorkerProcess, starts};
use signals_rig::send;

/// Somebody for whom permissions count, unlike for root.
const NOBODY: u32 = 65_534;

/// The database's files.
fn files(rig: &Rig) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|end| PathBuf::from(format!("{}{end}", rig.database.display())))
}

fn permit(rig: &Rig, mode: u32) {
    for file in files(rig) {
        set_permissions(file, Permissions::from_mode(mode)).expect("it is ours");
    }
}

/// A worker for whom the file's permissions count.
fn worker(rig: &Rig) -> WorkerProcess {
    let folder = rig.database.parent().expect("a folder");
    set_permissions(folder, Permissions::from_mode(0o777)).expect("it is ours");
    for file in [&rig.log.0, &rig.events] {
        std::fs::write(file, "").expect("a file");
        set_permissions(file, Permissions::from_mode(0o666)).expect("it is ours");
    }
    // Where it was built nobody else may look.
    let program = folder.join("signals-rig");
    if !program.exists() {
        std::fs::copy(env!("CARGO_BIN_EXE_signals-rig"), &program).expect("a copy");
    }
    let mut command = Command::new(program);
    command.arg("worker").args([&rig.database, &rig.log.0]).args(["2000", "3000", "rig.hold"]);
    if rustix::process::geteuid().is_root() {
        command.uid(NOBODY);
    }
    let events = std::fs::OpenOptions::new().append(true).open(&rig.events).expect("a file");
    WorkerProcess(command.stdout(Stdio::null()).stderr(events).spawn().expect("a worker"))
}

/// S10: a worker whose file takes no writes says so and waits; one that is started when it takes them does the work. The
/// first goes on waiting: SQLite keeps the index of a WAL that it opened for reading for as long as the process has it open.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s10_a_worker_on_a_file_that_it_may_not_write_says_so_and_does_not_exit() {
    let rig = Rig::new().await;
    send(&rig.signals, 1..2, Duration::ZERO).await.expect("sent");
    permit(&rig, 0o444);
    let mut first = worker(&rig);

    rig.told("the database takes no writes").await;
    assert!(starts(&rig.log.read(), 1).is_empty());
    permit(&rig, 0o666);
    let second = worker(&rig);
    let lines = rig.log_until("the start", |lines| starts(lines, 1).len() == 1).await;

    assert_eq!(starts(&lines, 1)[0].pid, second.0.id());
    assert!(first.0.try_wait().expect("a child").is_none(), "it has exited");
}
