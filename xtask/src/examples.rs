//! The examples: each folder of `examples/` is a program that is named like its folder, and runs and prints.
//!
//! `examples/<name>/expected.txt` is its standard output, to the last character. The first example, the story, runs for
//! longer and says more than it must; `story.rs` compares it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::process::{Echo, apart, cargo, root, run};
use crate::{Result, story};

const FOLDER: &str = "examples";
const LIST: &str = "examples/README.md";
const RUN_LIMIT: Duration = Duration::from_secs(120);
const BUILD_LIMIT: Duration = Duration::from_secs(30 * 60);

/// Builds and runs every example but the story, and compares what each prints; answers a note for the summary.
///
/// # Errors
///
/// Returns what is wrong with all of them.
pub(crate) fn check() -> Result<String> {
    let root = root()?;
    let names: Vec<String> = names(&root)?.into_iter().filter(|name| name != story::PACKAGE).collect();
    let list = fs::read_to_string(root.join(LIST))
        .map_err(|error| format!("cannot read {LIST} ({error}): list there what each example teaches"))?;
    let built = build(&all()?)?;
    let mut wrong = Vec::new();
    for name in &names {
        if !list.contains(&format!("`cargo run -p {name}`")) {
            wrong.push(format!("{LIST} does not name `cargo run -p {name}`: say there what it teaches"));
        }
        wrong.extend(check_one(&root, name, &built).err());
    }
    if wrong.is_empty() { Ok(format!("{} examples", names.len())) } else { Err(wrong.join("\n")) }
}

fn check_one(root: &Path, name: &str, built: &BTreeMap<String, PathBuf>) -> Result<()> {
    let path = format!("{FOLDER}/{name}/expected.txt");
    let expected = fs::read_to_string(root.join(&path))
        .map_err(|error| format!("cannot read {path} ({error}): keep there what `cargo run -p {name}` prints"))?;
    let executable = built.get(name).ok_or_else(|| {
        format!("{FOLDER}/{name} has no program `{name}`: name its package like its folder, and list it as a member")
    })?;
    let ran = run(Command::new(executable).current_dir(root), RUN_LIMIT, Echo::Keep)?;
    if !ran.ok {
        return Err(format!("`cargo run -p {name}` ended with {}:\n{}", ran.end, ran.lines.join("\n")));
    }
    compare(&expected, &ran.stdout).map_err(|difference| format!("{path}: {difference}"))
}

/// The first difference between what was expected and what was printed.
fn compare(expected: &str, printed: &[String]) -> Result<()> {
    let expected: Vec<&str> = expected.lines().collect();
    if expected.is_empty() {
        return Err("it expects nothing: an example shows what it does".to_owned());
    }
    for line in 0..expected.len().max(printed.len()) {
        let (wanted, got) = (expected.get(line).copied(), printed.get(line).map(String::as_str));
        if wanted != got {
            let show = |text: Option<&str>| text.map_or("nothing".to_owned(), |text| format!("`{text}`"));
            let (wanted, got, line) = (show(wanted), show(got), line + 1);
            return Err(format!("line {line} is {wanted}, but {got} was printed: repair one of the two"));
        }
    }
    Ok(())
}

/// The arguments of cargo that build all examples at once, so that what they share is built with one set of features.
///
/// # Errors
///
/// Returns an error when the examples cannot be listed.
pub(crate) fn all() -> Result<Vec<String>> {
    let packages = names(&root()?)?.into_iter().flat_map(|name| ["--package".to_owned(), name]);
    selection(packages)
}

/// The arguments of cargo that build what `options` select. As users build it: with other features than the tests, and apart.
///
/// # Errors
///
/// Returns an error when there is no folder to build in.
pub(crate) fn selection(options: impl IntoIterator<Item = String>) -> Result<Vec<String>> {
    Ok(["build".to_owned()].into_iter().chain(apart()?).chain(options).collect())
}

/// Has cargo build with these `arguments`; answers the programs by name.
///
/// # Errors
///
/// Returns cargo's messages.
pub(crate) fn build(arguments: &[String]) -> Result<BTreeMap<String, PathBuf>> {
    let mut build = cargo()?;
    build.args(arguments).arg("--message-format=json-render-diagnostics");
    let built = run(&mut build, BUILD_LIMIT, Echo::Keep)?;
    if !built.ok {
        let messages: Vec<_> = built.lines.iter().filter(|line| !line.starts_with('{')).map(String::as_str).collect();
        return Err(format!("the examples do not build ({}):\n{}", built.end, messages.join("\n")));
    }
    let programs = built.lines.iter().filter_map(|line| executable(line));
    Ok(programs.filter_map(|path| Some((path.file_stem()?.to_str()?.to_owned(), path))).collect())
}

/// The folders of `examples/`, which are the names of their programs.
fn names(root: &Path) -> Result<Vec<String>> {
    let broken = |error| format!("cannot read {FOLDER} ({error}): restore it");
    let mut names = Vec::new();
    for entry in fs::read_dir(root.join(FOLDER)).map_err(broken)? {
        let entry = entry.map_err(broken)?;
        if entry.file_type().map_err(broken)?.is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// The path in one of cargo's JSON messages about a finished binary.
pub(crate) fn executable(message: &str) -> Option<PathBuf> {
    let (_, rest) = message.split_once(r#""executable":""#)?;
    let (path, _) = rest.split_once('"')?;
    Some(path.replace(r"\\", r"\").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(expected: &str, printed: &[&str]) -> String {
        let printed: Vec<String> = printed.iter().map(|&line| line.to_owned()).collect();
        compare(expected, &printed).err().unwrap_or_default()
    }

    #[test]
    fn the_output_of_an_example_is_compared_to_the_last_line() {
        assert_eq!(difference("sent\ndone\n", &["sent", "done"]), "");
        assert!(difference("sent\ndone\n", &["sent", "dead"]).starts_with("line 2 is `done`, but `dead` was printed"));
        assert!(difference("sent\ndone\n", &["sent"]).starts_with("line 2 is `done`, but nothing was printed"));
        assert!(difference("sent\n", &["sent", "more"]).starts_with("line 2 is nothing, but `more` was printed"));
        assert!(difference("", &[]).contains("expects nothing"), "an empty file checks nothing");
    }

    #[test]
    fn an_example_without_its_expected_output_is_named() {
        let nowhere = Path::new("no-such-folder");
        let missing = check_one(nowhere, "first-signal", &BTreeMap::new()).expect_err("there is no such folder");
        assert!(missing.contains("examples/first-signal/expected.txt"), "{missing}");
    }

    #[test]
    fn the_program_is_read_from_cargos_messages() {
        let message = r#"{"reason":"compiler-artifact","executable":"target/debug/shop","fresh":true}"#;
        assert_eq!(executable(message), Some("target/debug/shop".into()));
        assert_eq!(executable(r#"{"reason":"compiler-artifact","executable":null}"#), None);
    }
}
