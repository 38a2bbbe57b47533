//! What can be broken, and what a rig is that must notice. Which rigs there are is in [`rigs`](super::rigs).

use crate::postgres::Need;

/// The `--cfg` without which the library refuses those of the breaks.
pub(super) const MEANT: &str = "signals_broken";

/// How many switches there are.
pub(super) const BREAKS: usize = 8;

/// What is broken on purpose: the switches of `signals-runtime/src/broken.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Break {
    Fencing,
    Transaction,
    AckBeforeRun,
    FanOutLinkedOnly,
    SkipSweep,
    LeaveOpen,
    LostCommitDone,
    LostCommitUndone,
}

impl Break {
    /// Each, in the order of the cells of a rig.
    pub(super) const ALL: [Self; BREAKS] = [
        Self::Fencing,
        Self::Transaction,
        Self::AckBeforeRun,
        Self::FanOutLinkedOnly,
        Self::SkipSweep,
        Self::LeaveOpen,
        Self::LostCommitDone,
        Self::LostCommitUndone,
    ];

    /// Its `--cfg`.
    pub(super) const fn cfg(self) -> &'static str {
        match self {
            Self::Fencing => "break_fencing",
            Self::Transaction => "break_transaction",
            Self::AckBeforeRun => "ack_before_run",
            Self::FanOutLinkedOnly => "fan_out_linked_only",
            Self::SkipSweep => "skip_sweep",
            Self::LeaveOpen => "leave_open",
            Self::LostCommitDone => "lost_commit_done",
            Self::LostCommitUndone => "lost_commit_undone",
        }
    }
}

/// Something that shows promises to be kept.
#[derive(Debug)]
pub(super) struct Rig {
    pub(super) name: &'static str,
    pub(super) run: Run,
    pub(super) needs: Option<Need>,
    pub(super) env: &'static [(&'static str, &'static str)],
    /// Whether `--quick` runs it.
    pub(super) quick: bool,
    /// One for each of [`Break::ALL`].
    pub(super) cells: [Cell; BREAKS],
}

/// How a rig is run.
#[derive(Clone, Copy, Debug)]
pub(super) enum Run {
    /// As a target of the tests in `folder`.
    Tests { folder: &'static str, target: &'static str },
    /// As a program, with these arguments; `FOLDER` is an empty one.
    Program { bin: &'static str, args: &'static [&'static str] },
}

/// What a rig makes of a break.
#[derive(Debug)]
pub(super) enum Cell {
    /// Each of these tests is red.
    Sees(&'static [Red]),
    /// It is a program, fails and says this.
    Says(&'static str),
    /// It cannot notice, for this reason.
    Blind(&'static str),
}

/// A test, and what its panic says.
pub(super) type Red = (&'static str, &'static str);

impl Rig {
    /// A rig of tests in `folder`, out of their target.
    pub(super) const fn tests_of(
        name: &'static str,
        folder: &'static str,
        target: &'static str,
        cells: [Cell; BREAKS],
    ) -> Self {
        Self { name, run: Run::Tests { folder, target }, needs: None, env: &[], quick: false, cells }
    }

    /// The same with what it needs.
    pub(super) const fn needs(self, need: Need) -> Self {
        Self { needs: Some(need), ..self }
    }

    /// Compared with the memory backend, which is spared.
    pub(super) const fn beside_a_sound_model(self) -> Self {
        Self { env: &[("SIGNALS_SOUND_MODEL", "1")], ..self }
    }

    /// The same as a part of `--quick`.
    pub(super) const fn quick(self) -> Self {
        Self { quick: true, ..self }
    }

    /// What it makes of `broken`.
    pub(super) fn cell(&self, broken: Break) -> &Cell {
        &self.cells[broken as usize]
    }

    /// Whether it must notice `broken`.
    pub(super) fn sees(&self, broken: Break) -> bool {
        !matches!(self.cell(broken), Cell::Blind(_))
    }

    /// The tests that notice any of `breaks`, each once.
    pub(super) fn tests(&self, breaks: &[Break]) -> Vec<&'static str> {
        let mut tests = Vec::new();
        for &broken in breaks {
            match self.cell(broken) {
                Cell::Sees(red) => tests.extend(red.iter().map(|(test, _)| test)),
                Cell::Says(_) | Cell::Blind(_) => {}
            }
        }
        tests.sort_unstable();
        tests.dedup();
        tests
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::super::others::OTHERS;
    use super::super::rigs::RIGS;
    use super::*;
    use crate::process::root;

    /// Every `fn` below `folder`.
    fn functions(folder: &Path, found: &mut String) {
        for entry in fs::read_dir(folder).expect("a folder of the repository") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                functions(&path, found);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let text = fs::read_to_string(&path).expect("a file of the repository");
                let names = text.lines().filter_map(|line| line.split_once("fn ")?.1.split(['(', '<']).next());
                names.for_each(|name| *found += &format!("{name}\n"));
            }
        }
    }

    #[test]
    fn the_switches_are_those_of_the_library_and_the_compiler_knows_them() {
        let root = root().expect("in the repository");
        let read = |path: &str| fs::read_to_string(root.join(path)).expect("a file of the repository");
        let (library, manifest) = (read("signals-runtime/src/broken.rs"), read("Cargo.toml"));
        for broken in Break::ALL {
            let cfg = broken.cfg();
            assert!(library.contains(&format!("(\"{cfg}\", ")), "{cfg} is no switch of the library");
            assert!(manifest.contains(&format!("\"cfg({cfg})\"")), "{cfg} is unknown to the compiler");
        }
        let refused = library.split_once("compile_error!").expect("a switch alone is refused").0;
        for broken in Break::ALL {
            assert!(refused.contains(broken.cfg()), "{} alone is not refused", broken.cfg());
        }
        assert!(manifest.contains(&format!("\"cfg({MEANT})\"")), "{MEANT} is unknown to the compiler");
        assert_eq!(manifest.matches("\"cfg(").count(), Break::ALL.len() + 1, "each switch is in the matrix");
    }

    #[test]
    fn every_break_is_noticed_by_two_rigs_and_by_one_on_postgres() {
        for broken in Break::ALL {
            let seeing: Vec<_> = RIGS.iter().filter(|rig| rig.sees(broken)).map(|rig| rig.name).collect();
            assert!(seeing.len() >= 2, "{}: {seeing:?}", broken.cfg());
            assert!(seeing.iter().any(|name| name.ends_with("postgres")), "{}: {seeing:?}", broken.cfg());
        }
    }

    #[test]
    fn every_test_of_the_suite_of_processes_and_of_servers_is_a_rig_or_is_told_why_not() {
        let root = root().expect("in the repository");
        for folder in ["tests", "tests/check", "tests/chaos", "tests/skew", "tests/rig", "tests/rig-postgres"] {
            for entry in fs::read_dir(root.join(folder).join("tests")).expect("a folder of the repository") {
                let path = entry.expect("an entry").path();
                if path.is_dir() && !path.join("main.rs").is_file() {
                    continue; // a module of several
                }
                let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
                let is_it = |run| matches!(run, Run::Tests { folder: of, target } if (of, target) == (folder, &name));
                let is_rig = RIGS.iter().any(|rig| is_it(rig.run));
                let is_other = OTHERS.iter().any(|(of, other, _)| (*of, *other) == (folder, &name));
                assert!(is_rig != is_other, "{folder}: {name} is a rig, or one of OTHERS with the reason");
            }
        }
        for (folder, other, why) in OTHERS {
            let path = root.join(folder).join("tests").join(other);
            let is_there = path.with_extension("rs").is_file() || path.join("main.rs").is_file();
            assert!(is_there && !why.is_empty(), "{folder} has no test {other}");
        }
    }

    #[test]
    fn every_rig_notices_something_and_every_test_that_it_names_exists() {
        let mut known = String::new();
        let root = root().expect("in the repository");
        ["tests", "signals-runtime/tests"].iter().for_each(|folder| functions(&root.join(folder), &mut known));
        for rig in RIGS {
            assert!(Break::ALL.iter().any(|&broken| rig.sees(broken)), "{} bites nothing", rig.name);
            for test in rig.tests(&Break::ALL) {
                assert!(known.contains(test), "{} names `{test}`, which is no test", rig.name);
            }
            let is_program = matches!(rig.run, Run::Program { .. });
            for cell in &rig.cells {
                let fits = match cell {
                    Cell::Sees(red) => !is_program && !red.is_empty(),
                    Cell::Says(_) => is_program,
                    Cell::Blind(_) => true,
                };
                assert!(fits, "{}: a program says something, tests are named", rig.name);
            }
        }
    }
}
