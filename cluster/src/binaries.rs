//! Where the programs of Postgres are.

use std::env;
use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::install::{self, Package};

/// What a folder must have to be one of Postgres.
const PROGRAMS: [&str; 3] = ["initdb", "pg_ctl", "postgres"];

/// Where packages put what they do not put on `PATH`. `*` is a folder named after its version.
const FOLDERS: [&str; 6] = [
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/opt/homebrew/opt/postgresql/bin",
    "/Applications/Postgres.app/Contents/Versions/latest/bin",
];

/// The folder with the programs of one version of Postgres.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binaries {
    folder: PathBuf,
}

impl Binaries {
    /// Looks for them: on `PATH`, where `pg_config` says, and where packages put them, the newest version first.
    ///
    /// # Errors
    ///
    /// Returns [`NotFound`], which says where was looked and what to do.
    pub fn find() -> Result<Self, NotFound> {
        let looked: Vec<PathBuf> = on_path().chain(told_by_pg_config()).chain(packaged()).collect();
        let found = looked.iter().find(|folder| PROGRAMS.iter().all(|program| folder.join(program).is_file()));
        found.map(|folder| Self { folder: folder.clone() }).ok_or(NotFound { looked })
    }

    /// Looks for them, and installs the distribution's package when there are none.
    ///
    /// # Errors
    ///
    /// Returns an error that says what was tried and what to do, when they cannot be installed here.
    pub fn find_or_install() -> anyhow::Result<Self> {
        if let Ok(found) = Self::find() {
            return Ok(found);
        }
        install::install(Package::Postgres)?;
        Ok(Self::find()?)
    }

    /// The path of one of the programs, `pg_basebackup` for instance.
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// There is no server of Postgres on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotFound {
    looked: Vec<PathBuf>,
}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let programs = PROGRAMS.join(", ");
        write!(f, "no folder on PATH and none where packages put Postgres has {programs}")?;
        for folder in self.looked.iter().filter(|folder| folder.is_dir() && folder.join("postgres").is_file()) {
            write!(f, "; {} has some of them only", folder.display())?;
        }
        write!(f, ": install the server ({}), or set DATABASE_URL to one that runs", install::hint(Package::Postgres))
    }
}

impl std::error::Error for NotFound {}

/// The folders of `PATH`. Debian links single programs into them: a link leads to the folder that has all.
fn on_path() -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = env::split_paths(&path).collect();
    folders.into_iter().filter_map(|folder| Some(folder.join("postgres").canonicalize().ok()?.parent()?.to_owned()))
}

fn told_by_pg_config() -> Option<PathBuf> {
    let told = Command::new("pg_config").arg("--bindir").output().ok().filter(|told| told.status.success())?;
    Some(String::from_utf8(told.stdout).ok()?.trim().into())
}

/// The folders of packages that exist, the newest version first.
fn packaged() -> impl Iterator<Item = PathBuf> {
    FOLDERS.into_iter().flat_map(versions)
}

/// The folders that `pattern` stands for.
fn versions(pattern: &str) -> Vec<PathBuf> {
    let Some((before, after)) = pattern.split_once('*') else { return vec![pattern.into()] };
    let (parent, prefix) = before.rsplit_once('/').expect("every pattern is an absolute path");
    let entries = Path::new(parent).read_dir().into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| {
            let version = version(&entry.file_name(), prefix)?;
            Some((version, entry.path().join(after.trim_start_matches('/'))))
        })
        .collect();
    found.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    found.into_iter().map(|(_, folder)| folder).collect()
}

/// The version in a folder's name, once what it begins with is taken away.
fn version(name: &OsStr, prefix: &str) -> Option<u32> {
    name.to_str()?.strip_prefix(prefix)?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_comes_first() {
        let folder = tempfile::tempdir().expect("a folder for one test");
        for version in ["9.6", "15", "14", "lib"] {
            std::fs::create_dir(folder.path().join(version)).expect("a folder can be made");
        }
        let found = versions(&format!("{}/*/bin", folder.path().display()));
        let expected: Vec<_> = ["15", "14", "9.6"].iter().map(|v| folder.path().join(v).join("bin")).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn who_finds_none_is_told_what_to_do() {
        let message = NotFound { looked: Vec::new() }.to_string();
        assert!(message.contains("initdb") && message.contains("DATABASE_URL"), "{message}");
    }
}
