//! From the end of a commit to the start of its receiver, on SQLite or on a private Postgres: runs the `latency` of a rig,
//! which prints the table and holds the goals.

use std::fs;
use std::time::{Duration, Instant};

use super::flags;
use crate::Result;
use crate::process::{Echo, cargo, run as run_process, target_dir};
use crate::report::seconds;

const LIMIT: Duration = Duration::from_secs(30 * 60);

/// Builds and runs the rig; `false` when a goal is missed.
///
/// # Errors
///
/// Returns an error when the rig does not build, or prints no result.
pub(crate) fn run(options: &[&str]) -> Result {
    let [json, postgres] = flags("latency", ["--json", "--postgres"], options)?;
    let rig = if postgres { "signals-rig-postgres" } else { "signals-rig" };
    let folder = target_dir()?.join("bench-latency");
    // Left by an earlier run; a database that is measured begins empty.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(|error| format!("cannot create {}: {error}", folder.display()))?;
    let started = Instant::now();
    eprintln!("step 1 of 1: build `{rig}`, optimized, and send some times 500 signals");
    let mut command = cargo()?;
    command.args(["run", "--quiet", "--release", "--package", rig, "--", "latency"]).arg(&folder);
    if json {
        command.arg("--json");
    }
    let ran = run_process(&mut command, LIMIT, Echo::Keep)?;
    if ran.lines.is_empty() {
        return Err(format!("`cargo run --release -p {rig} -- latency` printed nothing: run it by hand to see why"));
    }
    eprintln!("done (elapsed {})", seconds(started.elapsed()));
    println!("{}", ran.lines.join("\n"));
    Ok(ran.ok)
}
