//! Installing what is missing, from the distribution's packages, where that may be done without asking anybody.

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

use crate::{Binaries, bouncer, faketime};

/// Something that the tests run and a bare machine lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Package {
    /// The server, and its programs.
    Postgres,
    /// A connection pool in front of it.
    PgBouncer,
    /// A library that shifts the clock which a program sees.
    FakeTime,
}

impl Package {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Postgres, Self::PgBouncer, Self::FakeTime];

    /// Whether this machine has it.
    pub fn is_here(self) -> bool {
        match self {
            Self::Postgres => Binaries::find().is_ok(),
            Self::PgBouncer => bouncer::find().is_some(),
            Self::FakeTime => faketime::find().is_some(),
        }
    }

    /// What it is called by Debian.
    fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgresql",
            Self::PgBouncer => "pgbouncer",
            Self::FakeTime => "libfaketime",
        }
    }
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a person installs `package`.
pub(crate) fn hint(package: Package) -> String {
    let name = package.name();
    format!("`apt-get install {name}` on Debian, `brew install {name}` with Homebrew")
}

/// Installs `package`, unless it is here, with `apt-get`: as root, or through a `sudo` that asks for no password. Takes
/// minutes at worst.
///
/// # Errors
///
/// Returns an error that says what a person must do, when there is no `apt-get`, no right to use it, or it fails.
pub fn install(package: Package) -> anyhow::Result<()> {
    if package.is_here() {
        return Ok(());
    }
    let name = package.name();
    let apt = Path::new("/usr/bin/apt-get");
    if !apt.is_file() {
        bail!("{name} is missing, and there is no apt-get to install it: {}", hint(package));
    }
    let mut as_root: Vec<&str> = Vec::new();
    if !rustix::process::geteuid().is_root() {
        let sudo = Command::new("sudo").args(["-n", "true"]).stderr(Stdio::null()).status();
        if !sudo.is_ok_and(|status| status.success()) {
            bail!("{name} is missing, and this user may not install it: run {}", hint(package));
        }
        as_root.extend(["sudo", "-n"]);
    }
    if package == Package::Postgres && as_root.is_empty() {
        no_server_of_its_own()?;
    }
    let run = |words: &[&str]| -> anyhow::Result<()> {
        let line = [&as_root, ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"].as_slice(), words].concat();
        let output = Command::new(line[0]).args(&line[1..]).stdin(Stdio::null()).output()?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`{}` ended with {}: {}; {}", line.join(" "), output.status, said.trim(), hint(package))
    };
    run(&["update"])?;
    run(&["install", "--yes", "--no-install-recommends", name])
}

/// Debian's package starts a server at once, on the standard port; nobody asked for that one.
fn no_server_of_its_own() -> anyhow::Result<()> {
    let folder = Path::new("/etc/postgresql-common/createcluster.d");
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let file = folder.join("no-main-cluster.conf");
    fs::write(&file, "create_main_cluster = false\n").with_context(|| format!("cannot write {}", file.display()))
}
