//! PgBouncer in front of a server, in transaction mode: what every transaction meets is another connection.

use std::env;
use std::fs;
use std::net::TcpStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use tempfile::TempDir;

use crate::cluster::{Cluster, free_port};
use crate::database::Server;
use crate::install::{Package, hint};
use crate::owner::Owner;

/// How long it may take to listen.
const PATIENCE: Duration = Duration::from_secs(10);

/// The shell waits for us to end, which closes the pipe, and then ends it.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
"$1" --quiet "$2/pgbouncer.ini" < /dev/null > "$2/log" 2>&1 &
read -r _
kill -KILL $!
rm -rf "$2"
"#;

/// A pool of connections in front of a [`Cluster`], in transaction mode. It ends when it is dropped, and when the process
/// dies.
#[derive(Debug)]
pub struct PgBouncer {
    watchdog: Child,
    server: Server,
    folder: TempDir,
    version: Version,
}

/// What becomes of `options` with which a client wants its session to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartOptions {
    /// The connection is refused: the default of PgBouncer.
    Refused,
    /// It is made, and its sessions know nothing of them.
    Ignored,
}

impl StartOptions {
    /// The parameters that do not matter.
    fn ignored(self) -> &'static str {
        match self {
            Self::Refused => "extra_float_digits",
            Self::Ignored => "extra_float_digits, options",
        }
    }
}

/// Which one it is: major and minor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version(u32, u32);

/// Since this one it prepares statements in the server's sessions for its clients, and forgets them with `DEALLOCATE ALL`, which
/// 1.21 passes on and does not understand: it believes to have prepared what its server has forgotten.
const PREPARES: Version = Version(1, 22);

impl PgBouncer {
    /// Starts one with so many connections to each database; answers when it listens. Blocks for as long.
    ///
    /// # Errors
    ///
    /// Returns an error that says what is missing or what it said.
    pub fn start(cluster: &Cluster, connections: u32, options: StartOptions) -> anyhow::Result<Self> {
        let program = find().with_context(|| format!("pgbouncer is missing: {}", hint(Package::PgBouncer)))?;
        let owner = Owner::find()?;
        let folder = tempfile::Builder::new().prefix("signals-bouncer-").tempdir().context("cannot make a folder")?;
        owner.give(folder.path())?;
        let (port, password) = (free_port()?, cluster.password());
        let behind = cluster.port();
        let version = Version::of(&program)?;
        // It is off by default before 1.24.
        let prepares = if version >= PREPARES { "max_prepared_statements = 100\n" } else { "" };
        let ignored = options.ignored();
        let file = format!(
            "[databases]\n* = host=127.0.0.1 port={behind} user=postgres password={password}\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n\
             pool_mode = transaction\ndefault_pool_size = {connections}\nmax_client_conn = 1000\n\
             ignore_startup_parameters = {ignored}\n{prepares}"
        );
        fs::write(folder.path().join("pgbouncer.ini"), file).context("cannot write pgbouncer.ini")?;
        let mut shell = owner.command("/bin/sh".as_ref(), folder.path());
        shell.args(["-c", SCRIPT, "watchdog"]).arg(program).arg(folder.path());
        shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        let watchdog = shell.spawn().context("cannot start /bin/sh, which starts pgbouncer")?;
        let server = Server::at(&format!("postgres://postgres@127.0.0.1:{port}/postgres?sslmode=disable"))?;
        let started = Self { watchdog, server, folder, version };
        let began = Instant::now(); // tidy: a duration: how long it may take to listen
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let said = || fs::read_to_string(started.folder.path().join("log")).unwrap_or_default();
            ensure!(began.elapsed() < PATIENCE, "pgbouncer does not listen: {}", said());
            thread::sleep(Duration::from_millis(5));
        }
        Ok(started)
    }

    /// Whether it prepares statements in the server's sessions for its clients. Older ones than 1.22, as of Debian 12, cannot
    /// as our transactions need it.
    pub fn prepares(&self) -> bool {
        self.version >= PREPARES
    }

    /// Where it is. Databases are made and dropped at the [`Cluster`] behind it, and used through this.
    pub fn server(&self) -> &Server {
        &self.server
    }
}

impl Version {
    fn of(program: &Path) -> anyhow::Result<Self> {
        let output = Command::new(program).arg("--version").output().context("cannot run pgbouncer")?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        Self::read(&said).with_context(|| format!("pgbouncer does not say its version: {said}"))
    }

    /// From `PgBouncer 1.18.0`, and more lines.
    fn read(said: &str) -> Option<Self> {
        let mut numbers = said.lines().next()?.strip_prefix("PgBouncer ")?.split('.').map(str::parse);
        Some(Self(numbers.next()?.ok()?, numbers.next()?.ok()?))
    }
}

impl Drop for PgBouncer {
    /// The end of the pipe is the sign.
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        let _ = self.watchdog.wait();
    }
}

/// The program: on `PATH`, or where Debian puts those of administrators.
pub(crate) fn find() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders = env::split_paths(&path).chain(["/usr/sbin".into(), "/opt/homebrew/bin".into()]);
    folders.find_map(|folder| Some(folder.join("pgbouncer")).filter(|program| program.is_file()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_and_compared_by_its_numbers() {
        let debian = Version::read("PgBouncer 1.18.0\nlibevent 2.1.12-stable\n").expect("it is one");
        assert!(debian == Version(1, 18) && debian < PREPARES);
        assert!(Version::read("PgBouncer 1.24.1").expect("it is one") >= PREPARES);
        assert_eq!(Version::read("pgbouncer: not found"), None);
    }
}
