//! What a worker holds after many deliveries: runs `signals-rig memory`, which prints the table and holds the limit.

use std::fs;
use std::time::{Duration, Instant};

use super::flags;
use crate::Result;
use crate::process::{Echo, cargo, run as run_process, target_dir};
use crate::report::seconds;

const LIMIT: Duration = Duration::from_secs(60 * 60);

/// After how many deliveries it is looked at.
const POINTS: &str = "100000,500000,1000000";

/// Builds and runs the rig; `false` when a worker holds more at the end than is allowed.
///
/// # Errors
///
/// Returns an error when the rig does not build, or prints no result.
pub(crate) fn run(options: &[&str]) -> Result {
    let [json] = flags("memory", ["--json"], options)?;
    let folder = target_dir()?.join("bench-memory");
    // Left by an earlier run; a worker that is measured begins with nothing.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(|error| format!("cannot create {}: {error}", folder.display()))?;
    let started = Instant::now();
    eprintln!(
        "step 1 of 1: build `signals-rig`, optimized, and work off 2 x 1,000,000 deliveries, without and with history"
    );
    let mut command = cargo()?;
    command.args(["run", "--quiet", "--release", "--package", "signals-rig", "--", "memory"]).arg(&folder).arg(POINTS);
    if json {
        command.arg("--json");
    }
    let ran = run_process(&mut command, LIMIT, Echo::Errors)?;
    if ran.stdout.is_empty() {
        return Err(
            "`cargo run --release -p signals-rig -- memory` printed nothing: run it by hand to see why".to_owned()
        );
    }
    eprintln!("done (elapsed {})", seconds(started.elapsed()));
    println!("{}", ran.stdout.join("\n"));
    Ok(ran.ok)
}
