//! The pages of `docs/` name the tests that show what they say: those must exist.

use std::collections::BTreeSet;

use super::Violation;
use super::tree::Tree;

const PAGES: &str = "docs/";

/// Every test that a page names is there.
pub(super) fn shown(tree: &Tree, out: &mut Vec<Violation>) {
    let functions: BTreeSet<&str> = tree
        .rust()
        .flat_map(|file| file.text.lines())
        .filter_map(|line| line.split_once("fn ")?.1.split(['(', '<']).next())
        .collect();
    for page in tree.files().filter(|file| file.path.starts_with(PAGES) && file.path.ends_with(".md")) {
        for (number, line) in (1..).zip(page.text.lines()) {
            for name in line.split('`').skip(1).step_by(2).filter(|name| is_test(name)) {
                if !functions.contains(name) {
                    out.push(page.violation(
                        number,
                        format!("`{name}`"),
                        "a promise that no test shows must not look as if one did",
                        "name the test as it is called now, or say in italics why none shows it",
                    ));
                }
            }
        }
    }
}

/// Whether this is the name of a test: a sentence.
fn is_test(name: &str) -> bool {
    let of_words = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    name.chars().all(of_words) && name.matches('_').count() > 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_that_is_gone_is_found() {
        let page = "| I1 | atomic | `i1_a_test_that_is_here` · `i1_one_that_is_gone` and 2 more `i1_*` |\n";
        let test = "pub async fn i1_a_test_that_is_here<H: Harness>(db: Db<H>) {}\n";
        let tree = Tree::of(&[("docs/guarantees.md", page), ("tests/src/a.rs", test)]);
        let mut found = Vec::new();
        shown(&tree, &mut found);
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("docs/guarantees.md:1") && found[0].contains("`i1_one_that_is_gone`"), "{found:?}");
    }
}
