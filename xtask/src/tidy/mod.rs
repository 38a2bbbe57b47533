//! `cargo xtask tidy`: the rules of the house that no compiler checks.
//!
//! A rule reads the [`Tree`] and reports each violation with its place, why the rule exists and what to do.
//! Rules are heuristics over text, kept so simple that a false alarm is rare and easy to understand; each has a test
//! that shows it bite. Not checked, because text does not show it: that transitions are decided in `delivery.rs` alone.

mod docs;
mod hygiene;
mod imports;
mod lexer;
mod manifests;
mod promises;
mod proofs;
mod shape;
mod sql;
mod tree;

use std::fmt;

use crate::Result;
use crate::report::table;
use tree::Tree;

/// One broken rule at one place.
#[derive(Debug)]
struct Violation {
    file: String,
    line: usize,
    what: String,
    why: &'static str,
    remedy: &'static str,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {} · {} · {}", self.file, self.line, self.what, self.why, self.remedy)
    }
}

/// A rule: its name, and what finds its violations.
type Rule = (&'static str, fn(&Tree, &mut Vec<Violation>));

const RULES: &[Rule] = &[
    ("no concrete database above the backends", imports::above_backends),
    ("a backend knows no sibling and no worker", imports::between_backends),
    ("signals-core needs no database, no runtime", imports::core),
    ("signals-macros imports none of ours", imports::macros),
    ("libraries import no tests or examples", imports::tests_and_examples),
    ("dependencies are declared once", manifests::versions),
    ("crates depend on what they may", manifests::allowed),
    ("SQL only in backends", sql::only_in_backends),
    ("SQL files are used and have a header", sql::files),
    ("modules say what they own", shape::module_docs),
    ("long files say why", shape::length),
    ("the clock only in clock.rs", hygiene::clock),
    ("nothing unfinished", hygiene::unfinished),
    ("no test is ignored", hygiene::ignored),
    ("no test sleeps to wait", hygiene::sleeps),
    ("no machine's paths", hygiene::machine_paths),
    ("tests that pages name exist", promises::shown),
    ("promises are shown on every backend", proofs::everywhere),
    ("async functions say what a dropped call leaves", docs::cancel_safety),
    ("code in pages is compiled", docs::compiled),
    ("links lead somewhere", docs::links),
    ("events are explained to operators", docs::events),
];

/// Checks the repository and prints what is wrong.
///
/// # Errors
///
/// Returns an error when the files cannot be read.
pub(crate) fn run() -> Result {
    let tree = Tree::read(&crate::process::root()?)?;
    let mut violations = Vec::new();
    let mut rows = Vec::new();
    for (name, rule) in RULES {
        let before = violations.len();
        rule(&tree, &mut violations);
        rows.push(vec![(*name).to_owned(), (violations.len() - before).to_string()]);
    }
    for violation in &violations {
        println!("{violation}");
    }
    println!("\n{}", table(&["rule", "violations"], &rows));
    println!("{} rules, {} files, {} violations", RULES.len(), tree.len(), violations.len());
    Ok(violations.is_empty())
}

/// The places that `rule` finds in files made of `(path, text)`, as `path:line`.
#[cfg(test)]
fn found(rule: fn(&Tree, &mut Vec<Violation>), files: &[(&str, &str)]) -> Vec<String> {
    let mut violations = Vec::new();
    rule(&Tree::of(files), &mut violations);
    violations.iter().map(|violation| format!("{}:{}", violation.file, violation.line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_violation_says_where_what_why_and_what_to_do() {
        let violation = Violation {
            file: "a/b.rs".to_owned(),
            line: 3,
            what: "`sqlx`".to_owned(),
            why: "core knows no database",
            remedy: "move it",
        };
        assert_eq!(violation.to_string(), "a/b.rs:3: `sqlx` · core knows no database · move it");
    }
}
