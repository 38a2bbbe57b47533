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

/// With `--quick`.
const QUICK: &str = "20000,60000,100000";

/// Builds and runs the rig; `false` when a worker holds more at the end than is allowed.
///
/// # Errors
///
/// Returns an error when the rig does not build, or prints no result.
pub(crate) fn run(options: &[&str]) -> Result {
    let [json, quick] = flags("memory", ["--json", "--quick"], options)?;
    let points = if quick { QUICK } else { POINTS };
    let folder = target_dir()?.join("bench-memory");
    // Left by an earlier run; a worker that is measured begins with nothing.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(|error| format!("cannot create {}: {error}", folder.display()))?;
    let started = Instant::now();
    eprintln!(
        "step 1 of 1: build `signals-rig`, optimized, and work deliveries off twice, without history and with it; looked at \
         after {points}"
    );
    let mut command = cargo()?;
    command.args(["run", "--quiet", "--release", "--package", "signals-rig", "--", "memory"]).arg(&folder).arg(points);
    if json {
        command.arg("--json");
    }
    let ran = run_process(&mut command, LIMIT, Echo::Errors)?;
    if ran.stdout.len() != 2 {
        return Err(format!("`signals-rig memory` ended early ({}):\n{}", ran.end, ran.lines.join("\n")));
    }
    eprintln!("done (elapsed {})", seconds(started.elapsed()));
    if json {
        println!(r#"{{"bench":"memory","measured":[{}]}}"#, ran.stdout.join(","));
    } else {
        println!("{}", ran.stdout.join("\n"));
    }
    Ok(ran.ok)
}
