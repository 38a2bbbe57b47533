//! What lies between a row and the receiver's code (goal P11): runs `tests/benches/dispatch.rs` and holds its medians
//! against the goals.

use std::time::{Duration, Instant};

use super::{flags, value};
use crate::Result;
use crate::process::{Echo, cargo, run as run_process};
use crate::report::{Format, Measured, results, seconds};

const LIMIT: Duration = Duration::from_secs(30 * 60);

/// What the bench prints (`name value`), and the goals.
const VALUES: [(&str, &str, Option<f64>); 5] = [
    ("look-up", "ns", Some(50.0)),
    ("decode alone", "ns", None),
    ("dispatch beyond decoding", "ns", Some(100.0)),
    ("allocations beyond decoding", "", Some(1.0)),
    ("dispatch with an extractor", "ns", None),
];

/// Builds and runs the bench, prints what it measured; `false` when a goal is missed.
///
/// # Errors
///
/// Returns an error when the bench does not build, or leaves a value out.
pub(crate) fn run(options: &[&str]) -> Result {
    let [json] = flags("dispatch", ["--json"], options)?;
    let started = Instant::now();
    eprintln!("step 1 of 1: build and run `dispatch`, optimized");
    let mut command = cargo()?;
    command.args(["bench", "--quiet", "--package", "signals-conformance", "--bench", "dispatch"]);
    let ran = run_process(&mut command, LIMIT, Echo::Keep)?;
    if !ran.ok {
        return Err(format!("`cargo bench -p signals-conformance --bench dispatch` failed:\n{}", ran.lines.join("\n")));
    }
    eprintln!("done (elapsed {})", seconds(started.elapsed()));
    let measured = VALUES.iter().map(|&(name, unit, goal)| {
        let value = value(&ran.lines, name).ok_or_else(|| format!("tests/benches/dispatch.rs printed no `{name}`"))?;
        Ok(Measured { name, value, unit, goal })
    });
    Ok(results("dispatch", &[], measured.collect::<Result<Vec<_>>>()?, Format::of(json, false)))
}
