//! What became of one rig over one build.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::Result;
use crate::process::{Echo, Ran, root, run};

use super::build::{Programs, folder};
use super::matrix::{Break, Rig, Run};

/// The variable that chooses one of the switches of a build: see `signals-runtime/src/broken.rs`.
const CHOSEN: &str = "SIGNALS_BREAK";

/// The longest that a rig may take over one build.
const LIMIT: Duration = Duration::from_secs(10 * 60);

/// What a rig says about a build that must not pass, or must.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It noticed, by its own assertions; or, over the sound build, it is content.
    AsItShould(String),
    /// It did not notice; or it is red over the sound build, and proves nothing.
    Finding(String),
    /// It cannot notice.
    Blind(&'static str),
    /// What it needs is not there.
    Skipped(String),
}

/// How a run of a rig ended.
pub(super) struct Outcome {
    ran: Ran,
}

/// Runs `tests` of a rig, with `broken` or nothing broken. A program has no tests: all of it runs.
///
/// # Errors
///
/// Returns an error when it cannot be started.
pub(super) fn perform(
    rig: &Rig,
    broken: Option<Break>,
    programs: &Programs,
    tests: &[&str],
    server: Option<&str>,
) -> Result<Outcome> {
    let scratch = folder()?.join(format!("{}-scratch", rig.name));
    let mut command = match rig.run {
        // Tests expect to be run from the folder of their package, as cargo does it.
        Run::Tests { target, folder } => {
            let mut command = program(programs, target)?;
            command.args(tests).current_dir(root()?.join(folder));
            command
        }
        Run::Program { bin, args } => {
            // Left by an earlier run; what is there afterwards is evidence.
            let _ = std::fs::remove_dir_all(&scratch);
            std::fs::create_dir_all(&scratch).map_err(|error| format!("cannot make {}: {error}", scratch.display()))?;
            let mut command = program(programs, bin)?;
            let scratch = scratch.to_string_lossy();
            command.args(args.iter().map(|word| if *word == "FOLDER" { &scratch } else { *word }));
            command
        }
    };
    command.env(CHOSEN, broken.map_or("none", Break::cfg)).env("RUST_BACKTRACE", "0");
    command.envs(rig.env.iter().copied()).envs(server.map(|url| (crate::postgres::VARIABLE, url)));
    Ok(Outcome { ran: run(&mut command, LIMIT, Echo::Keep)? })
}

fn program(programs: &Programs, target: &str) -> Result<Command> {
    let path: &Path = programs.get(target).ok_or_else(|| format!("cargo built no `{target}`: is it in the matrix?"))?;
    Ok(Command::new(path))
}

impl Outcome {
    /// Over the sound build: all of `tests` are there, and everything passes.
    pub(super) fn when_sound(&self, tests: &[&str]) -> Verdict {
        if !self.ran.ok {
            return Verdict::Finding(format!("red without a break ({}): {}", self.ran.end, self.last_words()));
        }
        match tests.iter().find(|test| !self.has(test, "ok")) {
            Some(test) => Verdict::Finding(format!("there is no test `{test}`: rename it in the matrix, too")),
            None => Verdict::AsItShould(self.took()),
        }
    }

    /// Over a broken build: each of `tests` is red, and what was said `says` why.
    pub(super) fn when_broken(&self, tests: &[&str], says: &str) -> Verdict {
        if self.ran.ok {
            return Verdict::Finding("GREEN: it does not bite".to_owned());
        }
        if let Some(test) = tests.iter().find(|test| self.has(test, "ok")) {
            return Verdict::Finding(format!("GREEN: `{test}` does not bite"));
        }
        let as_expected = tests.iter().all(|test| self.has(test, "FAILED"));
        if !as_expected || !self.ran.lines.iter().any(|line| line.contains(says)) {
            return Verdict::Finding(format!(
                "red, but not by its own words `{says}` ({}): {}",
                self.ran.end,
                self.last_words()
            ));
        }
        Verdict::AsItShould(self.took())
    }

    /// Whether a test whose name contains `test` ended so.
    fn has(&self, test: &str, end: &str) -> bool {
        self.ran.lines.iter().any(|line| {
            let told = line.strip_prefix("test ").and_then(|told| told.rsplit_once(" ... "));
            told.is_some_and(|(name, ended)| ended == end && name.contains(test))
        })
    }

    fn took(&self) -> String {
        crate::report::seconds(self.ran.took)
    }

    fn last_words(&self) -> String {
        let told = self.ran.lines.iter().rev().filter(|line| !line.is_empty()).take(12).map(String::as_str);
        told.collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n    ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(ok: bool, lines: &[&str]) -> Outcome {
        let lines: Vec<_> = lines.iter().map(|&line| line.to_owned()).collect();
        Outcome { ran: Ran { ok, end: "1".to_owned(), took: Duration::ZERO, stdout: lines.clone(), lines } }
    }

    fn is_finding(verdict: &Verdict) -> bool {
        matches!(verdict, Verdict::Finding(_))
    }

    #[test]
    fn a_rig_bites_when_its_tests_are_red_by_their_own_words() {
        let red = outcome(false, &["test steal::i6_old ... FAILED", "assertion failed: the token is old"]);
        assert!(matches!(red.when_broken(&["i6_old"], "the token is old"), Verdict::AsItShould(_)));
        assert!(is_finding(&red.when_broken(&["i6_old"], "nothing is lost")), "for another reason");
        assert!(is_finding(&red.when_broken(&["i6_old", "i6_other"], "the token is old")), "one of two did not run");
        let killed = outcome(false, &["running 1 test"]);
        assert!(is_finding(&killed.when_broken(&["i6_old"], "")), "it did not get so far");
        let green = outcome(true, &["test steal::i6_old ... ok"]);
        assert!(is_finding(&green.when_broken(&["i6_old"], "")));
    }

    #[test]
    fn a_rig_that_is_red_over_the_sound_build_or_runs_nothing_is_a_finding() {
        let green = outcome(true, &["test steal::i6_old ... ok"]);
        assert!(matches!(green.when_sound(&["i6_old"]), Verdict::AsItShould(_)));
        assert!(is_finding(&green.when_sound(&["i6_renamed"])));
        assert!(is_finding(&outcome(false, &["test steal::i6_old ... FAILED"]).when_sound(&["i6_old"])));
    }
}
