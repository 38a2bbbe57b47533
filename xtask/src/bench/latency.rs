//! From the end of a commit to the start of its receiver, on SQLite: runs `signals-rig latency`, which prints the table
//! and holds the goals.

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
    let [json] = flags("latency", ["--json"], options)?;
    let folder = target_dir()?.join("bench-latency");
    // Left by an earlier run; a database that is measured begins empty.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(|error| format!("cannot create {}: {error}", folder.display()))?;
    let started = Instant::now();
    eprintln!("step 1 of 1: build `signals-rig`, optimized, and send 2 x 500 signals");
    let mut command = cargo()?;
    command.args(["run", "--quiet", "--release", "--package", "signals-rig", "--", "latency"]).arg(&folder);
    if json {
        command.arg("--json");
    }
    let ran = run_process(&mut command, LIMIT, Echo::Keep)?;
    if ran.lines.is_empty() {
        return Err(
            "`cargo run --release -p signals-rig -- latency` printed nothing: run it by hand to see why".to_owned()
        );
    }
    eprintln!("done (elapsed {})", seconds(started.elapsed()));
    println!("{}", ran.lines.join("\n"));
    Ok(ran.ok)
}
