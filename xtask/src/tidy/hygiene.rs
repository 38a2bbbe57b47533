//! What must not be in the source at all: clocks, unfinished work, tests that are skipped or sleep, machines' paths.

use super::Violation;
use super::lexer::words;
use super::tree::{File, Tree};

/// Time comes from a `Clock`; the worker may measure durations.
pub(super) fn clock(tree: &Tree, out: &mut Vec<Violation>) {
    let checked = |file: &&File| {
        let clock = file.path.ends_with("/clock.rs");
        let outside = ["xtask/", "examples/"].iter().any(|prefix| file.path.starts_with(prefix));
        !clock && !outside
    };
    for file in tree.rust().filter(checked) {
        let measured = ["signals-runtime/src/worker", "bench/"].iter().any(|prefix| file.path.starts_with(prefix));
        let measures = measured || !file.path.contains("/src/");
        for (number, line) in file.numbered() {
            let duration = measures || line.is_test || file.is_test() || file.excuses(number, "a duration");
            let clock = if line.code.contains("SystemTime::now") {
                "SystemTime::now"
            } else if line.code.contains("Instant::now") && !duration {
                "Instant::now"
            } else {
                continue;
            };
            out.push(file.violation(
                number,
                format!("`{clock}`"),
                "clocks of workers and senders never decide anything, and tests move time by hand",
                "take a `Clock`; where only a duration is measured, add `// tidy: a duration: <reason>`",
            ));
        }
    }
}

/// No `todo!`, `unimplemented!`, `dbg!`, and no notes of what is left to do.
pub(super) fn unfinished(tree: &Tree, out: &mut Vec<Violation>) {
    for file in tree.rust().filter(|file| !is_this_rules_own(file)) {
        for (number, line) in file.numbered() {
            let macros = ["todo", "unimplemented", "dbg"];
            let called = words(&line.code).find(|(word, _, after)| macros.contains(word) && after.starts_with('!'));
            let notes = ["TODO", "FIXME", "XXX"];
            let noted = words(&line.comment).find(|(word, ..)| notes.contains(word));
            if let Some((word, ..)) = called.or(noted) {
                out.push(file.violation(
                    number,
                    format!("`{word}`"),
                    "what is merged is finished",
                    "finish it, or open an issue and remove the note",
                ));
            }
        }
    }
    for file in tree.files().filter(|file| file.path.ends_with(".sql") || file.path.ends_with(".toml")) {
        for (number, line) in (1..).zip(file.text.lines()) {
            if words(line).any(|(word, ..)| matches!(word, "TODO" | "FIXME")) {
                out.push(file.violation(number, "a note", "what is merged is finished", "finish it"));
            }
        }
    }
}

/// A test that does not run proves nothing.
pub(super) fn ignored(tree: &Tree, out: &mut Vec<Violation>) {
    for file in tree.rust() {
        for (number, line) in file.numbered() {
            if line.code.contains("#[ignore") || line.code.contains(", ignore)]") {
                out.push(file.violation(
                    number,
                    "`#[ignore]`",
                    "a test that does not run proves nothing, and nobody notices when it breaks",
                    "repair it, or delete it and say in the changelog what is no longer proved",
                ));
            }
        }
    }
}

/// Tests wait on conditions with a deadline.
pub(super) fn sleeps(tree: &Tree, out: &mut Vec<Violation>) {
    for file in tree.rust().filter(|file| file.is_test()) {
        for (number, line) in file.numbered() {
            let sleeps = words(&line.code).any(|(word, before, after)| {
                word == "sleep" && after.starts_with('(') && !before.trim_end().ends_with("fn")
            });
            if sleeps && !file.excuses(number, "not a wait") {
                out.push(file.violation(
                    number,
                    "`sleep(`",
                    "a test that sleeps to wait is slow on good days and red on bad ones",
                    "wait on a condition with a deadline; where nothing is awaited, add `// tidy: not a wait: <reason>`",
                ));
            }
        }
    }
}

/// Nothing refers to the machine it was written on.
pub(super) fn machine_paths(tree: &Tree, out: &mut Vec<Violation>) {
    let absolute = |line: &str| {
        ["/root/", "/work/", "/home/"].into_iter().find(|path| {
            line.match_indices(path).any(|(at, _)| {
                let before = line[..at].chars().next_back();
                !before.is_some_and(|c| c.is_alphanumeric() || "._-*})]>~$".contains(c))
            })
        })
    };
    for file in tree.files().filter(|file| !is_this_rules_own(file)) {
        for (number, line) in (1..).zip(file.text.lines()) {
            if let Some(path) = absolute(line) {
                out.push(file.violation(
                    number,
                    format!("a path under `{path}`"),
                    "it exists on one machine only",
                    "use a path relative to the repository, or `$HOME`",
                ));
            }
        }
    }
}

/// This file must spell out what it looks for.
fn is_this_rules_own(file: &File) -> bool {
    file.path == "xtask/src/tidy/hygiene.rs"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::found;

    #[test]
    fn a_clock_outside_clock_rs_is_found() {
        let lines = |path: &str, text: &str| found(clock, &[(path, text)]).len();
        assert_eq!(lines("signals-core/src/send.rs", "let t = SystemTime::now();"), 1);
        assert_eq!(lines("signals-runtime/src/worker/keeper.rs", "let t = SystemTime::now();"), 1);
        assert_eq!(lines("signals-runtime/src/send.rs", "let t = Instant::now();"), 1);
        assert_eq!(lines("signals-runtime/src/worker/keeper.rs", "let t = Instant::now();"), 0);
        assert_eq!(lines("bench/peers/src/main.rs", "let t = Instant::now();"), 0);
        assert_eq!(lines("bench/peers/src/main.rs", "let t = SystemTime::now();"), 1);
        assert_eq!(lines("signals-core/src/clock.rs", "let t = SystemTime::now();"), 0);
        assert_eq!(lines("signals-runtime/src/send.rs", "Instant::now(); // tidy: a duration: a debounce"), 0);
        assert_eq!(lines("tests/src/wait.rs", "let t = Instant::now();"), 0);
        assert_eq!(lines("tests/src/wait.rs", "let t = SystemTime::now();"), 1);
    }

    #[test]
    fn unfinished_work_is_found() {
        let at = "signals-core/src/a.rs";
        for bad in ["todo!()", "unimplemented!()", "dbg!(x)", "// TODO: later", "/* FIXME */"] {
            assert_eq!(found(unfinished, &[(at, bad)]), [format!("{at}:1")], "{bad}");
        }
        assert!(found(unfinished, &[(at, "let todo = \"TODO\"; // todos")]).is_empty());
        assert_eq!(found(unfinished, &[("a/sql/b.sql", "-- TODO")]).len(), 1);
    }

    #[test]
    fn an_ignored_test_is_found() {
        for bad in ["#[ignore]", "#[ignore = \"slow\"]", "#[cfg_attr(miri, ignore)]"] {
            assert_eq!(found(ignored, &[("tests/src/a.rs", bad)]).len(), 1, "{bad}");
        }
        assert!(found(ignored, &[("signals-core/src/a.rs", "/// ```ignore\n/// #[ignore]")]).is_empty());
    }

    #[test]
    fn a_test_that_sleeps_is_found() {
        for path in ["tests/src/a.rs", "signals-runtime/tests/a.rs"] {
            assert_eq!(found(sleeps, &[(path, "tokio::time::sleep(x).await;")]), [format!("{path}:1")]);
            assert!(found(sleeps, &[(path, "sleep(x); // tidy: not a wait: the receiver's work")]).is_empty());
        }
        assert!(found(sleeps, &[("signals-runtime/src/worker/a.rs", "sleep(x)")]).is_empty());
    }

    #[test]
    fn a_path_of_somebodys_machine_is_found() {
        for bad in ["see /home/me/x", "cd \"/work/x\"", "(/root/.cargo)", "file:///home/me/x"] {
            assert_eq!(found(machine_paths, &[("docs/a.md", bad)]), ["docs/a.md:1"], "{bad}");
        }
        for good in ["src/work/x", "$HOME/root/", "../home/x", "target/work/x"] {
            assert!(found(machine_paths, &[("docs/a.md", good)]).is_empty(), "{good}");
        }
    }
}
