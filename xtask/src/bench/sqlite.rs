//! What sends and drains cost on SQLite (goal P9): runs `tests/benches/sqlite` and holds its medians against the goals.

use std::time::{Duration, Instant};

use super::flags;
use crate::Result;
use crate::process::{Echo, cargo, run as run_process};
use crate::report::{Format, Measured, results, seconds};

const LIMIT: Duration = Duration::from_secs(60 * 60);

/// A send costs at most this much of the same transaction without it.
const SEND: f64 = 1.1;

/// A drain takes at most this much of the time of raw SQL: half its rate.
const DRAIN: f64 = 2.0;

/// What the bench prints (`name: value unit`) and is held to; all else that it prints is shown for orientation. Sends are held
/// to means and to medians: a mean has the checkpoints in it, but on a machine that stalls it says anything.
const GOALS: [(&str, f64); 8] = [
    ("send to 1 / bare transaction", SEND),
    ("send to 3 / bare transaction", SEND),
    ("send to 10 / bare transaction", SEND),
    ("send to 1 / bare transaction, medians", SEND),
    ("send to 3 / bare transaction, medians", SEND),
    ("send to 10 / bare transaction, medians", SEND),
    ("drain / raw drain without history, R=1, time", DRAIN),
    ("drain / raw drain with history, R=1, time", DRAIN),
];

/// Builds and runs the bench, prints what it measured; `false` when a goal is missed.
///
/// # Errors
///
/// Returns an error when the bench does not build or run, or leaves a value out.
pub(crate) fn run(options: &[&str]) -> Result {
    let [json, quick, markdown] = flags("sqlite", ["--json", "--quick", "--markdown"], options)?;
    let started = Instant::now();
    eprintln!("step 1 of 1: build and run `sqlite`, optimized");
    let mut command = cargo()?;
    command.args(["bench", "--quiet", "--package", "signals-conformance", "--features", "sqlite", "--bench", "sqlite"]);
    if quick {
        command.args(["--", "--quick"]);
    }
    let ran = run_process(&mut command, LIMIT, Echo::Errors)?;
    if !ran.ok {
        return Err(format!("`cargo bench -p signals-conformance --bench sqlite` failed:\n{}", ran.lines.join("\n")));
    }
    eprintln!("done (elapsed {})", seconds(started.elapsed()));
    let measured: Vec<_> = ran.stdout.iter().filter_map(|line| measured(line)).collect();
    for (name, _) in GOALS {
        if !measured.iter().any(|value| value.name == name) {
            return Err(format!("tests/benches/sqlite printed no `{name}`"));
        }
    }
    let facts: Vec<_> = ran.stdout.iter().filter_map(|line| line.split_once(" = ")).collect();
    Ok(results("sqlite", &facts, measured, Format::of(json, markdown)))
}

/// A line of the bench.
fn measured(line: &str) -> Option<Measured<'_>> {
    let (name, value) = line.split_once(": ")?;
    let (value, unit) = value.split_once(' ')?;
    let goal = GOALS.iter().find(|(goal, _)| *goal == name).map(|(_, goal)| *goal);
    Some(Measured { name, value: value.parse().ok()?, unit, goal })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_value_and_only_a_goal_can_be_missed() {
        let missed = measured("send to 1 / bare transaction: 1.2000 x").expect("a value");
        assert!(!missed.is_met() && missed.unit == "x", "{missed:?}");
        let shown = measured("bulk send: 287794.5 rows/s").expect("a value");
        assert!(shown.is_met() && shown.value > 287_794.0, "{shown:?}");
        assert!(measured("machine = 2 CPUs").is_none() && measured("noise: it is").is_none());
    }
}
