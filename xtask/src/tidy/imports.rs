//! Who may name whom in Rust source.

use super::Violation;
use super::lexer::words;
use super::tree::{File, Tree};

const RUNTIME: &str = "signals-runtime/src/";
const BACKENDS: &str = "signals-runtime/src/backend/";

/// Lower-case pieces of identifiers that name a concrete database, and prefixes of its types.
const DATABASES: [(&str, &[&str], &[&str]); 4] = [
    ("sqlite", &["sqlite"], &[]),
    ("postgres", &["postgres"], &["Pg"]),
    ("mysql", &["mysql", "mariadb"], &[]),
    ("memory", &[], &["Memory"]),
];

/// Whether `word`, with what surrounds it, names `database`.
fn names(database: &str, word: &str, before: &str, after: &str) -> bool {
    let lower = word.to_lowercase();
    let path = |name: &str| lower == name && (after.starts_with("::") || before.ends_with("backend::"));
    let Some((_, pieces, prefixes)) = DATABASES.iter().find(|(name, ..)| *name == database) else {
        return path(database);
    };
    let typed =
        |prefix: &&str| word.strip_prefix(*prefix).is_some_and(|rest| rest.starts_with(|c: char| c.is_uppercase()));
    path(database) || pieces.iter().any(|piece| lower.contains(piece)) || prefixes.iter().any(typed)
}

/// Worker, maintenance and extractors work on any backend.
pub(super) fn above_backends(tree: &Tree, out: &mut Vec<Violation>) {
    let above = |path: &str| {
        let rest = path.strip_prefix(RUNTIME).unwrap_or_default();
        ["worker", "maintenance", "extract"]
            .iter()
            .any(|part| rest.strip_prefix(part).is_some_and(|rest| rest.starts_with('/') || rest.starts_with(".rs")))
    };
    for file in tree.libraries().filter(|file| above(&file.path)) {
        for (number, line) in file.shipped() {
            let database = |(word, before, after): &(&str, &str, &str)| {
                *word == "sqlx" || DATABASES.iter().any(|(database, ..)| names(database, word, before, after))
            };
            let feature = || {
                let named = |text: &&String| DATABASES.iter().any(|(database, ..)| text.as_str() == *database);
                line.code.contains("feature").then(|| line.strings.iter().find(named)).flatten().map(String::as_str)
            };
            if let Some(word) = words(&line.code).find(database).map(|(word, ..)| word).or_else(feature) {
                out.push(file.violation(
                    number,
                    format!("names the database `{word}`"),
                    "worker, maintenance and extractors run on every backend",
                    "ask `Capabilities`, or add a method to `Backend` or `Store`",
                ));
            }
        }
    }
}

/// What the backends that speak SQL share: no backend, and anybody's.
const SHARED: &str = "common";

/// A backend is a folder that can be copied: it knows neither its siblings nor who uses it.
pub(super) fn between_backends(tree: &Tree, out: &mut Vec<Violation>) {
    fn folder(file: &File) -> Option<&str> {
        file.path.strip_prefix(BACKENDS)?.split_once('/').map(|(folder, _)| folder)
    }
    let mut folders: Vec<&str> = tree.libraries().filter_map(folder).collect();
    folders.dedup();
    for file in tree.libraries() {
        let Some(own) = folder(file) else { continue };
        for (number, line) in file.numbered() {
            let of_sibling = |(word, before, after): &(&str, &str, &str)| {
                let mut siblings = folders.iter().filter(|folder| ![own, SHARED].contains(*folder));
                siblings.any(|sibling| names(sibling, word, before, after))
            };
            let of_user = |(word, before, after): &(&str, &str, &str)| {
                let imported = before.trim_start().starts_with("use crate::");
                matches!(*word, "worker" | "maintenance")
                    && (after.starts_with("::") || before.ends_with("crate::") || imported)
            };
            if let Some((word, ..)) = words(&line.code).find(of_sibling) {
                out.push(file.violation(
                    number,
                    format!("backend `{own}` names its sibling in `{word}`"),
                    "knowing one backend is knowing all of them, and each builds alone",
                    "move what they share to `backend/` or to signals-core",
                ));
            }
            if let Some((word, ..)) = words(&line.code).find(of_user) {
                out.push(file.violation(
                    number,
                    format!("backend `{own}` names `{word}`"),
                    "the worker knows backends through their traits, never the other way",
                    "pass what is needed as a parameter of the trait's method",
                ));
            }
        }
    }
}

/// The core can be used without any database or runtime.
pub(super) fn core(tree: &Tree, out: &mut Vec<Violation>) {
    for file in tree.libraries().filter(|file| file.path.starts_with("signals-core/")) {
        for (number, line) in file.numbered() {
            if let Some((word, ..)) = words(&line.code).find(|(word, ..)| matches!(*word, "sqlx" | "tokio" | "clap")) {
                out.push(file.violation(
                    number,
                    format!("names `{word}`"),
                    "libraries that only declare signals depend on signals-core alone",
                    "move it to signals-runtime, behind a trait of the core",
                ));
            }
        }
    }
}

/// The macros know our crates by the paths that they write, not by importing them.
pub(super) fn macros(tree: &Tree, out: &mut Vec<Violation>) {
    for file in tree.libraries().filter(|file| file.path.starts_with("signals-macros/")) {
        for (number, line) in file.shipped() {
            let code = line.code.trim_start();
            let import = ["use signals_", "use ::signals_", "extern crate signals_"];
            if import.iter().any(|import| code.starts_with(import)) {
                out.push(file.violation(
                    number,
                    format!("`{}`", code.trim_end()),
                    "signals-core depends on the macros: the other way round is a cycle",
                    "write the path into the expansion",
                ));
            }
        }
    }
}

/// Nothing that ships depends on tests or examples.
pub(super) fn tests_and_examples(tree: &Tree, out: &mut Vec<Violation>) {
    for file in tree.libraries() {
        for (number, line) in file.numbered() {
            let outside = line.strings.iter().any(|text| text.contains("../tests/") || text.contains("../examples/"));
            if outside || words(&line.code).any(|(word, ..)| word == "signals_conformance") {
                out.push(file.violation(
                    number,
                    "reaches into tests or examples",
                    "a published crate has neither beside it",
                    "move what is shared into the library, `testing` for instance",
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::found;

    #[test]
    fn a_worker_that_names_a_database_is_found() {
        let at = "signals-runtime/src/worker/claimer.rs";
        for bad in
            ["use sqlx::Row;", "let x = SqliteTx;", "backend::memory::new();", "PgTx", "#[cfg(feature = \"mysql\")]"]
        {
            assert_eq!(found(above_backends, &[(at, bad)]), [format!("{at}:1")], "{bad}");
        }
        for good in ["// SQLite has one writer", "let memory = 1;", "Page::new()", "#[cfg(test)]\nuse sqlx;"] {
            assert!(found(above_backends, &[(at, good)]).is_empty(), "{good}");
        }
        assert_eq!(found(above_backends, &[("signals-runtime/src/extract.rs", "sqlx")]).len(), 1);
        assert!(found(above_backends, &[("signals-runtime/src/workers.rs", "sqlx")]).is_empty());
    }

    #[test]
    fn a_backend_that_names_its_sibling_or_the_worker_is_found() {
        let at = "signals-runtime/src/backend/sqlite/send.rs";
        let sibling = ("signals-runtime/src/backend/memory/mod.rs", "");
        for bad in
            ["use super::super::memory::Table;", "MemoryBackend", "use crate::worker::X;", "use crate::{a, worker};"]
        {
            assert_eq!(found(between_backends, &[(at, bad), sibling]), [format!("{at}:1")], "{bad}");
        }
        let good = "use sqlx::sqlite::SqliteRow; let worker = 1; let memory = 2; use super::super::common::rows;";
        assert!(found(between_backends, &[(at, good), sibling]).is_empty());
    }

    #[test]
    fn a_core_that_knows_a_runtime_is_found() {
        assert_eq!(found(core, &[("signals-core/src/a.rs", "tokio::spawn(x)")]).len(), 1);
        assert!(found(core, &[("signals-core/src/a.rs", "f(\"through sqlx\") // tokio")]).is_empty());
    }

    #[test]
    fn macros_that_import_us_are_found() {
        assert_eq!(found(macros, &[("signals-macros/src/a.rs", "use signals_core::X;")]).len(), 1);
        assert!(found(macros, &[("signals-macros/src/a.rs", "quote!(::signals_runtime::X)")]).is_empty());
    }

    #[test]
    fn a_library_that_reaches_into_tests_is_found() {
        let at = "signals-core/src/a.rs";
        assert_eq!(found(tests_and_examples, &[(at, "use signals_conformance::suite;")]).len(), 1);
        assert_eq!(found(tests_and_examples, &[(at, "include!(\"../../tests/src/lib.rs\");")]).len(), 1);
    }
}
