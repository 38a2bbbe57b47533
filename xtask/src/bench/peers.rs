//! The same work on other queues over Postgres: runs `bench/peers`, a workspace of its own that is built on demand, and prints
//! what each did beside what we did.

use std::time::{Duration, Instant};

use super::{by_part, flags};
use crate::Result;
use crate::process::{Echo, cargo, root, run as run_process, target_dir};
use crate::report::{Format, Measured, results_by_part, seconds};

const LIMIT: Duration = Duration::from_secs(3 * 60 * 60);

/// How much of the best peer's time we may take.
const GOALS: [(&str, f64); 6] = [
    ("drain, tuned: signals / best peer, time", 1.0 / 1.5),
    ("drain, as it comes: signals / best peer, time", 1.0 / 2.0),
    ("1 to 5, tuned: signals / best peer, time", 1.0 / 2.0),
    ("1 to 5, as it comes: signals / best peer, time", 1.0 / 2.0),
    ("commit to start, tuned: signals / best peer, p50", 1.0),
    ("commit to start, tuned: signals / best peer, p99", 1.0),
];

/// Builds and runs the comparison, prints what it measured; `false` when a goal is missed.
///
/// # Errors
///
/// Returns an error when the comparison does not build or run, or leaves a value out.
pub(crate) fn run(options: &[&str]) -> Result {
    let [json, quick, markdown] = flags("peers", ["--json", "--quick", "--markdown"], options)?;
    let started = Instant::now();
    eprintln!("step 1 of 2: build `bench/peers`, optimized: minutes, the first time");
    let manifest = root()?.join("bench/peers/Cargo.toml");
    // What it builds shares nothing with what this workspace builds, nor does it wait for that.
    let target = target_dir()?.join("peers");
    let peers = |words: &[&str]| -> Result<_> {
        let mut command = cargo()?;
        command.args(words).args(["--quiet", "--locked", "--release", "--manifest-path"]).arg(&manifest);
        command.env("CARGO_TARGET_DIR", &target);
        Ok(command)
    };
    let built = run_process(&mut peers(&["build"])?, LIMIT, Echo::Both)?;
    if !built.ok {
        return Err(format!("bench/peers does not build: {}", built.end));
    }
    eprintln!("step 2 of 2: ours and theirs in turn (elapsed {})", seconds(started.elapsed()));
    let mut command = peers(&["run"])?;
    if quick {
        command.args(["--", "--quick"]);
    }
    let ran = run_process(&mut command, LIMIT, Echo::Errors)?;
    if !ran.ok {
        return Err(format!("bench/peers failed:\n{}", ran.lines.join("\n")));
    }
    eprintln!("done (elapsed {})", seconds(started.elapsed()));
    let (facts, measured) = by_part(&ran.stdout, measured);
    let is_there = |name: &str| measured.iter().flat_map(|(_, values)| values).any(|value| value.name == name);
    if let Some((name, _)) = GOALS.iter().find(|(name, _)| !is_there(name)) {
        return Err(format!("bench/peers printed no `{name}`"));
    }
    Ok(results_by_part("peers", &facts, &measured, Format::of(json, markdown)))
}

/// A line of the comparison: its names have colons in them.
fn measured(line: &str) -> Option<Measured<'_>> {
    let (name, value) = line.rsplit_once(": ")?;
    let (value, unit) = value.split_once(' ')?;
    let goal = GOALS.iter().find(|(goal, _)| *goal == name).map(|(_, goal)| *goal);
    Some(Measured { name, value: value.parse().ok()?, unit, goal })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_have_a_colon_in_it() {
        let missed = measured("drain, tuned: signals / best peer, time: 0.7000 x").expect("a value");
        assert!(!missed.is_met() && missed.unit == "x", "{missed:?}");
        assert!(measured("drain, tuned: awa: 9000.0 rows/s").is_some_and(|shown| shown.is_met()));
        assert!(measured("awa = 0.6.9").is_none());
    }
}
