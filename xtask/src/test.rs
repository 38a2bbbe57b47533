//! `cargo xtask test`: everything that must be green before a merge.
//!
//! ```text
//! in front   fmt · tidy · build · units · conformance · processes · postgres … story … chaos … readme    one after the other
//! beside     clippy · features · docs · builds · ui · doctests                                           with what time they leave
//! ```
//!
//! The rigs in front wait more than they compute, and the compiler uses the time that they leave: at the lowest priority, so that no
//! verdict on how long something took is on how long it waited for a processor. What steps in front build with other features than
//! the tests have is among it. Tests that wait, for leases and for processes, run two on each processor at once.
//!
//! Where `CI` is `true`, what a step says is shown when it fails, and is in `target/test-logs` in any case: among ten thousand
//! lines of what went well, nobody finds the one that did not.
//!
//! A step that fails does not stop the others. A step whose package or file does not exist fails. What needs a Postgres
//! that cannot be had is skipped, by name, on somebody's machine, and fails where `CI` is `true`; nothing else is skipped.
//! What is drawn (histories, payloads, campaigns) is drawn from one seed, another in each run, which is told.

mod perform;
mod steps;

use std::env;
use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::{Duration, Instant};

use perform::Outcome;
pub(crate) use perform::SEED;
use steps::{Place, Step, steps};

use crate::Result;
use crate::postgres::Postgres;
use crate::process::{self, target_dir};
use crate::report::{seconds, table};

/// Runs the steps that `options` select.
///
/// # Errors
///
/// Returns an error when an option is not known.
pub(crate) fn run(options: &[&str]) -> Result {
    let steps = steps()?;
    let mut only = Vec::new();
    let mut seed = None;
    let mut rest = options.iter();
    while let Some(option) = rest.next() {
        match *option {
            "--list" => {
                steps.iter().for_each(|step| println!("{}", step.name));
                return Ok(true);
            }
            "--only" => {
                let name = rest.next().ok_or("`--only` wants the name of a step: `--list` shows them")?;
                if steps.iter().all(|step| step.name != *name) {
                    return Err(format!("there is no step `{name}`: `cargo xtask test --list` shows them"));
                }
                only.push(*name);
            }
            "--seed" => {
                let number = rest.next().and_then(|number| number.parse().ok());
                seed = Some(number.ok_or("`--seed` wants a number from 0 up")?);
            }
            other => {
                return Err(format!("`test` knows no `{other}`: it takes `--only <step>`, `--seed <n>` and `--list`"));
            }
        }
    }
    let seed = seed.map_or_else(drawn_seed, Ok)?;
    let chosen = steps.iter().filter(|step| only.is_empty() || only.contains(&step.name.as_str()));
    Ok(run_all(chosen.collect(), seed, perform::in_ci()))
}

/// What this run draws from when no option says so: what the environment says, or something new, short enough to be typed.
fn drawn_seed() -> Result<u64> {
    match env::var(SEED) {
        Ok(text) => text.parse().map_err(|_| format!("{SEED}={text} is no number: give one from 0 up")),
        Err(_) => Ok(RandomState::new().hash_one(()) >> 32),
    }
}

/// A step that has ended.
struct Ended<'s> {
    step: &'s Step,
    outcome: Outcome,
    took: Duration,
}

/// Runs `steps`, and tells how they ended, if `quiet` what failed alone; whether none failed.
fn run_all(steps: Vec<&Step>, seed: u64, quiet: bool) -> bool {
    println!("what is drawn is drawn from seed {seed}");
    let (mut front, mut aside): (Vec<_>, Vec<_>) = steps.into_iter().partition(|step| step.place == Place::Front);
    if front.is_empty() {
        // Nobody is disturbed.
        front.append(&mut aside);
    }
    let began = Instant::now();
    let (sender, finished) = mpsc::channel();
    let mut ended = Vec::new();
    thread::scope(|scope| {
        let aside = &aside;
        scope.spawn(move || run_beside(aside, seed, &sender));
        let mut postgres = Postgres::default();
        for (at, step) in front.iter().enumerate() {
            println!("\n==> step {} of {}: {} (elapsed {})", at + 1, front.len(), step.name, seconds(began.elapsed()));
            let started = Instant::now();
            if quiet {
                process::keep();
            }
            let outcome = perform::in_front(step, seed, &mut postgres);
            let took = started.elapsed();
            if quiet {
                log(step, &outcome, took, &process::take_kept());
            }
            explain(step, &outcome);
            ended.push(Ended { step, outcome, took });
            // Between two steps, so that nobody's lines are among another's.
            ended.extend(finished.try_iter().map(|said| shown(said, quiet)));
        }
        ended.extend(finished.iter().map(|said| shown(said, quiet)));
    });
    summarize(&ended, seed)
}

/// Runs `steps` one after the other beside those in front; their output goes to `finished` with them.
fn run_beside<'s>(steps: &[&'s Step], seed: u64, finished: &Sender<(Vec<String>, Ended<'s>)>) {
    for step in steps {
        let started = Instant::now();
        let (said, outcome) = perform::beside(step, seed);
        if finished.send((said, Ended { step, outcome, took: started.elapsed() })).is_err() {
            return;
        }
    }
}

/// Shows what a step said that ran beside.
fn shown<'s>((said, ended): (Vec<String>, Ended<'s>), quiet: bool) -> Ended<'s> {
    println!("\n==> beside: {} (took {})", ended.step.name, seconds(ended.took));
    let said = said.join("\n");
    if quiet {
        log(ended.step, &ended.outcome, ended.took, &said);
    } else {
        println!("{said}");
    }
    explain(ended.step, &ended.outcome);
    ended
}

/// Writes what a step said to a file, and shows it when the step did not pass.
fn log(step: &Step, outcome: &Outcome, took: Duration, said: &str) {
    let written = target_dir().and_then(|target| {
        let folder = target.join("test-logs");
        let file = folder.join(format!("{}.log", step.name));
        let written = fs::create_dir_all(&folder).and_then(|()| fs::write(&file, said));
        written.map_err(|error| format!("cannot write {}: {error}", file.display()))
    });
    if let Err(error) = written {
        println!("{error}");
    }
    match outcome {
        Outcome::Passed(note) => println!("{}: passed in {} {note}", step.name, seconds(took)),
        Outcome::Skipped(_) => {}
        Outcome::Failed(_) => println!("{said}"),
    }
}

/// Says why a step did not pass, below its output.
fn explain(step: &Step, outcome: &Outcome) {
    match outcome {
        Outcome::Passed(_) => {}
        Outcome::Skipped(reason) => println!("{}: skipped: {reason}", step.name),
        Outcome::Failed(reason) => println!("{}: {reason}", step.name),
    }
}

/// Prints how all steps ended, and the command that runs each again that failed; whether none did.
fn summarize(ended: &[Ended<'_>], seed: u64) -> bool {
    let (mut rows, mut again) = (Vec::new(), Vec::new());
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for Ended { step: Step { name, place, .. }, outcome, took } in ended {
        let (result, note) = match outcome {
            Outcome::Passed(note) => {
                passed += 1;
                ("passed", note.as_str())
            }
            Outcome::Skipped(reason) => {
                skipped += 1;
                again.push(format!("skipped: {name}: {reason}"));
                ("SKIPPED", reason.as_str())
            }
            Outcome::Failed(reason) => {
                failed += 1;
                let first_line = reason.lines().next().unwrap_or_default();
                let again_by = format!("cargo xtask test --only {name} --seed {seed}");
                again.push(format!("failed: {name}: {reason}\n        again: {again_by}"));
                ("FAILED", first_line)
            }
        };
        let took = match place {
            Place::Front => seconds(*took),
            Place::Beside => format!("({})", seconds(*took)),
        };
        rows.push(vec![name.clone(), result.to_owned(), took, note.to_owned()]);
    }
    println!("\n{}", table(&["step", "result", "took", "note"], &rows));
    again.iter().for_each(|line| println!("{line}"));
    println!("{passed} passed, {failed} failed, {skipped} skipped; (…): beside the others");
    failed == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use steps::Action;

    fn missing(name: &str, place: Place) -> Step {
        let args = ["metadata", "--no-such-option"].map(str::to_owned);
        Step { name: name.to_owned(), action: Action::Cargo(args.into(), &[]), needs: None, place }
    }

    #[test]
    fn steps_that_fail_do_not_stop_the_others() {
        assert!(!run_all(vec![&missing("a", Place::Front), &missing("b", Place::Front)], 1, false));
    }

    #[test]
    fn a_step_that_fails_beside_the_others_fails_the_run() {
        let fine = Step { action: Action::Readme, ..missing("fine", Place::Front) };
        assert!(run_all(vec![&fine], 1, false));
        assert!(!run_all(vec![&fine, &missing("beside", Place::Beside)], 1, false));
    }

    #[test]
    fn what_runs_beside_shows_what_it_said() {
        let (said, outcome) = perform::beside(&missing("a", Place::Beside), 1);
        assert_eq!(said[0], "cargo metadata --no-such-option");
        assert!(said.iter().any(|line| line.contains("unexpected argument")), "{said:?}");
        assert!(matches!(outcome, Outcome::Failed(reason) if reason.contains("see its output above")));
    }

    #[test]
    fn an_unknown_step_is_named() {
        assert!(run(&["--only", "nothing"]).is_err_and(|message| message.contains("`nothing`")));
        assert!(run(&["--seed", "many"]).is_err_and(|message| message.contains("`--seed`")));
        assert!(run(&["--fast"]).is_err_and(|message| message.contains("`--fast`")));
    }
}
