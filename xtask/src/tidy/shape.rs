//! The shape of a source file: what it says of itself, and how long it is.

use super::Violation;
use super::lexer::words;
use super::tree::Tree;

const MAX_LINES: usize = 500;

/// Every module begins with `//!`.
pub(super) fn module_docs(tree: &Tree, out: &mut Vec<Violation>) {
    for file in tree.rust() {
        if !file.text.trim_start().starts_with("//!") {
            out.push(file.violation(
                1,
                "does not begin with `//!`",
                "a reader learns first what a module owns and what it does not",
                "say so in its first line",
            ));
        }
    }
}

/// A file above 500 lines says why it is long.
pub(super) fn length(tree: &Tree, out: &mut Vec<Violation>) {
    for file in tree.rust() {
        let header = file.text.lines().take_while(|line| line.starts_with("//!"));
        let says_why = header.flat_map(words).any(|(word, ..)| word.eq_ignore_ascii_case("long"));
        if file.text.lines().count() > MAX_LINES && !says_why {
            out.push(file.violation(
                MAX_LINES + 1,
                format!("has {} lines", file.text.lines().count()),
                "a file that owns one thing fits in 100 to 250 lines",
                "look for a seam, or say in its `//!` why it is long",
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::found;

    #[test]
    fn a_module_that_says_nothing_of_itself_is_found() {
        assert_eq!(found(module_docs, &[("signals-core/src/a.rs", "use x;\n//! late")]), ["signals-core/src/a.rs:1"]);
        let fine = [("tests/ui/fail/a.rs", "fn main() {}"), ("xtask/src/a.rs", "//! Owns a.\n")];
        assert!(found(module_docs, &fine).is_empty());
    }

    #[test]
    fn a_long_file_without_a_reason_is_found() {
        let file = |header: &str, lines| format!("{header}\n{}", "x;\n".repeat(lines));
        let at = "signals-core/src/a.rs";
        assert_eq!(found(length, &[(at, &file("//! It belongs here.", 600))]), [format!("{at}:501")]);
        assert!(found(length, &[(at, &file("//! Owns a. Long because the table is one.", 600))]).is_empty());
        assert!(found(length, &[(at, &file("//! Owns a.", 400))]).is_empty());
    }
}
