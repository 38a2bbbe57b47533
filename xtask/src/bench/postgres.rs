//! What sends, drains, claims and hints cost on Postgres (goals P1 to P8 and P13): runs `tests/benches/postgres`, on a server of its
//! own, and holds its medians against the goals.

use std::time::{Duration, Instant};

use super::{by_part, flags};
use crate::Result;
use crate::process::{Echo, cargo, run as run_process};
use crate::report::{Format, Measured, results_by_part, seconds};

const LIMIT: Duration = Duration::from_secs(3 * 60 * 60);

/// The parts of the bench, in the order in which they run, with the values that are held to a goal (`name: value unit`): the
/// most that each may be. All else that it prints is shown for orientation. What shall be *at least* a part of a baseline's
/// rate takes at most so many times its time.
const PARTS: [(&str, &[(&str, f64)]); 15] = [
    (
        "sends",
        &[
            ("8 clients, send to 1 / bare transaction", 1.5),
            ("8 clients, send to 3 / bare transaction", 1.5),
            ("8 clients, send to 10 / bare transaction", 1.8),
            ("8 clients, send to 1 / the same rows by hand", 1.1),
            ("8 clients, send to 3 / the same rows by hand", 1.1),
            ("8 clients, send to 10 / the same rows by hand", 1.1),
            ("32 clients, send to 1 / bare transaction", 1.5),
            ("32 clients, send to 3 / bare transaction", 1.5),
            ("32 clients, send to 10 / bare transaction", 1.8),
            ("32 clients, send to 1 / the same rows by hand", 1.1),
            ("32 clients, send to 3 / the same rows by hand", 1.1),
            ("32 clients, send to 10 / the same rows by hand", 1.1),
        ],
    ),
    (
        "log",
        &[
            ("log, send to 1 - bare transaction", 850.0),
            ("log, send to 3 - bare transaction", 1_290.0),
            ("log, send to 10 - bare transaction", 2_830.0),
        ],
    ),
    ("bulk", &[("bulk send / COPY of the same rows, time", 1.34)]),
    ("hints", &[("sends with hints / without, time", 1.1)]),
    (
        "drains",
        &[
            ("drain without history / raw UPDATE and DELETE, time", 5.0),
            ("drain with history / raw UPDATE and DELETE, time", 6.67),
        ],
    ),
    ("processes", &[]),
    ("unbatched", &[]),
    ("defaults", &[]),
    ("claims", &[]),
    ("memory", &[("memory, an idle worker - an application without", 10.0)]),
    (
        "idle",
        &[
            ("commit to start, same process, idle, p50", 2.0),
            ("commit to start, same process, idle, p99", 10.0),
            ("commit to start, polling, idle, p50", 60.0),
            ("an idle worker that polls every 10 s, statements", 1.0),
        ],
    ),
    (
        "latency",
        &[
            ("commit to start, same process, 1000 sends/s, p50", 2.0),
            ("commit to start, same process, 1000 sends/s, p99", 10.0),
            ("commit to start, same process, 32 senders flat out, p99", 50.0),
            ("commit to start, polling, 140 sends/s, p50", 15.0),
            ("commit to start, polling, 1000 sends/s, p50", 15.0),
        ],
    ),
    ("load", &[]),
    (
        "horizon",
        &[
            ("800 sends/s, horizon held by a reader / nobody, time", 1.01),
            ("800 sends/s, horizon held by a reader / nobody, claim p50", 2.0),
            ("800 sends/s, horizon held by an idle writer / nobody, time", 1.01),
            ("800 sends/s, horizon held by an idle writer / nobody, claim p50", 2.0),
        ],
    ),
    ("failures", &[]),
];

/// What a claim may take, of what it takes with a thousand deliveries waiting, however many wait or lie dead before it.
const CLAIM: f64 = 2.0;

/// How much more memory, in MiB, an idle worker may hold when much waits: nothing that one can tell from noise.
const WAITING: f64 = 1.0;

/// Builds and runs the bench, prints what it measured; `false` when a goal is missed.
///
/// # Errors
///
/// Returns an error when the bench does not build or run, or leaves a value out.
pub(crate) fn run(options: &[&str]) -> Result {
    let (parts, options): (Vec<&str>, Vec<&str>) =
        options.iter().partition(|option| PARTS.iter().any(|(part, _)| part == *option));
    let [json, quick, markdown] = flags("postgres", ["--json", "--quick", "--markdown"], &options)?;
    let started = Instant::now();
    eprintln!("step 1 of 1: build and run `postgres`, optimized");
    let mut command = cargo()?;
    command.args(["bench", "--quiet", "--package", "signals-conformance", "--features", "postgres"]);
    command.args(["--bench", "postgres", "--"]).args(&parts);
    if quick {
        command.arg("--quick");
    }
    let ran = run_process(&mut command, LIMIT, Echo::Errors)?;
    if !ran.ok {
        return Err(format!("`cargo bench -p signals-conformance --bench postgres` failed:\n{}", ran.lines.join("\n")));
    }
    eprintln!("done (elapsed {})", seconds(started.elapsed()));
    let (facts, measured) = by_part(&ran.stdout, measured);
    let goals = PARTS.iter().filter(|(part, _)| parts.is_empty() || parts.contains(part)).flat_map(|(_, goals)| *goals);
    for (name, _) in goals {
        if !measured.iter().flat_map(|(_, values)| values).any(|value| value.name == *name) {
            return Err(format!("tests/benches/postgres printed no `{name}`"));
        }
    }
    Ok(results_by_part("postgres", &facts, &measured, Format::of(json, markdown)))
}

/// A line of the bench.
fn measured(line: &str) -> Option<Measured<'_>> {
    let (name, value) = line.split_once(": ")?;
    let (value, unit) = value.split_once(' ')?;
    let goal = PARTS.iter().flat_map(|(_, goals)| *goals).find(|(goal, _)| *goal == name).map(|(_, goal)| *goal);
    Some(Measured { name, value: value.parse().ok()?, unit, goal: goal.or_else(|| sized(name)) })
}

/// The goal of what has numbers in its name: how many wait or lie dead is a matter of the bench's size.
fn sized(name: &str) -> Option<f64> {
    if name.starts_with("claim of ") && name.contains(" / ") {
        Some(CLAIM)
    } else if name.starts_with("memory, ") && name.ends_with(" deliveries waiting - none") {
        Some(WAITING)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_value_and_only_a_goal_can_be_missed() {
        let missed = measured("8 clients, send to 1 / bare transaction: 1.6000 x").expect("a value");
        assert!(!missed.is_met() && missed.unit == "x", "{missed:?}");
        let claim = measured("claim of 100, 1000000 waiting / 1000 waiting, p50: 2.1000 x").expect("a value");
        assert!(!claim.is_met(), "{claim:?}");
        let memory = measured("memory, 1000000 deliveries waiting - none: 1.1 MiB").expect("a value");
        assert!(!memory.is_met(), "{memory:?}");
        let shown = measured("COPY: 287794.5 rows/s").expect("a value");
        assert!(shown.is_met() && shown.goal.is_none(), "{shown:?}");
        assert!(measured("machine = 2 CPUs").is_none() && measured("noise: it is").is_none());
    }
}
