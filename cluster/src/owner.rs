//! Who runs the server: Postgres refuses to run as root, so root lends it to a user without rights.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;

/// The users that are taken for it, in this order.
const CANDIDATES: [&str; 2] = ["postgres", "nobody"];

/// The user that owns a server's processes and files.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Owner {
    /// We ourselves.
    Us,
    /// Another, because we are root.
    Other {
        /// The user.
        uid: u32,
        /// Its group.
        gid: u32,
    },
}

impl Owner {
    /// The one for this process.
    ///
    /// # Errors
    ///
    /// Returns an error when we are root and there is no such user.
    pub(crate) fn find() -> anyhow::Result<Self> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self::Us);
        }
        let users =
            fs::read_to_string("/etc/passwd").context("cannot read /etc/passwd, to find a user for Postgres")?;
        let found = CANDIDATES.iter().find_map(|name| ids(&users, name));
        let (uid, gid) = found.with_context(|| {
            format!("Postgres does not run as root, and there is no user {}: make one", CANDIDATES.join(" or "))
        })?;
        Ok(Self::Other { uid, gid })
    }

    /// Gives it a file or an empty folder.
    ///
    /// # Errors
    ///
    /// Returns the system's error.
    pub(crate) fn give(self, path: &Path) -> anyhow::Result<()> {
        match self {
            Self::Us => Ok(()),
            Self::Other { uid, gid } => {
                chown(path, Some(uid), Some(gid)).with_context(|| format!("cannot give {} away", path.display()))
            }
        }
    }

    /// A command that runs as it, in `folder`, and speaks English.
    pub(crate) fn command(self, program: &Path, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(folder).env("LC_ALL", "C");
        if let Self::Other { uid, gid } = self {
            command.uid(uid).gid(gid);
        }
        command
    }
}

/// The user's and the group's number in a line of `/etc/passwd`.
fn ids(users: &str, name: &str) -> Option<(u32, u32)> {
    let mut fields = users.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?.split(':').skip(1);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let users = "root:x:0:0::/:/bin/sh\npostgresql:x:7:8::/:\npostgres:x:101:104:the server:/var/lib:/bin/bash\n";
        assert_eq!(ids(users, "postgres"), Some((101, 104)));
        assert_eq!(ids(users, "nobody"), None);
    }
}
