//! `cargo xtask test`: everything that must be green before a merge, one step after the other.
//!
//! A step that fails does not stop the others. A step whose package or file does not exist fails. What needs a Postgres
//! that cannot be had is skipped, by name, on somebody's machine, and fails where `CI` is `true`; nothing else is skipped.
//! What is drawn (histories, payloads, campaigns) is drawn from one seed, another in each run, which is told.

use std::env;
use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::time::{Duration, Instant};

use crate::postgres::{self, Need, Postgres};
use crate::process::{Echo, cargo, has_cargo, root, run as run_process};
use crate::report::{seconds, table};
use crate::totals::totals;
use crate::{Result, chaos, examples, separation, story, targets, tidy};

const LIMIT: Duration = Duration::from_secs(60 * 60);

/// The variable that tells tests what they draw from.
pub(crate) const SEED: &str = "SIGNALS_SEED";

/// One step.
struct Step {
    name: String,
    action: Action,
    needs: Option<Need>,
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
    StoryOnPostgres,
    /// A campaign over this database.
    Chaos(&'static str),
    Readme,
    /// These features of the runtime bring their own database and no other.
    Separation(Vec<String>),
}

/// How a step ended.
enum Outcome {
    Passed(String),
    Skipped(String),
    Failed(String),
}

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
    let chosen = steps.into_iter().filter(|step| only.is_empty() || only.contains(&step.name.as_str()));
    Ok(run_all(&chosen.collect::<Vec<_>>(), seed))
}

/// What this run draws from when no option says so: what the environment says, or something new, short enough to be typed.
fn drawn_seed() -> Result<u64> {
    match env::var(SEED) {
        Ok(text) => text.parse().map_err(|_| format!("{SEED}={text} is no number: give one from 0 up")),
        Err(_) => Ok(RandomState::new().hash_one(()) >> 32),
    }
}

fn run_all(steps: &[Step], seed: u64) -> bool {
    println!("what is drawn is drawn from seed {seed}");
    let began = Instant::now();
    let (mut rows, mut failed, mut skipped) = (Vec::new(), Vec::new(), Vec::new());
    let mut postgres = Postgres::default();
    for (at, step) in steps.iter().enumerate() {
        println!("\n==> step {} of {}: {} (elapsed {})", at + 1, steps.len(), step.name, seconds(began.elapsed()));
        let started = Instant::now();
        let (result, note) = match attempt(step, seed, &mut postgres) {
            Outcome::Passed(note) => ("passed", note),
            Outcome::Skipped(reason) => {
                println!("{}: skipped: {reason}", step.name);
                skipped.push((&step.name, reason.clone()));
                ("SKIPPED", reason)
            }
            Outcome::Failed(reason) => {
                println!("{}: {reason}", step.name);
                let first_line = reason.lines().next().unwrap_or_default().to_owned();
                failed.push((&step.name, first_line.clone()));
                ("FAILED", first_line)
            }
        };
        rows.push(vec![step.name.clone(), result.to_owned(), seconds(started.elapsed()), note]);
    }
    println!("\n{}", table(&["step", "result", "took", "note"], &rows));
    for (name, reason) in &skipped {
        println!("skipped: {name}: {reason}");
    }
    for (name, reason) in &failed {
        println!("failed: {name}: {reason}\n        again: cargo xtask test --only {name} --seed {seed}");
    }
    let passed = steps.len() - failed.len() - skipped.len();
    println!("{passed} passed, {} failed, {} skipped", failed.len(), skipped.len());
    failed.is_empty()
}

/// Provides what a step needs, and performs it.
fn attempt(step: &Step, seed: u64, postgres: &mut Postgres) -> Outcome {
    let env = match step.needs.map(|need| postgres.provide(need)).transpose() {
        Ok(url) => url.flatten().map(|url| (postgres::VARIABLE, url)),
        Err(reason) => return without(reason, env::var("CI").is_ok_and(|value| value == "true")),
    };
    perform(&step.action, seed, env.as_ref()).map_or_else(Outcome::Failed, Outcome::Passed)
}

/// What becomes of a step whose need cannot be met.
fn without(reason: String, in_ci: bool) -> Outcome {
    if in_ci { Outcome::Failed(reason) } else { Outcome::Skipped(reason) }
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
    for (name, needs, selected) in targets::steps(&root()?)? {
        let tests = [words(runner), words("--workspace --all-features"), selected].concat();
        steps.push(Step { needs, ..step(name, Action::Tests(tests)) });
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
        step("separation", Action::Separation(features(&manifest).into_iter().map(str::to_owned).collect())),
        step("doctests", cargo_step("test --doc --workspace --all-features --no-fail-fast")),
        step("story", Action::Story),
        Step { needs: Some(Need::Server), ..step("story-postgres", Action::StoryOnPostgres) },
        step("examples", Action::Examples),
        step("chaos-sqlite", Action::Chaos("sqlite")),
        Step { needs: Some(Need::Programs), ..step("chaos-postgres", Action::Chaos("postgres")) },
        step(
            "docs",
            Action::Cargo(words("doc --workspace --no-deps --all-features"), &[("RUSTDOCFLAGS", "-D warnings")]),
        ),
        step("readme", Action::Readme),
    ]);
    Ok(steps)
}

fn step(name: &str, action: Action) -> Step {
    Step { name: name.to_owned(), action, needs: None }
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

/// Performs an action, with `seed` for what it draws; the variable in `server`, if any, tells its programs where the server is.
fn perform(action: &Action, seed: u64, server: Option<&(&'static str, String)>) -> Result<String> {
    let server = server.map(|(name, value)| (*name, value.as_str()));
    let seed_text = seed.to_string();
    let drawing = [(SEED, seed_text.as_str())];
    match action {
        Action::Cargo(args, env) => run_cargo(args, env).map(|lines| totals(&lines).unwrap_or_default().text),
        Action::Tests(args) => match totals(&run_cargo(args, &[server.as_slice(), drawing.as_slice()].concat())?) {
            Some(totals) if totals.passed > 0 => Ok(totals.text),
            _ => Err("no test ran: the runner's output names none".to_owned()),
        },
        Action::Tidy if tidy::run()? => Ok(String::new()),
        Action::Tidy => Err("rules of the house are broken: each line above says what to do".to_owned()),
        Action::Story => story::check(),
        Action::StoryOnPostgres => {
            story::check_on_postgres(server.map(|(_, url)| url).ok_or("the step needs a server and did not say so")?)
        }
        Action::Examples => examples::check(),
        Action::Chaos(database) => chaos::check(database, seed),
        Action::Readme => story::check_readme(),
        Action::Separation(features) => separation::check(&features.iter().map(String::as_str).collect::<Vec<_>>()),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_feature_but_default_is_a_step() {
        let manifest = "[package]\nname = \"x\"\n[features]\n# none\ndefault = []\nsqlite = [\"dep:sqlx\"]\n\n[dependencies]\nx = \"1\"\n";
        assert_eq!(features(manifest), ["sqlite"]);
    }

    #[test]
    fn steps_that_fail_do_not_stop_the_others() {
        let missing = |name| step(name, cargo_step("metadata --no-such-option"));
        assert!(!run_all(&[missing("a"), missing("b")], 1));
    }

    #[test]
    fn what_cannot_be_provided_is_skipped_by_name_and_fails_in_ci() {
        let reason = || "no server: install it".to_owned();
        assert!(matches!(without(reason(), false), Outcome::Skipped(said) if said == reason()));
        assert!(matches!(without(reason(), true), Outcome::Failed(said) if said == reason()));
    }

    #[test]
    fn an_unknown_step_is_named() {
        assert!(run(&["--only", "nothing"]).is_err_and(|message| message.contains("`nothing`")));
        assert!(run(&["--seed", "many"]).is_err_and(|message| message.contains("`--seed`")));
        assert!(run(&["--fast"]).is_err_and(|message| message.contains("`--fast`")));
    }
}
