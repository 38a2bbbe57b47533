//! Where SQL is: one statement per file, in the backends, each file in use and explained.

use super::Violation;
use super::tree::{File, Tree};

const VERBS: [&str; 6] = ["SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "WITH"];

/// No SQL in strings outside backends, tests and examples.
pub(super) fn only_in_backends(tree: &Tree, out: &mut Vec<Violation>) {
    for file in tree.libraries().filter(|file| backend(&file.path).is_none()) {
        for (number, line) in file.shipped() {
            let starts = |text: &&String| {
                let first = text.split_whitespace().next().unwrap_or_default();
                VERBS.contains(&first) && text.trim() != first
            };
            if let Some(text) = line.strings.iter().find(starts) {
                let shown: String = text.split_whitespace().take(4).collect::<Vec<_>>().join(" ");
                out.push(file.violation(
                    number,
                    format!("SQL `{shown} …`"),
                    "each database has its own dialect, and its statements in one place",
                    "move it to backend/<db>/sql/<verb>.sql, behind a method of the trait",
                ));
            }
        }
    }
}

/// Every `backend/<db>/sql/*.sql` is included by its backend and begins with a comment.
pub(super) fn files(tree: &Tree, out: &mut Vec<Violation>) {
    let statements = tree.files().filter_map(|file| {
        let (folder, rest) = backend(&file.path)?;
        (rest.starts_with("sql/") && rest.ends_with(".sql")).then_some((file, folder, rest))
    });
    for (file, folder, rest) in statements {
        if !is_included(tree, folder, rest) {
            out.push(file.violation(
                1,
                "no `include_str!` in its backend names this file",
                "an unused statement is neither prepared by a test nor read by anybody",
                "include it or delete it",
            ));
        }
        let first = file.text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        if first.trim_start_matches('-').trim().is_empty() || !first.starts_with("--") {
            out.push(file.violation(
                1,
                "has no header comment",
                "a statement says what it does, which rows it locks and which index it uses",
                "begin the file with `-- …`",
            ));
        }
    }
}

/// Whether the Rust of backend `folder` includes `path` (`sql/claim.sql`), by that path or, through a macro that builds
/// the path with `concat!`, by its name alone.
fn is_included(tree: &Tree, folder: &str, path: &str) -> bool {
    let stem = path.trim_start_matches("sql/").trim_end_matches(".sql");
    let own: Vec<&File> =
        tree.rust().filter(|file| backend(&file.path).is_some_and(|(own, _)| own == folder)).collect();
    let code = |what: &str| own.iter().any(|file| file.rust.iter().any(|line| line.code.contains(what)));
    let literal = |fits: &dyn Fn(&str) -> bool| {
        own.iter().any(|file| file.rust.iter().any(|line| line.strings.iter().any(|text| fits(text))))
    };
    let by_path = code("include_str!") && literal(&|text| text == path || text.ends_with(&format!("/{path}")));
    by_path || (code("include_str!(concat!(") && literal(&|text| text == stem || text == format!("{stem}.sql")))
}

/// The backend that a file belongs to, and its path in there.
fn backend(path: &str) -> Option<(&str, &str)> {
    path.strip_prefix("signals-runtime/src/backend/")?.split_once('/')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::found;

    #[test]
    fn sql_outside_a_backend_is_found() {
        let at = "signals-runtime/src/worker/keeper.rs";
        assert_eq!(found(only_in_backends, &[(at, "query(\n  \"UPDATE delivery SET x = 1\")")]), [format!("{at}:2")]);
        for good in ["/// `SELECT 1`", "f(\"Select one\")", "f(\"WITH\")", "#[cfg(test)]\nmod t { f(\"SELECT 1\"); }"] {
            assert!(found(only_in_backends, &[(at, good)]).is_empty(), "{good}");
        }
        let backend = ("signals-runtime/src/backend/sqlite/setup.rs", "f(\"CREATE TABLE x (y)\")");
        assert!(found(only_in_backends, &[backend, ("tests/src/a.rs", "f(\"SELECT 1\")")]).is_empty());
    }

    #[test]
    fn an_unused_or_unexplained_statement_is_found() {
        let sql = "signals-runtime/src/backend/sqlite/sql/claim.sql";
        let rust = |text| ("signals-runtime/src/backend/sqlite/mod.rs", text);
        let explained = (sql, "-- Takes what is due.\nUPDATE x");
        assert_eq!(found(files, &[explained, rust("include_str!(\"sql/ack.sql\") // sql/claim.sql")]).len(), 1);
        assert_eq!(found(files, &[(sql, "UPDATE x"), rust("include_str!(\"sql/claim.sql\")")]).len(), 1);
        assert!(found(files, &[explained, rust("include_str!(\"sql/claim.sql\")")]).is_empty());
        let by_name = "macro_rules! sql { ($n:literal) => { include_str!(concat!(\"sql/\", $n)) } } sql!(\"claim\")";
        assert!(found(files, &[explained, rust(by_name)]).is_empty());
        let sibling = ("signals-runtime/src/backend/postgres/mod.rs", "include_str!(\"sql/claim.sql\")");
        assert_eq!(found(files, &[explained, sibling]).len(), 1, "a sibling's include does not count");
    }
}
