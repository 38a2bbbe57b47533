//! The files of the repository, read once for all rules.

use std::fs;
use std::path::Path;

use super::Violation;
use super::lexer::{self, Line};
use crate::Result;

/// One text file.
#[derive(Debug)]
pub(super) struct File {
    /// Its path from the root, with `/`.
    pub(super) path: String,
    /// All of it.
    pub(super) text: String,
    /// Its lines, when it is Rust.
    pub(super) rust: Vec<Line>,
}

/// All of them, by path.
#[derive(Debug, Default)]
pub(super) struct Tree(Vec<File>);

const KINDS: [&str; 10] = ["rs", "toml", "sql", "md", "sh", "yml", "yaml", "txt", "stderr", "snap"];

impl Tree {
    /// Reads the repository at `root`, but for what is hidden (other than `.ci`, `.cargo`, `.github`) or built.
    pub(super) fn read(root: &Path) -> Result<Self> {
        let mut tree = Self::default();
        tree.read_dir(root, "")?;
        tree.0.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(tree)
    }

    /// A tree of `(path, text)`.
    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        Self(files.iter().map(|(path, text)| File::new((*path).to_owned(), (*text).to_owned())).collect())
    }

    /// How many files there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// All files.
    pub(super) fn files(&self) -> impl Iterator<Item = &File> {
        self.0.iter()
    }

    /// The Rust files, but for those of `tests/ui`, which are mistakes on purpose.
    pub(super) fn rust(&self) -> impl Iterator<Item = &File> {
        self.0.iter().filter(|file| file.path.ends_with(".rs") && !file.path.contains("/ui/"))
    }

    /// The Rust files of the library crates.
    pub(super) fn libraries(&self) -> impl Iterator<Item = &File> {
        self.rust().filter(|file| file.path.starts_with("signals-") && file.path.contains("/src/"))
    }

    /// The manifests below the root.
    pub(super) fn manifests(&self) -> impl Iterator<Item = &File> {
        self.0.iter().filter(|file| file.path.ends_with("Cargo.toml"))
    }

    fn read_dir(&mut self, dir: &Path, prefix: &str) -> Result<()> {
        let broken = |error| format!("cannot read {} ({error}): check its permissions", dir.display());
        // A build directory marks itself with this file.
        if dir.join("CACHEDIR.TAG").exists() {
            return Ok(());
        }
        for entry in fs::read_dir(dir).map_err(broken)? {
            let entry = entry.map_err(broken)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = format!("{prefix}{name}");
            let hidden = name.starts_with('.') && !matches!(name.as_str(), ".ci" | ".cargo" | ".github");
            if hidden || matches!(path.as_str(), "target" | "tests/ui/wip") {
                continue;
            }
            let kind = entry.file_type().map_err(broken)?;
            if kind.is_dir() {
                self.read_dir(&entry.path(), &format!("{path}/"))?;
            } else if kind.is_file() && is_text(&path) {
                let text = fs::read_to_string(entry.path())
                    .map_err(|error| format!("cannot read {path} ({error}): save it as UTF-8"))?;
                self.0.push(File::new(path, text));
            }
        }
        Ok(())
    }
}

impl File {
    fn new(path: String, text: String) -> Self {
        let rust = if path.ends_with(".rs") { lexer::lines(&text) } else { Vec::new() };
        Self { path, text, rust }
    }

    /// Its lines of Rust, numbered from 1.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (usize, &Line)> {
        (1..).zip(&self.rust)
    }

    /// The same without what is compiled for tests alone.
    pub(super) fn shipped(&self) -> impl Iterator<Item = (usize, &Line)> {
        let is_test_file = self.is_test();
        self.numbered().filter(move |(_, line)| !is_test_file && !line.is_test)
    }

    /// Whether this belongs to tests: in a folder `tests`, or a module of that name.
    pub(super) fn is_test(&self) -> bool {
        self.path.starts_with("tests/") || self.path.contains("/tests/") || self.path.ends_with("/tests.rs")
    }

    /// Whether a line, or the one above it, carries `// tidy: <what>: <reason>`.
    pub(super) fn excuses(&self, number: usize, what: &str) -> bool {
        let marks = |line: &Line| {
            let reason = line.comment.trim_start_matches('/').trim().strip_prefix("tidy: ");
            reason.and_then(|reason| reason.strip_prefix(what)?.strip_prefix(": ")).is_some_and(|text| !text.is_empty())
        };
        let above = number.checked_sub(2).and_then(|at| self.rust.get(at)).filter(|line| line.code.trim().is_empty());
        self.rust.get(number - 1).is_some_and(marks) || above.is_some_and(marks)
    }

    /// A violation here.
    pub(super) fn violation(
        &self,
        line: usize,
        what: impl Into<String>,
        why: &'static str,
        remedy: &'static str,
    ) -> Violation {
        Violation { file: self.path.clone(), line, what: what.into(), why, remedy }
    }
}

fn is_text(path: &str) -> bool {
    path.starts_with(".ci/") || path.rsplit_once('.').is_some_and(|(_, kind)| KINDS.contains(&kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excuse_needs_a_reason() {
        let tree = Tree::of(&[(
            "tests/src/a.rs",
            "a(); // tidy: not a wait: holds a lock\nb(); // tidy: not a wait:\n// tidy: not a wait: yes\nc();\n\nd();",
        )]);
        let file = tree.files().next().expect("one file");
        let excused = [1, 2, 4, 6].map(|line| file.excuses(line, "not a wait"));
        assert_eq!(excused, [true, false, true, false]);
    }
}
