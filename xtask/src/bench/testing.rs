//! What a test with the testing kit costs: runs `signals-runtime/benches/testing.rs` and holds its medians against the goals.

use std::time::{Duration, Instant};

use super::{flags, value};
use crate::Result;
use crate::process::{Echo, cargo, run as run_process};
use crate::report::{Format, Measured, results, seconds};

const LIMIT: Duration = Duration::from_secs(30 * 60);

/// What the bench prints (`name: value unit`), and the goals: a kit within a millisecond, and a drain of 1,000 deliveries
/// within 50.
const VALUES: [(&str, &str, Option<f64>); 4] = [
    ("a kit in memory, by the clock", "ms", Some(1.0)),
    ("a kit in memory, processor", "ms", None),
    ("a cascade of 1,000, by the clock", "ms", Some(50.0)),
    ("a cascade of 1,000, processor", "ms", None),
];

/// Builds and runs the bench, prints what it measured; `false` when a goal is missed.
///
/// # Errors
///
/// Returns an error when the bench does not build, or leaves a value out.
pub(crate) fn run(options: &[&str]) -> Result {
    let [json] = flags("testing", ["--json"], options)?;
    let started = Instant::now();
    eprintln!("step 1 of 1: build and run `testing`, optimized");
    let mut command = cargo()?;
    command.args(["bench", "--quiet", "--package", "signals-runtime", "--features", "testing", "--bench", "testing"]);
    let ran = run_process(&mut command, LIMIT, Echo::Keep)?;
    if !ran.ok {
        let bench = "cargo bench -p signals-runtime --features testing --bench testing";
        return Err(format!("`{bench}` failed:\n{}", ran.lines.join("\n")));
    }
    eprintln!("done (elapsed {})", seconds(started.elapsed()));
    let measured = VALUES.iter().map(|&(name, unit, goal)| {
        let missing = || format!("signals-runtime/benches/testing.rs printed no `{name}`");
        Ok(Measured { name, value: value(&ran.lines, name).ok_or_else(missing)?, unit, goal })
    });
    Ok(results("testing", &[], measured.collect::<Result<Vec<_>>>()?, Format::of(json, false)))
}
