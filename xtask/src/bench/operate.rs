//! What operators wait for, on a SQLite file with a million deliveries: runs `tests/benches/operating.rs`, which prints the
//! table and holds the limits.

use std::time::{Duration, Instant};

use super::flags;
use crate::Result;
use crate::process::{Echo, cargo, run as run_process};
use crate::report::seconds;

const LIMIT: Duration = Duration::from_secs(30 * 60);

/// Builds and runs the bench; `false` when a limit is missed.
///
/// # Errors
///
/// Returns an error when the bench does not build, or prints no result.
pub(crate) fn run(options: &[&str]) -> Result {
    let [json] = flags("operate", ["--json"], options)?;
    let started = Instant::now();
    eprintln!("step 1 of 1: build `operating`, optimized, and fill a file with a million deliveries");
    let mut command = cargo()?;
    command.args(["bench", "--quiet", "--package", "signals-conformance", "--features", "sqlite"]);
    command.args(["--bench", "operating", "--"]);
    if json {
        command.arg("--json");
    }
    let ran = run_process(&mut command, LIMIT, Echo::Keep)?;
    if ran.lines.is_empty() {
        return Err(
            "`cargo bench -p signals-conformance --features sqlite --bench operating` printed nothing: run it by \
                    hand to see why"
                .to_owned(),
        );
    }
    eprintln!("done (elapsed {})", seconds(started.elapsed()));
    println!("{}", ran.lines.join("\n"));
    Ok(ran.ok)
}
