//! Performing one step: what it needs, what it does, and how it ended.

use std::env;
use std::time::Duration;

use super::steps::{Action, Step};
use crate::postgres::{self, Postgres};
use crate::process::{Echo, Ran, cargo, patient_cargo, run};
use crate::totals::{failed, totals};
use crate::{Result, chaos, examples, separation, story, tidy};

const LIMIT: Duration = Duration::from_secs(60 * 60);

/// The variable that tells tests what they draw from.
pub(crate) const SEED: &str = "SIGNALS_SEED";

/// How a step ended.
pub(super) enum Outcome {
    Passed(String),
    Skipped(String),
    Failed(String),
}

/// Provides what a step needs, and performs it where everybody sees it.
pub(super) fn in_front(step: &Step, seed: u64, postgres: &mut Postgres) -> Outcome {
    let env = match step.needs.map(|need| postgres.provide(need)).transpose() {
        Ok(url) => url.flatten().map(|url| (postgres::VARIABLE, url)),
        Err(reason) => return without(reason, in_ci()),
    };
    perform(&step.action, seed, env.as_ref()).map_or_else(Outcome::Failed, Outcome::Passed)
}

/// Whether nobody is watching, and nothing may be skipped.
pub(super) fn in_ci() -> bool {
    env::var("CI").is_ok_and(|value| value == "true")
}

/// What becomes of a step whose need cannot be met.
fn without(reason: String, in_ci: bool) -> Outcome {
    if in_ci { Outcome::Failed(reason) } else { Outcome::Skipped(reason) }
}

/// Performs an action, with `seed` for what it draws; the variable in `server`, if any, tells its programs where the server is.
fn perform(action: &Action, seed: u64, server: Option<&(&'static str, String)>) -> Result<String> {
    let server = server.map(|(name, value)| (*name, value.as_str()));
    match action {
        Action::Cargo(args, env) => {
            println!("cargo {}", args.join(" "));
            judge(action, &run(cargo()?.args(args).envs(env.iter().copied()), LIMIT, Echo::Both)?)
        }
        Action::Tests(args) => {
            println!("cargo {}", args.join(" "));
            let level = in_ci().then_some(("NEXTEST_STATUS_LEVEL", "fail"));
            let mut runner = cargo()?;
            runner.args(args).envs(server).envs(level).env(SEED, seed.to_string());
            judge(action, &run(&mut runner, LIMIT, Echo::Both)?)
        }
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

/// Performs a step that is one command of cargo's with the processor time that nobody else wants; what it said, and how it ended.
pub(super) fn beside(step: &Step, seed: u64) -> (Vec<String>, Outcome) {
    let (args, env) = match &step.action {
        Action::Cargo(args, env) => (args, *env),
        Action::Tests(args) => (args, [].as_slice()),
        _ => {
            return (
                Vec::new(),
                Outcome::Failed(format!("`{}` is no command of cargo's: move it to the front", step.name)),
            );
        }
    };
    let mut said = vec![format!("cargo {}", args.join(" "))];
    let ran = patient_cargo().and_then(|mut cargo| {
        run(cargo.args(args).envs(env.iter().copied()).env(SEED, seed.to_string()), LIMIT, Echo::Keep)
    });
    let judged = ran.and_then(|mut ran| {
        let verdict = judge(&step.action, &ran);
        said.append(&mut ran.lines);
        verdict
    });
    (said, judged.map_or_else(Outcome::Failed, Outcome::Passed))
}

/// The note of a command of cargo's that went well.
fn judge(action: &Action, ran: &Ran) -> Result<String> {
    let totals = totals(&ran.lines);
    if !ran.ok {
        let counted = totals.map(|totals| format!(", {}", totals.text)).unwrap_or_default();
        let failed: String = failed(&ran.lines).iter().map(|test| format!("\n        {test}")).collect();
        return Err(format!("{}{counted}: see its output above{failed}", ran.end));
    }
    let totals = totals.unwrap_or_default();
    if matches!(action, Action::Tests(_)) && totals.passed == 0 {
        return Err("no test ran: the runner's output names none".to_owned());
    }
    Ok(totals.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_provided_is_skipped_by_name_and_fails_in_ci() {
        let reason = || "no server: install it".to_owned();
        assert!(matches!(without(reason(), false), Outcome::Skipped(said) if said == reason()));
        assert!(matches!(without(reason(), true), Outcome::Failed(said) if said == reason()));
    }

    #[test]
    fn a_runner_that_ran_no_test_has_not_passed() {
        let ran = |line: &str| Ran {
            ok: true,
            end: String::new(),
            took: Duration::ZERO,
            lines: vec![line.to_owned()],
            stdout: Vec::new(),
        };
        let tests = Action::Tests(Vec::new());
        assert!(judge(&tests, &ran("test result: ok. 0 passed; 0 failed")).is_err());
        assert_eq!(
            judge(&tests, &ran("test result: ok. 2 passed; 0 failed")).as_deref(),
            Ok("2 tests passed, 0 failed")
        );
        assert_eq!(judge(&Action::Cargo(Vec::new(), &[]), &ran("Finished")).as_deref(), Ok(""));
    }
}
