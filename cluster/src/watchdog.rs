//! Who ends a server and removes its files, also when the process that started it is killed.
//!
//! ```text
//!  this process ── a pipe that nobody writes to ──► sh: waits for the pipe's end ──► pg_ctl stop ──► rm -r
//!       │                                            (a process group of its own: Ctrl-C does not reach it)
//!       └── drop, exit, abort, kill -9: each closes the pipe
//! ```

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Stdio};

use anyhow::Context as _;

use crate::owner::Owner;

/// Reads until the pipe is closed. A server that is not running is no reason to leave its files.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
read -r _
"$1" stop --silent --mode=immediate --timeout=20 --pgdata="$2/data"
rm -rf "$2"
"#;

/// A process that outlives us for as long as it takes to clean up.
#[derive(Debug)]
pub(crate) struct Watchdog {
    child: Child,
}

impl Watchdog {
    /// Starts it, before there is anything to clean up in `folder`; `pg_ctl` is that program's path.
    ///
    /// # Errors
    ///
    /// Returns the system's error.
    pub(crate) fn start(owner: Owner, pg_ctl: &Path, folder: &Path) -> anyhow::Result<Self> {
        let mut command = owner.command(Path::new("/bin/sh"), Path::new("/"));
        command.args(["-c", SCRIPT, "watchdog"]).arg(pg_ctl).arg(folder);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        Ok(Self { child: command.spawn().context("cannot start /bin/sh, which would stop the server if we died")? })
    }
}

impl Drop for Watchdog {
    /// The end of the pipe is the sign; what it does is waited for.
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // It ends by itself; there is nobody to tell if it did not.
        let _ = self.child.wait();
    }
}
