//! What the `Cargo.toml` files may say.

use super::Violation;
use super::tree::{File, Tree};

/// The packages that may not appear among a package's dependencies.
const FORBIDDEN: [(&str, &[&str], &str); 4] = [
    ("signals-core/", &["sqlx", "tokio", "clap"], "libraries that only declare signals depend on signals-core alone"),
    ("signals-macros/", &["signals-core", "signals-runtime"], "signals-core depends on the macros"),
    ("signals-", &["signals-conformance"], "a published crate has no tests beside it"),
    ("xtask/", &["*"], "the tools are built before anything else, from the standard library alone"),
];

/// The dependencies of a manifest: line, section, name, the rest of the line.
fn dependencies(file: &File) -> impl Iterator<Item = (usize, &str, &str, &str)> {
    let mut section = "";
    (1..).zip(file.text.lines()).filter_map(move |(number, line)| {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[') {
            section = header.trim_end_matches(']');
            // `[dependencies.name]`: the name is in the header.
            let named = section.rsplit_once("dependencies.").map(|(_, name)| (number, section, name, ""));
            return named.filter(|_| !section.starts_with("workspace."));
        }
        let (key, value) = line.split_once('=').filter(|(key, _)| !key.starts_with('#'))?;
        let name = key.trim().split('.').next()?;
        section.ends_with("dependencies").then_some((number, section, name, line.get(key.len()..).unwrap_or(value)))
    })
}

/// Every version once, in the workspace's manifest, features off.
pub(super) fn versions(tree: &Tree, out: &mut Vec<Violation>) {
    // Deeper ones are examples and fixtures, which may stand outside the workspace.
    for file in tree.manifests().filter(|file| file.path.matches('/').count() <= 1) {
        for (number, section, name, rest) in dependencies(file) {
            let declared_here = rest.trim_start().starts_with("= \"") || rest.contains("version");
            if section == "workspace.dependencies" {
                if !rest.contains("path =") && !rest.contains("default-features = false") {
                    out.push(file.violation(
                        number,
                        format!("`{name}` keeps its default features"),
                        "a feature is switched on where it is needed",
                        "add `default-features = false` and name the features that are used",
                    ));
                }
            } else if declared_here && file.path != "Cargo.toml" {
                out.push(file.violation(
                    number,
                    format!("`{name}` has a version of its own"),
                    "every version is written once",
                    "declare it in the root's [workspace.dependencies] and write `workspace = true` here",
                ));
            }
        }
    }
}

/// Crates depend on what they may.
pub(super) fn allowed(tree: &Tree, out: &mut Vec<Violation>) {
    let example_packages: Vec<&str> = tree
        .manifests()
        .filter(|file| file.path.starts_with("examples/"))
        .filter_map(|file| file.text.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"')))
        .collect();
    for file in tree.manifests() {
        for (number, section, name, _) in dependencies(file) {
            // The macros' tests and doctests need the core that re-exports them: a cycle of tests alone.
            let cycle_of_tests = file.path.starts_with("signals-macros/") && section.starts_with("dev-");
            let rules = FORBIDDEN.iter().filter(|(package, ..)| file.path.starts_with(package) && !cycle_of_tests);
            for (.., why) in rules.filter(|(_, names, _)| names.contains(&name) || names.contains(&"*")) {
                out.push(file.violation(
                    number,
                    format!("depends on `{name}`"),
                    why,
                    "remove it; what needs it belongs to another crate",
                ));
            }
            if file.path.starts_with("signals-") && example_packages.contains(&name) {
                out.push(file.violation(
                    number,
                    format!("depends on the example `{name}`"),
                    "nothing imports tests or examples",
                    "move what is shared into the library",
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
    fn a_version_outside_the_workspaces_manifest_is_found() {
        let member = |line: &str| found(versions, &[("signals-core/Cargo.toml", &format!("[dependencies]\n{line}\n"))]);
        assert_eq!(member("serde = \"1\""), ["signals-core/Cargo.toml:2"]);
        assert_eq!(member("serde = { version = \"1\" }"), ["signals-core/Cargo.toml:2"]);
        assert!(member("serde.workspace = true").is_empty());
        assert!(member("serde = { workspace = true, features = [\"std\"] }").is_empty());
    }

    #[test]
    fn default_features_in_the_workspaces_manifest_are_found() {
        let root = |line: &str| found(versions, &[("Cargo.toml", &format!("[workspace.dependencies]\n{line}\n"))]);
        assert_eq!(root("serde = { version = \"1\" }"), ["Cargo.toml:2"]);
        assert!(root("serde = { version = \"1\", default-features = false }").is_empty());
        assert!(root("signals-core = { path = \"signals-core\", version = \"0.1.0\" }").is_empty());
    }

    #[test]
    fn forbidden_dependencies_are_found() {
        let bad = |path: &str, name: &str| {
            found(allowed, &[(path, &format!("[dev-dependencies]\n{name}.workspace = true\n"))]).len()
        };
        assert_eq!(bad("signals-core/Cargo.toml", "tokio"), 1);
        assert_eq!(bad("signals-macros/Cargo.toml", "signals-core"), 0, "a cycle of tests alone");
        assert_eq!(bad("signals-runtime/Cargo.toml", "signals-conformance"), 1);
        assert_eq!(bad("xtask/Cargo.toml", "serde"), 1);
        assert_eq!(bad("signals-runtime/Cargo.toml", "tokio"), 0);
        let macros = ("signals-macros/Cargo.toml", "[dependencies]\nsignals-core.workspace = true\n");
        assert_eq!(found(allowed, &[macros]), ["signals-macros/Cargo.toml:2"]);
        let table = "[target.'cfg(unix)'.dependencies.sqlx]\nworkspace = true\n";
        assert_eq!(found(allowed, &[("signals-core/Cargo.toml", table)]), ["signals-core/Cargo.toml:1"]);
    }

    #[test]
    fn a_library_that_depends_on_an_example_is_found() {
        let example = ("examples/shop/app/Cargo.toml", "[package]\nname = \"shop\"\n");
        let library = ("signals-runtime/Cargo.toml", "[dependencies]\nshop = { path = \"../examples/shop/app\" }\n");
        assert_eq!(found(allowed, &[example, library]), ["signals-runtime/Cargo.toml:2"]);
    }
}
