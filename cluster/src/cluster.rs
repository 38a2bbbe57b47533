//! One private server: from `initdb` to its end.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::binaries::Binaries;
use crate::database::Server;
use crate::faketime;
use crate::owner::Owner;
use crate::settings::Settings;
use crate::watchdog::Watchdog;

/// How long a server may take to start or to stop: recovery after a kill included.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often it is looked whether it has.
const LOOK: Duration = Duration::from_millis(5);

/// What a server says that is started while processes of its killed postmaster are still there.
const ORPHANS: &str = "is still in use";

/// How often another port is tried when somebody else was given the one that had been free.
const PORTS: u32 = 5;

/// Linux' file system in memory.
const MEMORY: &str = "/dev/shm";

/// How many bytes must be free there.
const ROOM: u64 = 4 << 30;

/// A server of Postgres for this process alone: on a free port of the loopback interface and a socket in a folder of its
/// own, with a password that nobody else knows.
///
/// Its methods block, for a second at worst when all is well. It is stopped, and its files are removed, when this is dropped
/// and when the process dies.
#[derive(Debug)]
pub struct Cluster {
    binaries: Binaries,
    owner: Owner,
    settings: Settings,
    port: u16,
    password: String,
    postmaster: Option<Child>,
    // The order matters: the watchdog removes what is in the folder, as the user to whom it belongs.
    _watchdog: Watchdog,
    folder: TempDir,
}

/// The file system in memory, where there is one with room for what tests write; that of a container rarely has.
fn memory() -> Option<PathBuf> {
    let space = rustix::fs::statvfs(MEMORY).ok()?;
    (space.f_bavail.saturating_mul(space.f_frsize) >= ROOM).then(|| PathBuf::from(MEMORY))
}

/// How a server is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// `SIGINT`: sessions are ended, their transactions rolled back, everything is written. What an upgrade does.
    Fast,
    /// `SIGQUIT`: every process ends at once; the next start recovers.
    Immediate,
    /// `SIGKILL` to the postmaster alone. Its children end when they notice: a statement that runs may still commit.
    Kill,
}

impl Cluster {
    /// Makes a server and starts it. Finds the programs of Postgres, and does not install any.
    ///
    /// # Errors
    ///
    /// Returns an error that says what is missing or what the server said.
    pub fn start(settings: Settings) -> anyhow::Result<Self> {
        Self::start_with(Binaries::find()?, settings)
    }

    /// Makes a server with these programs and starts it.
    ///
    /// # Errors
    ///
    /// Returns an error that says what the server said.
    pub fn start_with(binaries: Binaries, settings: Settings) -> anyhow::Result<Self> {
        let mut cluster = Self::prepare(binaries, settings)?;
        let password = cluster.folder.path().join("password");
        fs::write(&password, &cluster.password).context("cannot write the password of the new server")?;
        cluster.owner.give(&password)?;
        let mut initdb = cluster.command("initdb");
        initdb.args(["--username=postgres", "--encoding=UTF8", "--no-locale", "--no-sync", "--no-instructions"]);
        // Not SCRAM, whose 4,096 rounds each connection would pay: tests open thousands.
        initdb.args(["--auth-local=trust", "--auth-host=md5"]);
        initdb.arg("--pgdata").arg(cluster.data()).arg("--pwfile").arg(&password);
        run(&mut initdb)?;
        let path = cluster.data().join("postgresql.conf");
        let file = fs::read_to_string(&path).context("initdb left no postgresql.conf")?;
        fs::write(&path, file + "include '../settings.conf'\n").context("cannot write postgresql.conf")?;
        cluster.first_up()?;
        Ok(cluster)
    }

    /// Everything but the data: a folder with an owner, and somebody who will clean up.
    fn prepare(binaries: Binaries, settings: Settings) -> anyhow::Result<Self> {
        let owner = Owner::find()?;
        let parent = if settings.is_in_memory() { memory() } else { None }.unwrap_or_else(std::env::temp_dir);
        let folder =
            tempfile::Builder::new().prefix("signals-pg-").tempdir_in(parent).context("cannot make a folder")?;
        owner.give(folder.path())?;
        let watchdog = Watchdog::start(owner, &binaries.program("pg_ctl"), folder.path())?;
        let password: String = std::iter::repeat_with(fastrand::alphanumeric).take(24).collect();
        let postmaster = None;
        Ok(Self { binaries, owner, settings, port: 0, password, postmaster, _watchdog: watchdog, folder })
    }

    /// The first start: on a port that is free.
    fn first_up(&mut self) -> anyhow::Result<()> {
        let mut tries = 1;
        loop {
            self.port = free_port()?;
            match self.up() {
                Err(error) if tries < PORTS && error.to_string().contains("Address already in use") => tries += 1,
                outcome => return outcome,
            }
        }
    }

    /// The port that it listens on, at 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where it is, for clients. The same for as long as it lives, whether it runs or not.
    pub fn server(&self) -> Server {
        let Self { password, port, .. } = self;
        let url = format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres?sslmode=disable");
        Server::at(&url).expect("it has no character that a URL would not take")
    }

    /// The password of its superuser, `postgres`.
    pub(crate) fn password(&self) -> &str {
        &self.password
    }

    /// What it has written to its log since it was made.
    pub fn log(&self) -> String {
        fs::read(self.folder.path().join("log"))
            .map(|log| String::from_utf8_lossy(&log).into_owned())
            .unwrap_or_default()
    }

    /// Starts it again after [`stop`](Self::stop), or after a crash; answers when it takes connections.
    ///
    /// # Errors
    ///
    /// Returns an error with what the server said, when it runs already or does not start.
    pub fn up(&mut self) -> anyhow::Result<()> {
        ensure!(self.postmaster.is_none(), "the server runs already");
        let began = Instant::now(); // tidy: a duration: how long the processes of a killed server may take to notice
        loop {
            match self.try_up() {
                Err(error) if error.to_string().contains(ORPHANS) && began.elapsed() < PATIENCE => thread::sleep(LOOK),
                outcome => return outcome,
            }
        }
    }

    fn try_up(&mut self) -> anyhow::Result<()> {
        fs::write(self.folder.path().join("settings.conf"), self.settings.file())?;
        let log = File::options().create(true).append(true).open(self.folder.path().join("log"))?;
        let mut postgres = self.command("postgres");
        postgres.arg("-D").arg(self.data()).args(["-c", "listen_addresses=127.0.0.1"]);
        postgres.arg("-c").arg(format!("port={}", self.port));
        postgres.arg("-c").arg(format!("unix_socket_directories={}", self.folder.path().display()));
        postgres.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).process_group(0);
        if let Some(seconds) = self.settings.clock_offset() {
            faketime::shift_clock(&mut postgres, seconds)?;
        }
        let said = self.log().len();
        self.postmaster = Some(postgres.spawn().context("cannot start postgres")?);
        self.wait_until("it takes connections", |cluster| {
            if let Some(status) = cluster.exited()? {
                bail!("postgres ended with {status}: {}", cluster.log().get(said..).unwrap_or_default().trim());
            }
            Ok(cluster.status().is_some_and(|status| status == "ready" || status == "standby"))
        })
    }

    /// Stops it in one of three ways; answers when its postmaster is gone.
    ///
    /// # Errors
    ///
    /// Returns an error when it does not run, or is still there after a minute.
    pub fn stop(&mut self, how: Stop) -> anyhow::Result<()> {
        self.signal(match how {
            Stop::Fast => Signal::INT,
            Stop::Immediate => Signal::QUIT,
            Stop::Kill => Signal::KILL,
        })?;
        self.wait_until("it has ended", |cluster| Ok(cluster.exited()?.is_some()))
    }

    /// Stops it and starts it again.
    ///
    /// # Errors
    ///
    /// As [`stop`](Self::stop) and [`up`](Self::up).
    pub fn restart(&mut self, how: Stop) -> anyhow::Result<()> {
        self.stop(how)?;
        self.up()
    }

    /// Changes a parameter while it runs, for sessions that begin from now on. Those that need a restart, such as
    /// `max_connections`, count from the next one.
    ///
    /// # Errors
    ///
    /// Returns an error when it does not run.
    pub fn set(&mut self, name: &str, value: &str) -> anyhow::Result<()> {
        self.settings = self.settings.clone().set(name, value);
        fs::write(self.folder.path().join("settings.conf"), self.settings.file())?;
        self.signal(Signal::HUP)
    }

    /// A hot standby of this server: a server of its own, which follows this one until it is promoted or this one ends.
    ///
    /// Nothing waits for it unless `settings` of this one say so: `synchronous_standby_names` set to `*`.
    ///
    /// # Errors
    ///
    /// Returns an error with what the servers said.
    pub fn standby(&self, settings: Settings) -> anyhow::Result<Self> {
        let mut standby = Self::prepare(self.binaries.clone(), settings)?;
        standby.password.clone_from(&self.password);
        let mut copy = standby.command("pg_basebackup");
        copy.args([
            "--host=127.0.0.1",
            "--username=postgres",
            "--checkpoint=fast",
            "--no-sync",
            "--write-recovery-conf",
        ]);
        copy.arg(format!("--port={}", self.port)).arg("--pgdata").arg(standby.data());
        run(copy.env("PGPASSWORD", &self.password))?;
        standby.first_up()?;
        Ok(standby)
    }

    /// Makes a standby take writes; answers when it does.
    ///
    /// # Errors
    ///
    /// Returns an error with what the server said.
    pub fn promote(&mut self) -> anyhow::Result<()> {
        run(self.command("pg_ctl").args(["promote", "--silent", "--pgdata"]).arg(self.data()))
    }

    fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let postmaster = self.postmaster.as_ref().context("the server does not run")?;
        Ok(kill_process(Pid::from_child(postmaster), signal)?)
    }

    /// How it ended, once it has.
    fn exited(&mut self) -> anyhow::Result<Option<std::process::ExitStatus>> {
        let Some(postmaster) = &mut self.postmaster else { return Ok(None) };
        let status = postmaster.try_wait()?;
        if status.is_some() {
            self.postmaster = None;
        }
        Ok(status)
    }

    /// What the server says of itself in the last line of its pid file, when that file is of the process that we started.
    fn status(&self) -> Option<String> {
        let file = fs::read_to_string(self.data().join("postmaster.pid")).ok()?;
        let mut lines = file.lines();
        let pid: u32 = lines.next()?.parse().ok()?;
        (pid == self.postmaster.as_ref()?.id()).then(|| lines.nth(6).map(|line| line.trim().to_owned()))?
    }

    fn wait_until(&mut self, what: &str, mut is: impl FnMut(&mut Self) -> anyhow::Result<bool>) -> anyhow::Result<()> {
        let began = Instant::now(); // tidy: a duration: how long the server may take
        while !is(self)? {
            ensure!(began.elapsed() < PATIENCE, "the server was given a minute until {what}: {}", self.log());
            thread::sleep(LOOK);
        }
        Ok(())
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// One of the programs, as the server's user.
    fn command(&self, program: &str) -> Command {
        self.owner.command(&self.binaries.program(program), self.folder.path())
    }
}

/// A port of the loopback interface that nobody listens on at this moment.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Runs a program to its end.
fn run(command: &mut Command) -> anyhow::Result<()> {
    let Output { status, stderr, .. } =
        command.stdin(Stdio::null()).output().with_context(|| format!("cannot run {}", name(command)))?;
    ensure!(status.success(), "{} ended with {status}: {}", name(command), String::from_utf8_lossy(&stderr).trim());
    Ok(())
}

fn name(command: &Command) -> String {
    Path::new(command.get_program()).display().to_string()
}
