//! `cargo xtask test`: everything that must be green before a merge, one step after the other.
//!
//! A step that fails does not stop the others. A step whose package or file does not exist fails: nothing is skipped.

use std::fs;
use std::time::{Duration, Instant};

use crate::process::{Echo, cargo, has_cargo, root, run as run_process};
use crate::report::{seconds, table};
use crate::{Result, examples, kills, story, targets, tidy};

const LIMIT: Duration = Duration::from_secs(60 * 60);

/// One step.
struct Step {
    name: String,
    action: Action,
}

/// What a step does.
enum Action {
    /// One command of cargo's, with environment variables.
    Cargo(Vec<String>, &'static [(&'static str, &'static str)]),
    /// As `Cargo`; at least one test must have run.
    Tests(Vec<String>),
    Tidy,
    Examples,
    Story,
    Kills,
    Readme,
}

/// Runs the steps that `options` select.
///
/// # Errors
///
/// Returns an error when an option is not known.
pub(crate) fn run(options: &[&str]) -> Result {
    let steps = steps()?;
    let mut only = Vec::new();
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
            other => return Err(format!("`test` knows no `{other}`: it takes `--only <step>` and `--list`")),
        }
    }
    let chosen = steps.into_iter().filter(|step| only.is_empty() || only.contains(&step.name.as_str()));
    Ok(run_all(&chosen.collect::<Vec<_>>()))
}

fn run_all(steps: &[Step]) -> bool {
    let began = Instant::now();
    let mut rows = Vec::new();
    let mut failed = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        println!("\n==> step {} of {}: {} (elapsed {})", at + 1, steps.len(), step.name, seconds(began.elapsed()));
        let started = Instant::now();
        let outcome = perform(&step.action);
        let (result, note) = match outcome {
            Ok(note) => ("passed", note),
            Err(reason) => {
                println!("{}: {reason}", step.name);
                let first_line = reason.lines().next().unwrap_or_default().to_owned();
                failed.push((&step.name, first_line.clone()));
                ("FAILED", first_line)
            }
        };
        rows.push(vec![step.name.clone(), result.to_owned(), seconds(started.elapsed()), note]);
    }
    println!("\n{}", table(&["step", "result", "took", "note"], &rows));
    for (name, reason) in &failed {
        println!("failed: {name}: {reason}\n        again: cargo xtask test --only {name}");
    }
    println!("{} passed, {} failed", steps.len() - failed.len(), failed.len());
    failed.is_empty()
}

/// All steps, in order; one for each feature of the runtime, so that a new backend is covered without an edit here.
fn steps() -> Result<Vec<Step>> {
    let manifest = root()?.join("signals-runtime/Cargo.toml");
    let manifest = fs::read_to_string(&manifest)
        .map_err(|error| format!("cannot read {} ({error}): restore it", manifest.display()))?;

    let mut steps = vec![
        step("fmt", cargo_step("fmt --all --check")),
        step("tidy", Action::Tidy),
        step("clippy", cargo_step("clippy --workspace --all-targets --all-features -- -D warnings")),
    ];
    let runner = if has_cargo("nextest") { "nextest run --no-fail-fast" } else { "test --no-fail-fast" };
    for (name, selected) in targets::steps(&root()?)? {
        let tests = [words(runner), words("--workspace --all-features"), selected].concat();
        steps.push(step(name, Action::Tests(tests)));
    }
    let alone = |features: &str| {
        let lint = format!("clippy --package signals-runtime --lib --no-default-features {features} -- -D warnings");
        cargo_step(&lint)
    };
    let memory = format!("{runner} --package signals-conformance --no-default-features --test memory");
    steps.extend([step("feature-none", alone("")), step("feature-none-tests", Action::Tests(words(&memory)))]);
    for feature in features(&manifest) {
        steps.push(step(&format!("feature-{feature}"), alone(&format!("--features {feature}"))));
    }
    steps.extend([
        step("doctests", cargo_step("test --doc --workspace --all-features --no-fail-fast")),
        step("story", Action::Story),
        step("examples", Action::Examples),
        step("kills", Action::Kills),
        step(
            "docs",
            Action::Cargo(words("doc --workspace --no-deps --all-features"), &[("RUSTDOCFLAGS", "-D warnings")]),
        ),
        step("readme", Action::Readme),
    ]);
    Ok(steps)
}

fn step(name: &str, action: Action) -> Step {
    Step { name: name.to_owned(), action }
}

fn cargo_step(args: &str) -> Action {
    Action::Cargo(words(args), &[])
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// The names under `[features]`, but for `default`.
fn features(manifest: &str) -> Vec<&str> {
    let section = manifest.lines().skip_while(|line| line.trim() != "[features]").skip(1);
    section
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| Some(line.split_once('=')?.0.trim()).filter(|name| !name.starts_with('#')))
        .filter(|name| *name != "default")
        .collect()
}

fn perform(action: &Action) -> Result<String> {
    match action {
        Action::Cargo(args, env) => run_cargo(args, env).map(|lines| totals(&lines).unwrap_or_default().text),
        Action::Tests(args) => match totals(&run_cargo(args, &[])?) {
            Some(totals) if totals.passed > 0 => Ok(totals.text),
            _ => Err("no test ran: the runner's output names none".to_owned()),
        },
        Action::Tidy if tidy::run()? => Ok(String::new()),
        Action::Tidy => Err("rules of the house are broken: each line above says what to do".to_owned()),
        Action::Story => story::check(),
        Action::Examples => examples::check(),
        Action::Kills => kills::check(),
        Action::Readme => story::check_readme(),
    }
}

fn run_cargo(args: &[String], env: &[(&str, &str)]) -> Result<Vec<String>> {
    println!("cargo {}", args.join(" "));
    let mut command = cargo()?;
    command.args(args).envs(env.iter().copied());
    let ran = run_process(&mut command, LIMIT, Echo::Both)?;
    if ran.ok {
        return Ok(ran.lines);
    }
    let counted = totals(&ran.lines).map(|totals| format!(", {}", totals.text)).unwrap_or_default();
    Err(format!("{}{counted}: see its output above", ran.end))
}

/// What a test runner says of its tests.
#[derive(Debug, Default, PartialEq, Eq)]
struct Totals {
    passed: u64,
    text: String,
}

/// The sums of cargo's `test result:` lines, or nextest's summary.
fn totals(lines: &[String]) -> Option<Totals> {
    let before = |line: &str, word: &str| -> u64 {
        let words: Vec<_> = line.split([' ', ',', ';']).filter(|part| !part.is_empty()).collect();
        words.windows(2).find(|pair| pair[1] == word).and_then(|pair| pair[0].parse().ok()).unwrap_or(0)
    };
    let starting = |start: &str| lines.iter().map(|line| line.trim()).filter(|line| line.starts_with(start)).collect();
    let mut own: Vec<&str> = starting("Summary [");
    if own.is_empty() {
        // Under nextest these are of single processes, and counted in its summary.
        own = starting("test result:");
    }
    let sum = |word: &str| own.iter().map(|line| before(line, word)).sum::<u64>();
    let (passed, failed) = (sum("passed"), sum("failed") + sum("timed"));
    (!own.is_empty()).then(|| Totals { passed, text: format!("{passed} tests passed, {failed} failed") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(text: &str) -> Option<String> {
        totals(&text.lines().map(str::to_owned).collect::<Vec<_>>()).map(|totals| totals.text)
    }

    #[test]
    fn both_runners_are_understood() {
        let cargo =
            "test result: ok. 12 passed; 0 failed; 0 ignored\nnoise\ntest result: FAILED. 3 passed; 2 failed; 0";
        assert_eq!(counted(cargo).as_deref(), Some("15 tests passed, 2 failed"));
        let nextest = "test result: FAILED. 0 passed; 1 failed\n     Summary [   0.512s] 40 tests run: 38 passed (1 slow), 2 failed, 0 skipped";
        assert_eq!(counted(nextest).as_deref(), Some("38 tests passed, 2 failed"));
        assert_eq!(counted("Finished"), None);
    }

    #[test]
    fn every_feature_but_default_is_a_step() {
        let manifest = "[package]\nname = \"x\"\n[features]\n# none\ndefault = []\nsqlite = [\"dep:sqlx\"]\n\n[dependencies]\nx = \"1\"\n";
        assert_eq!(features(manifest), ["sqlite"]);
    }

    #[test]
    fn steps_that_fail_do_not_stop_the_others() {
        let missing = |name| step(name, cargo_step("metadata --no-such-option"));
        assert!(!run_all(&[missing("a"), missing("b")]));
    }

    #[test]
    fn an_unknown_step_is_named() {
        assert!(run(&["--only", "nothing"]).is_err_and(|message| message.contains("`nothing`")));
        assert!(run(&["--fast"]).is_err_and(|message| message.contains("`--fast`")));
    }
}
