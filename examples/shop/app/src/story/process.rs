//! A worker in a process of its own: started, listened to, stopped or killed.

use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use base::{Place, say};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{LEASE, check};
use crate::worker::Fault;

/// A worker process. Killed when dropped.
#[derive(Debug)]
pub(crate) struct WorkerProcess {
    name: String,
    pid: u32,
    child: Child,
    /// Held open: the worker ends when it closes, so that it never outlives the story.
    _stdin: ChildStdin,
    said: Arc<Mutex<Vec<String>>>,
    listeners: JoinSet<()>,
}

impl WorkerProcess {
    /// Starts `shop worker` over the database at `place`; its lines appear with `name` before them.
    pub(crate) fn start(name: &str, place: &Place, faults: &[Fault]) -> Result<Self> {
        let program = std::env::current_exe().context("the path of this program is not known")?;
        let mut command = Command::new(program);
        command.args(["worker", "--with-parent", "--lease", &LEASE.as_secs().to_string()]);
        command.arg(format!("--{}", Place::OPTION)).arg(place.value());
        // Where its files are follows from the file of the database, or else from the folder that it is started in.
        command.current_dir(place.beside().parent().context("the story's files are in no folder")?);
        for fault in faults {
            command.args(["--fault", fault.name()]);
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{name} could not be started"))?;

        let said = Arc::new(Mutex::new(Vec::new()));
        let mut listeners = JoinSet::new();
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        listeners.spawn(forward(name.to_owned(), stdout.context("no output of the worker")?, said.clone()));
        listeners.spawn(forward(name.to_owned(), stderr.context("no output of the worker")?, said.clone()));
        let pid = child.id().context("the worker ended at once")?;
        let stdin = stdin.context("no input of the worker")?;
        Ok(Self { name: name.to_owned(), pid, child, _stdin: stdin, said, listeners })
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits until it has said `text`.
    pub(crate) async fn says(&self, text: &str) -> Result<()> {
        check::until(&format!("{} to say `{text}`", self.name), check::SOON, async || {
            let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
            Ok(said.iter().any(|line| line.contains(text)).then_some(()))
        })
        .await
    }

    /// Asks it to stop (SIGTERM), and waits until it has.
    pub(crate) async fn stop(mut self) -> Result<ExitStatus> {
        terminate(&mut self.child, self.pid)?;
        self.ended(Duration::from_secs(10)).await
    }

    /// Kills it (SIGKILL).
    pub(crate) async fn kill(mut self) -> Result<ExitStatus> {
        self.child.start_kill().with_context(|| format!("{} could not be killed", self.name))?;
        self.ended(Duration::from_secs(5)).await
    }

    /// Waits until it has ended and all that it said was heard.
    async fn ended(&mut self, within: Duration) -> Result<ExitStatus> {
        let ended = async {
            let status = self.child.wait().await?;
            while self.listeners.join_next().await.is_some() {}
            anyhow::Ok(status)
        };
        timeout(within, ended).await.with_context(|| format!("{} did not end within {within:?}", self.name))?
    }
}

/// Prints what a worker says, line by line, and remembers it.
async fn forward(name: String, output: impl AsyncRead + Unpin, said: Arc<Mutex<Vec<String>>>) {
    let mut lines = BufReader::new(output).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        say!("  {name} | {line}");
        said.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }
}

#[cfg(unix)]
fn terminate(_: &mut Child, pid: u32) -> Result<()> {
    let pid = i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw)
        .context("a process id is a number above zero")?;
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).context("the worker could not be asked to stop")
}

/// There is no SIGTERM here: it is killed.
#[cfg(not(unix))]
fn terminate(child: &mut Child, _: u32) -> Result<()> {
    child.start_kill().context("the worker could not be stopped")
}
