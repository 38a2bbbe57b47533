//! What became of one rig over one build.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::Result;
use crate::process::{Echo, Ran, root, run};

use super::build::{Programs, folder};
use super::matrix::{Break, Cell, Rig, Run};
use super::show::name;

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
    /// Where all that it wrote is kept, until it runs again.
    told: PathBuf,
}

/// Runs `tests` of a rig, with `broken` or nothing broken. A program has no tests: all of it runs.
///
/// # Errors
///
/// Returns an error when it cannot be started, or what it wrote not be kept.
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
            let _ = fs::remove_dir_all(&scratch);
            make(&scratch)?;
            let mut command = program(programs, bin)?;
            let scratch = scratch.to_string_lossy();
            command.args(args.iter().map(|word| if *word == "FOLDER" { &scratch } else { *word }));
            command
        }
    };
    command.env(CHOSEN, broken.map_or("none", Break::cfg)).env("RUST_BACKTRACE", "0");
    // Whether a rig notices is not to be a matter of luck.
    command.env(crate::test::SEED, "1");
    command.envs(rig.env.iter().copied()).envs(server.map(|url| (crate::postgres::VARIABLE, url)));
    let ran = run(&mut command, LIMIT, Echo::Keep)?;
    let told = folder()?.join("told");
    make(&told)?;
    let told = told.join(format!("{}-{}.txt", rig.name, name(broken)));
    let text = format!("{}\n{}\n", ran.lines.join("\n"), ran.end);
    fs::write(&told, text).map_err(|error| format!("cannot write {}: {error}", told.display()))?;
    Ok(Outcome { ran, told })
}

fn make(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))
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

    /// Over a broken build: each test of `cell` is red, and its panic says why; or the program says so.
    pub(super) fn when_broken(&self, cell: &Cell) -> Verdict {
        if self.ran.ok {
            return Verdict::Finding("GREEN: it does not bite".to_owned());
        }
        let missing = match cell {
            Cell::Sees(red) => {
                if let Some((test, _)) = red.iter().find(|(test, _)| self.has(test, "ok")) {
                    return Verdict::Finding(format!("GREEN: `{test}` does not bite"));
                }
                red.iter()
                    .find(|(test, says)| !self.has(test, "FAILED") || !self.panic_of(test).contains(says))
                    .copied()
            }
            Cell::Says(says) => (!self.ran.lines.iter().any(|line| line.contains(says))).then_some(("", *says)),
            Cell::Blind(why) => return Verdict::Blind(why),
        };
        match missing {
            Some((test, says)) => Verdict::Finding(format!(
                "red, but not by its own words, `{says}` of `{test}` ({}): {}",
                self.ran.end,
                self.last_words()
            )),
            None => Verdict::AsItShould(self.took()),
        }
    }

    /// What a test whose name contains `test` wrote from its panic on: of the block that the harness shows of it.
    fn panic_of(&self, test: &str) -> String {
        let own = self.ran.stdout.iter().skip_while(|line| !begins(line).is_some_and(|name| name.contains(test)));
        let block = own.skip(1).take_while(|line| begins(line).is_none() && *line != "failures:");
        block.skip_while(|line| !line.contains("panicked at")).map(String::as_str).collect::<Vec<_>>().join("\n")
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
        let words = told.collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n    ");
        format!("{words}\n    all of it: {}", self.told.display())
    }
}

/// The name of the test whose block begins with this line.
fn begins(line: &str) -> Option<&str> {
    line.strip_prefix("---- ")?.strip_suffix(" stdout ----")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(ok: bool, lines: &[&str]) -> Outcome {
        let lines: Vec<_> = lines.iter().map(|&line| line.to_owned()).collect();
        let ran = Ran { ok, end: "1".to_owned(), took: Duration::ZERO, stdout: lines.clone(), lines };
        Outcome { ran, told: PathBuf::new() }
    }

    fn is_finding(verdict: &Verdict) -> bool {
        matches!(verdict, Verdict::Finding(_))
    }

    const OLD: Cell = Cell::Sees(&[("i6_old", "the token is old")]);

    #[test]
    fn a_rig_bites_when_its_tests_are_red_by_their_own_words() {
        let panicked = "thread 'steal::i6_old' panicked at tests/src/steal.rs:1:1:";
        let head = ["test steal::i6_old ... FAILED", "test other ... FAILED", "---- steal::i6_old stdout ----"];
        let red = |block: &[&str]| outcome(false, &[&head, block].concat());
        let own = red(&[panicked, "the token is old"]);
        assert!(matches!(own.when_broken(&OLD), Verdict::AsItShould(_)));
        let both = Cell::Sees(&[("i6_old", "the token is old"), ("i6_other", "the token is old")]);
        assert!(is_finding(&own.when_broken(&both)), "one of two did not run");
        assert!(is_finding(&red(&[panicked, "nothing is lost"]).when_broken(&OLD)), "for another reason");
        assert!(is_finding(&red(&["the token is old", panicked]).when_broken(&OLD)), "it was printed, and no reason");
        let of_another = red(&[panicked, "---- other stdout ----", panicked, "the token is old"]);
        assert!(is_finding(&of_another.when_broken(&OLD)), "another test says so");
        assert!(is_finding(&outcome(false, &["running 1 test"]).when_broken(&OLD)), "it did not get so far");
        assert!(is_finding(&outcome(true, &["test steal::i6_old ... ok"]).when_broken(&OLD)));
    }

    #[test]
    fn a_program_bites_when_it_fails_and_says_why() {
        let says = Cell::Says("BROKEN I1");
        assert!(matches!(outcome(false, &["BROKEN I1: 3"]).when_broken(&says), Verdict::AsItShould(_)));
        assert!(is_finding(&outcome(false, &["no server"]).when_broken(&says)));
        assert!(is_finding(&outcome(true, &["BROKEN I1: 3"]).when_broken(&says)));
    }

    #[test]
    fn a_rig_that_is_red_over_the_sound_build_or_runs_nothing_is_a_finding() {
        let green = outcome(true, &["test steal::i6_old ... ok"]);
        assert!(matches!(green.when_sound(&["i6_old"]), Verdict::AsItShould(_)));
        assert!(is_finding(&green.when_sound(&["i6_renamed"])));
        assert!(is_finding(&outcome(false, &["test steal::i6_old ... FAILED"]).when_sound(&["i6_old"])));
    }
}
