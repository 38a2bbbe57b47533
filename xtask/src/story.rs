//! The story: the first example runs from beginning to end, quickly, and prints what it promises.
//!
//! `examples/shop/expected.txt` lists literal fragments, one a line, each of which must occur in a later line of the
//! standard output than the one before. Lines that begin with `#` are comments.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::process::{Echo, root, run};
use crate::report::seconds;
use crate::{Result, examples};

/// How it is started, also what the README's first command must be.
pub(crate) const COMMAND: &str = "cargo run -p shop";

/// How it is started on a server; without a URL it starts one of its own.
const COMMAND_ON_POSTGRES: &str =
    "cargo run -p shop --no-default-features --features postgres -- --database-url postgres://…";

/// Its package, and its folder in `examples/`.
pub(crate) const PACKAGE: &str = "shop";

const EXPECTED: &str = "examples/shop/expected.txt";
const GOAL: Duration = Duration::from_secs(20);

/// Builds and runs the story, and checks it; answers a note for the summary.
///
/// # Errors
///
/// Returns what is wrong with it.
pub(crate) fn check() -> Result<String> {
    tell(COMMAND, &mut Command::new(program(&examples::all()?)?))
}

/// The same story on the Postgres at `url`, told by a program that has no other database.
///
/// # Errors
///
/// Returns what is wrong with it.
pub(crate) fn check_on_postgres(url: &str) -> Result<String> {
    tell(COMMAND_ON_POSTGRES, Command::new(program(&on_postgres()?)?).args(["--database-url", url]))
}

/// The arguments of cargo that build the program of [`check_on_postgres`].
///
/// # Errors
///
/// Returns an error when there is no folder to build in.
pub(crate) fn on_postgres() -> Result<Vec<String>> {
    let alone = ["--package", PACKAGE, "--no-default-features", "--features", "postgres"];
    examples::selection(alone.map(str::to_owned))
}

/// The story's program, built with these arguments of cargo.
fn program(arguments: &[String]) -> Result<PathBuf> {
    examples::build(arguments)?.remove(PACKAGE).ok_or_else(|| format!("{PACKAGE} gave no program"))
}

/// Runs `program`, which `command` is for a person, and compares what it prints.
fn tell(command: &str, program: &mut Command) -> Result<String> {
    let text = fs::read_to_string(root()?.join(EXPECTED))
        .map_err(|error| format!("cannot read {EXPECTED} ({error}): list there what `{command}` must print"))?;
    let expected = fragments(&text);
    if expected.is_empty() {
        return Err(format!("{EXPECTED} expects nothing: list there what `{command}` must print"));
    }
    // Twice the goal: what is merely slow still shows its output.
    let ran = run(program.current_dir(root()?), GOAL * 2, Echo::Both)?;
    if !ran.ok {
        return Err(format!("`{command}` ended with {}: run it and repair what it says", ran.end));
    }
    if ran.took >= GOAL {
        return Err(format!("`{command}` took {}: it must end within {}", seconds(ran.took), seconds(GOAL)));
    }
    compare(&expected, &ran.stdout)?;
    Ok(format!("{} expected lines in {}", expected.len(), seconds(ran.took)))
}

/// Checks that the first command of the README is the story.
///
/// # Errors
///
/// Returns what the README shows instead.
pub(crate) fn check_readme() -> Result<String> {
    let text = fs::read_to_string(root()?.join("README.md"))
        .map_err(|error| format!("cannot read README.md ({error}): write one whose first command is `{COMMAND}`"))?;
    match first_command(&text) {
        Some(command) if command == COMMAND => Ok(format!("`{COMMAND}`")),
        Some(command) => Err(format!("README.md's first command is `{command}`: make it `{COMMAND}`")),
        None => Err(format!("README.md has no ```sh block: show `{COMMAND}` in one")),
    }
}

fn fragments(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

/// Each fragment in a later line than the one before.
fn compare(expected: &[&str], lines: &[String]) -> Result<()> {
    let mut rest = lines.iter();
    for (at, fragment) in expected.iter().enumerate() {
        if !rest.any(|line| line.contains(fragment)) {
            let elsewhere = lines.iter().any(|line| line.contains(fragment));
            let how = if elsewhere { "is printed too early" } else { "is not printed" };
            let before = at.checked_sub(1).map_or("the beginning", |before| expected[before]);
            return Err(format!(
                "`{fragment}` {how}: it belongs after `{before}`; repair the example, or {EXPECTED} if it changed on purpose"
            ));
        }
    }
    Ok(())
}

fn first_command(markdown: &str) -> Option<&str> {
    let mut lines = markdown.lines().map(str::trim);
    lines.find(|line| matches!(*line, "```sh" | "```bash" | "```console" | "```shell"))?;
    let command = lines.find(|line| !line.is_empty() && !line.starts_with('#'))?;
    let command = command.strip_prefix("$ ").unwrap_or(command);
    Some(command.split(" #").next().unwrap_or(command).trim()).filter(|command| !command.starts_with("```"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn fragments_are_found_in_order_with_anything_between() {
        let expected = fragments("# the story\n\npaid 1\n  mailed 1\n");
        assert_eq!(expected, ["paid 1", "mailed 1"]);
        assert_eq!(compare(&expected, &lines("start\n[12 ms] paid 1\nnoise\nmailed 1 to a@b")), Ok(()));
    }

    #[test]
    fn a_missing_or_early_line_is_named() {
        let missing = compare(&["paid", "mailed"], &lines("paid")).expect_err("it is missing");
        assert!(missing.contains("`mailed` is not printed") && missing.contains("after `paid`"), "{missing}");
        let early = compare(&["paid", "mailed"], &lines("mailed\npaid")).expect_err("it is early");
        assert!(early.contains("too early"), "{early}");
        assert!(compare(&["a", "a"], &lines("a")).is_err(), "one line satisfies one fragment");
    }

    #[test]
    fn the_first_command_is_the_first_line_of_the_first_shell_block() {
        let readme = "# signals\n```rust\nfn main() {}\n```\n```sh\n# try it\n$ cargo run -p shop   # the story\ncargo test\n```\n";
        assert_eq!(first_command(readme), Some(COMMAND));
        assert_eq!(first_command("no block"), None);
        assert_eq!(first_command("```sh\n```\n"), None);
    }
}
