//! `cargo xtask bench` without a name: every bench, one after the other.

use std::time::{Duration, Instant};

use super::{compile, dispatch, flags, latency, memory, operate, peers, postgres, sqlite, testing};
use crate::Result;
use crate::report::{seconds, table};

/// One of them.
struct Bench {
    name: &'static str,
    /// What it is run with beside `--json`, and whether it knows `--quick`.
    options: &'static [&'static str],
    quick: bool,
    /// About how many minutes it took on two cores, when everything was built; with `--quick`, too.
    minutes: [f64; 2],
    run: fn(&[&str]) -> Result,
}

const fn bench(name: &'static str, quick: bool, minutes: [f64; 2], run: fn(&[&str]) -> Result) -> Bench {
    Bench { name, options: &[], quick, minutes, run }
}

/// The short ones first: who looks in has read them when the long ones begin.
const BENCHES: [Bench; 10] = [
    bench("dispatch", false, [0.2, 0.2], dispatch::run),
    bench("testing", false, [0.2, 0.2], testing::run),
    bench("latency", false, [0.5, 0.5], latency::run),
    Bench { name: "latency", options: &["--postgres"], quick: false, minutes: [0.5, 0.5], run: latency::run },
    bench("operate", false, [2.0, 2.0], operate::run),
    bench("compile", true, [3.0, 1.5], compile::run),
    bench("sqlite", true, [8.0, 2.0], sqlite::run),
    bench("memory", true, [8.0, 1.0], memory::run),
    bench("peers", true, [15.0, 3.0], peers::run),
    bench("postgres", true, [27.0, 7.0], postgres::run),
];

/// Runs all; `false` when one of them missed a goal. One that cannot be tried keeps none of the others from it.
///
/// # Errors
///
/// Returns an error when one of them could not be tried, after the others have run.
pub(crate) fn run(options: &[&str]) -> Result {
    let [json, quick] = flags("(all)", ["--json", "--quick"], options)?;
    let began = Instant::now();
    let minutes: f64 = BENCHES.iter().map(|bench| bench.minutes[usize::from(quick)]).sum();
    eprintln!("{} benches, about {minutes:.0} min on two cores when everything is built", BENCHES.len());
    let (mut rows, mut met, mut untried) = (Vec::new(), true, Vec::new());
    for (at, bench) in BENCHES.iter().enumerate() {
        let mut words = bench.options.to_vec();
        words.extend(json.then_some("--json"));
        words.extend((quick && bench.quick).then_some("--quick"));
        let title = format!("{} {}", bench.name, words.join(" "));
        let title = title.trim_end();
        let (number, elapsed) = (at + 1, seconds(began.elapsed()));
        eprintln!("bench {number} of {}: {title} (elapsed {elapsed})", BENCHES.len());
        let own = Instant::now();
        let outcome = (bench.run)(&words);
        met &= outcome != Ok(false);
        let verdict = verdict(&outcome);
        if let Err(error) = outcome {
            eprintln!("{title}: {error}");
            untried.push(title.to_owned());
        }
        rows.push(vec![title.to_owned(), verdict.to_owned(), whole_seconds(own.elapsed())]);
    }
    eprintln!("\n{}all took {}", table(&["bench", "goals", "took"], &rows), whole_seconds(began.elapsed()));
    if untried.is_empty() { Ok(met) } else { Err(format!("could not be tried: {}", untried.join(", "))) }
}

fn verdict(outcome: &Result) -> &'static str {
    match outcome {
        Ok(true) => "met",
        Ok(false) => "MISSED",
        Err(_) => "not tried",
    }
}

fn whole_seconds(time: Duration) -> String {
    format!("{:.0} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_tried_is_neither_met_nor_missed() {
        let all = [Ok(true), Ok(false), Err(String::new())].map(|outcome| verdict(&outcome));
        assert_eq!(all, ["met", "MISSED", "not tried"]);
    }

    #[test]
    fn less_takes_no_longer() {
        assert!(BENCHES.iter().all(|bench| bench.minutes[1] <= bench.minutes[0]));
    }
}
