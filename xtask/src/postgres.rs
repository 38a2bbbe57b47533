//! The Postgres of a run of the tests: the one that `DATABASE_URL` names, or a private one, started when the first step asks
//! for it and stopped with us.
//!
//! `signals-cluster` does the work, as a process: these tools know the standard library only. It ends with its standard
//! input, which is a pipe of ours: whatever ends us ends the server.

use std::env;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::Result;
use crate::process::{Echo, cargo, run, target_dir};

/// The variable by which tests are told where the server is.
pub(crate) const VARIABLE: &str = "DATABASE_URL";

/// The program that starts servers.
const PROGRAM: &str = "signals-cluster";

/// The longest that building it, or installing something, may take.
const LIMIT: Duration = Duration::from_secs(30 * 60);

/// What a step of the tests needs before it can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// A server, whoever started it.
    Server,
    /// The programs, to start servers with and to break them.
    Programs,
}

/// What was found out, and what runs, for this run of the tests.
#[derive(Debug, Default)]
pub(crate) struct Postgres {
    server: Option<Result<Server>>,
    programs: Option<Result<()>>,
}

#[derive(Debug)]
struct Server {
    url: String,
    // None: somebody else's.
    _process: Option<Process>,
}

/// A private server's process.
#[derive(Debug)]
struct Process(Child);

impl Postgres {
    /// Sees to it that `need` is there; answers the URL when it is a server.
    ///
    /// # Errors
    ///
    /// Returns why it cannot be had, the same each time.
    pub(crate) fn provide(&mut self, need: Need) -> Result<Option<String>> {
        match need {
            Need::Server => {
                let server = self.server.get_or_insert_with(serve).as_ref();
                server.map(|server| Some(server.url.clone())).map_err(Clone::clone)
            }
            Need::Programs => self.programs.get_or_insert_with(install).clone().map(|()| None),
        }
    }
}

fn serve() -> Result<Server> {
    if let Ok(url) = env::var(VARIABLE) {
        return Ok(Server { url, _process: None });
    }
    let mut command = Command::new(program()?);
    command.arg("serve").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("cannot start {PROGRAM}: {error}"))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    // From here on it is stopped, however this ends.
    let process = Process(child);
    let mut url = String::new();
    let read = stdout.map(|pipe| BufReader::new(pipe).read_line(&mut url));
    if !read.is_some_and(|read| read.is_ok_and(|bytes| bytes > 0)) {
        let mut said = String::new();
        // Whatever could be read of it is better than nothing.
        let _ = stderr.map(|mut pipe| pipe.read_to_string(&mut said));
        return Err(said.trim().trim_start_matches("Error: ").to_owned());
    }
    Ok(Server { url: url.trim().to_owned(), _process: Some(process) })
}

fn install() -> Result<()> {
    let ran = run(Command::new(program()?).arg("install"), LIMIT, Echo::Keep)?;
    if ran.ok { Ok(()) } else { Err(ran.lines.join(" ").trim_start_matches("Error: ").to_owned()) }
}

/// Builds the program as the tests are built, so that nothing is built twice; answers its path.
fn program() -> Result<PathBuf> {
    let mut build = cargo()?;
    build.args(["build", "--quiet", "--workspace", "--all-features", "--bin", PROGRAM]);
    let built = run(&mut build, LIMIT, Echo::Both)?;
    if !built.ok {
        return Err(format!("{PROGRAM} does not build: {}", built.end));
    }
    Ok(target_dir()?.join("debug").join(PROGRAM))
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        // It stops the server and ends; there is nobody to tell if it did not.
        let _ = self.0.wait();
    }
}
