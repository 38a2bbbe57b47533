//! Running other programs: where the repository is, and commands whose output is shown and kept at once.

use std::env;
use std::ffi::OsString;
use std::io::{self, BufRead as _, BufReader, IsTerminal as _, Read, Write as _};
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::Result;

/// The root of the repository that the current directory is in.
pub(crate) fn root() -> Result<PathBuf> {
    let here = env::current_dir().map_err(|error| format!("there is no current directory ({error}): cd into one"))?;
    here.ancestors()
        .find(|dir| dir.join("xtask/Cargo.toml").is_file() && dir.join("Cargo.toml").is_file())
        .map(PathBuf::from)
        .ok_or_else(|| format!("{} is not inside the repository: run this from there", here.display()))
}

/// Where cargo puts what it builds.
pub(crate) fn target_dir() -> Result<PathBuf> {
    let root = root()?;
    Ok(env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir)))
}

/// Cargo's options for what is not built as the tests are. Cargo lets one build at a time into a folder: with one of their own,
/// neither waits for the other.
pub(crate) fn apart() -> Result<[String; 2]> {
    Ok(["--target-dir".to_owned(), target_dir()?.join("checks").display().to_string()])
}

/// `cargo`, the one that runs us, in the root of the repository.
pub(crate) fn cargo() -> Result<Command> {
    at_the_root(Command::new(program()))
}

/// As [`cargo`], and whatever it starts yields the processors to everybody else, and the disk too where that can be asked for:
/// `nice` comes with every Unix, `ionice` with Linux.
pub(crate) fn patient_cargo() -> Result<Command> {
    let mut command = Command::new("nice");
    command.args(["-n", "19"]);
    if can_yield_the_disk() {
        command.args(YIELDING_THE_DISK);
    }
    command.arg(program());
    at_the_root(command)
}

/// Runs what follows with the disk's idle time alone.
const YIELDING_THE_DISK: [&str; 2] = ["ionice", "-c3"];

/// Whether there is an `ionice`, and the kernel lets us use it.
fn can_yield_the_disk() -> bool {
    let [program, class] = YIELDING_THE_DISK;
    let mut asked = Command::new(program);
    asked.args([class, "true"]).stdout(Stdio::null()).stderr(Stdio::null());
    asked.status().is_ok_and(|status| status.success())
}

fn program() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

fn at_the_root(mut command: Command) -> Result<Command> {
    command.current_dir(root()?);
    if env::var_os("CARGO_TERM_COLOR").is_none() && io::stdout().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    Ok(command)
}

/// Whether `cargo <subcommand>` exists on this machine.
pub(crate) fn has_cargo(subcommand: &str) -> bool {
    cargo().is_ok_and(|mut cargo| {
        let quiet = cargo.args([subcommand, "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
        quiet.status().is_ok_and(|status| status.success())
    })
}

/// What became of a program.
#[derive(Debug)]
pub(crate) struct Ran {
    /// Whether it exited with 0 within its limit.
    pub(crate) ok: bool,
    /// How it ended, in words.
    pub(crate) end: String,
    /// From its start to its end.
    pub(crate) took: Duration,
    /// What it wrote to both streams, without colours, as the lines came. The order between the streams is by chance.
    pub(crate) lines: Vec<String>,
    /// What it wrote to its standard output alone.
    pub(crate) stdout: Vec<String>,
}

/// Whether the output of a program is shown while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Echo {
    /// Both streams are passed on, line by line, or kept where somebody [keeps](keep) them.
    Both,
    /// Its errors are, where a bench says how far it is; its results are kept.
    Errors,
    /// It is kept only.
    Keep,
}

/// Where a line was written.
#[derive(Clone, Copy)]
enum Stream {
    Out,
    Err,
}

/// Runs `command` for at most `limit`, then kills it.
///
/// The output of processes that it leaves behind is waited for no longer than half a second.
pub(crate) fn run(command: &mut Command, limit: Duration, echo: Echo) -> Result<Ran> {
    let shown = format!("{command:?}");
    let started = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot start {shown} ({error}): install it or repair PATH"))?;
    let (sender, receiver) = mpsc::channel();
    forward(child.stdout.take(), Stream::Out, echo, &sender);
    forward(child.stderr.take(), Stream::Err, echo, &sender);
    drop(sender);

    let (mut lines, mut stdout) = (Vec::new(), Vec::new());
    let mut ended: Option<(bool, String, Instant)> = None;
    loop {
        match receiver.recv_timeout(Duration::from_millis(20)) {
            Ok((Stream::Err, line)) => lines.push(line),
            Ok((Stream::Out, line)) => {
                stdout.push(line.clone());
                lines.push(line);
            }
            Err(RecvTimeoutError::Disconnected) if ended.is_some() => break,
            Err(RecvTimeoutError::Disconnected) => thread::sleep(Duration::from_millis(5)),
            Err(RecvTimeoutError::Timeout) => {
                if ended.as_ref().is_some_and(|(.., at)| at.elapsed() > Duration::from_millis(500)) {
                    break;
                }
            }
        }
        if ended.is_some() {
            continue;
        }
        let status = child.try_wait().map_err(|error| format!("lost sight of {shown} ({error}): run it again"))?;
        if let Some(status) = status {
            ended = Some((status.success(), status.to_string(), Instant::now()));
        } else if started.elapsed() > limit {
            child.kill().and_then(|()| child.wait()).map_err(|error| format!("cannot kill {shown}: {error}"))?;
            ended = Some((false, format!("killed after {} s", limit.as_secs()), Instant::now()));
        }
    }
    let (ok, end, at) = ended.expect("the loop is left only after the end was seen");
    Ok(Ran { ok, end, took: at - started, lines, stdout })
}

/// Passes the lines of one stream on from a thread of its own, which ends with the stream.
fn forward(pipe: Option<impl Read + Send + 'static>, stream: Stream, echo: Echo, sender: &Sender<(Stream, String)>) {
    let Some(pipe) = pipe else { return };
    let sender = sender.clone();
    thread::spawn(move || {
        let mut reader = BufReader::new(pipe);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            // A closed terminal is no reason to lose the result.
            let _ = match (echo, stream) {
                (Echo::Keep, _) | (Echo::Errors, Stream::Out) => Ok(()),
                (Echo::Both | Echo::Errors, _) if kept(&line) => Ok(()),
                (Echo::Both, Stream::Out) => io::stdout().write_all(&line),
                (Echo::Both | Echo::Errors, Stream::Err) => io::stderr().write_all(&line),
            };
            let text = plain(String::from_utf8_lossy(&line).trim_end());
            if sender.send((stream, text)).is_err() {
                break;
            }
            line.clear();
        }
    });
}

/// What would have been shown since somebody began to [keep] it.
static KEPT: Mutex<Option<String>> = Mutex::new(None);

/// Until somebody takes it, nothing that a program says is shown: it is kept.
pub(crate) fn keep() {
    *KEPT.lock().unwrap_or_else(PoisonError::into_inner) = Some(String::new());
}

/// What was kept; from now on it is shown again.
pub(crate) fn take_kept() -> String {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default()
}

/// Keeps `line`, if somebody wants that.
fn kept(line: &[u8]) -> bool {
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    kept.as_mut().map(|kept| kept.push_str(&plain(&String::from_utf8_lossy(line)))).is_some()
}

/// `text` without ANSI escape sequences.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\u{1b}' {
            out.push(c);
        } else if chars.next() == Some('[') {
            // The sequence ends at its first letter.
            chars.by_ref().find(char::is_ascii_alphabetic);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_dropped_from_what_is_kept() {
        assert_eq!(plain("\u{1b}[32;1m     Summary\u{1b}[0m [0.1s] 3 passed"), "     Summary [0.1s] 3 passed");
    }

    #[test]
    fn both_streams_and_the_exit_code_are_kept() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo out; echo err >&2; exit 3"]);
        let ran = run(&mut command, Duration::from_secs(20), Echo::Keep).expect("sh exists");
        assert!(!ran.ok && ran.end.contains('3'), "{ran:?}");
        assert!(ran.lines.contains(&"out".to_owned()) && ran.lines.contains(&"err".to_owned()), "{ran:?}");
        assert_eq!(ran.stdout, ["out"]);
    }

    #[test]
    fn what_is_kept_is_not_shown_and_is_whole() {
        keep();
        let mut command = Command::new("sh");
        let ran = run(command.args(["-c", "echo a red line"]), Duration::from_secs(20), Echo::Both).expect("sh exists");
        let kept = take_kept();
        assert!(kept.lines().any(|line| line == "a red line"), "{kept:?}");
        assert_eq!(ran.stdout, ["a red line"]);
        assert_eq!(take_kept(), "", "it is taken once");
    }

    #[test]
    fn a_patient_cargo_yields_the_processors_and_the_disk_where_that_can_be_asked_for() {
        let command = patient_cargo().expect("the repository is here");
        let shown = format!("{command:?}");
        assert!(shown.contains(r#""nice" "-n" "19""#), "{shown}");
        // Asked of whatever `ionice` says of itself, not of what we asked it.
        let says = Command::new("ionice").arg("--version").output().is_ok_and(|said| said.status.success());
        assert_eq!(shown.contains(r#""ionice" "-c3""#), says, "{shown}");
    }

    #[test]
    fn a_program_past_its_limit_is_killed() {
        let mut command = Command::new("sleep");
        command.arg("60");
        let ran = run(&mut command, Duration::from_millis(100), Echo::Keep).expect("sleep exists");
        assert!(!ran.ok && ran.end.contains("killed"), "{ran:?}");
    }

    #[test]
    fn a_program_that_does_not_exist_is_named() {
        let error = run(&mut Command::new("no-such-program"), Duration::from_secs(1), Echo::Keep).map(|ran| ran.ok);
        assert!(error.is_err_and(|message| message.contains("no-such-program")));
    }
}
