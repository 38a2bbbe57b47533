//! How the processes are started.

use std::fs::OpenOptions;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context as _;

use crate::database::{Database, Way};
use crate::files::Files;
use crate::member::Member;
use crate::{GRACE, LEASE};

/// A worker that sends, too, and reaches its database on this `way`.
pub(super) fn worker<D: Database>(files: &Files, way: Way) -> anyhow::Result<Member> {
    let [lease, grace] = [LEASE, GRACE].map(|time| time.as_millis().to_string());
    spawn::<D>(files, way, "busy-worker", &files.effects, &[&lease, &grace])
}

/// The sender with the numbers of this `slot`, in a campaign with this `seed`.
pub(super) fn sender<D: Database>(files: &Files, way: Way, slot: usize, seed: u64) -> anyhow::Result<Member> {
    let journal = files.journals().nth(slot).context("there are as many journals as senders")?;
    spawn::<D>(files, way, "sender", &journal.0, &[&slot.to_string(), &seed.to_string()])
}

fn spawn<D: Database>(files: &Files, way: Way, role: &str, log: &Path, rest: &[&str]) -> anyhow::Result<Member> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args([role, D::NAME, &way.address]).arg(log).args(rest);
    let events = OpenOptions::new().create(true).append(true).open(&files.events)?;
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(events).spawn()?;
    Ok(Member::new(child, way.wire))
}
