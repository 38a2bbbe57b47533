//! The test targets of the workspace, sorted into the steps of `cargo xtask test`: found on disk, so that a new file
//! cannot be forgotten.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::Result;
use crate::postgres::Need;

/// The steps that run tests, in their order, each with the folders of its packages. What is in none of these folders
/// belongs to the first.
const STEPS: [(&str, &[&str], Load); 4] = [
    ("units", &[], Load::Runs),
    ("conformance", &["tests"], Load::Runs),
    ("ui", &["tests/ui"], Load::Compiles),
    ("processes", &["tests/chaos", "tests/rig", "tests/skew"], Load::Runs),
];

/// The folders of the packages whose tests start servers of their own, and break them.
const BREAKERS: [&str; 4] = ["cluster", "tests/chaos", "tests/rig", "tests/rig-postgres"];

/// What tests do for most of their time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Load {
    /// They run, and some of them measure how long something took.
    Runs,
    /// They wait for the compiler, and do not care how long.
    Compiles,
}

/// A step that runs tests.
#[derive(Debug)]
pub(crate) struct Selected {
    pub(crate) name: &'static str,
    pub(crate) needs: Option<Need>,
    pub(crate) load: Load,
    /// The options that select its targets.
    pub(crate) targets: Vec<String>,
}

/// Each step that runs tests, with the options that select its targets: for `cargo test` and `cargo nextest run` alike.
///
/// A file whose name begins with `postgres` needs a server, or the programs of one, and belongs to a step of its own.
///
/// They select targets and never packages: which features a dependency is built with follows from the packages, and
/// nothing must be built twice.
///
/// # Errors
///
/// Returns an error when a folder cannot be read, or a step would run nothing.
pub(crate) fn steps(root: &Path) -> Result<Vec<Selected>> {
    let mut found = BTreeSet::new();
    integration_tests(root, "", &mut found)?;
    let names: BTreeSet<_> = found.iter().map(|(_, name)| name).collect();
    if names.len() < found.len() {
        return Err(format!("two files of integration tests have one name: rename one of {found:?}"));
    }
    let (on_postgres, found): (Vec<_>, Vec<_>) = found.into_iter().partition(|(_, name)| name.starts_with("postgres"));
    let mut steps = Vec::new();
    for (name, folders, load) in STEPS {
        let mut targets = Vec::new();
        if folders.is_empty() {
            targets.extend(["--lib", "--bins", "--examples"].map(str::to_owned));
        }
        let own = |package: &str| STEPS.iter().any(|(_, folders, _)| folders.contains(&package));
        targets.extend(tests(&found, |package| folders.contains(&package) || (folders.is_empty() && !own(package))));
        steps.push(Selected { name, needs: None, load, targets });
    }
    let breaks = |package: &str| BREAKERS.contains(&package);
    let on_a_server = tests(&on_postgres, |package| !breaks(package));
    let with_programs = tests(&on_postgres, breaks);
    steps.extend([
        Selected { name: "postgres", needs: Some(Need::Server), load: Load::Runs, targets: on_a_server },
        Selected { name: "postgres-processes", needs: Some(Need::Programs), load: Load::Runs, targets: with_programs },
    ]);
    match steps.iter().find(|step| step.targets.is_empty()) {
        Some(step) => Err(format!("there are no tests for the step `{}`: restore them", step.name)),
        None => Ok(steps),
    }
}

/// The options for the files in the packages that `belongs` chooses.
fn tests(found: &[(String, String)], belongs: impl Fn(&str) -> bool) -> Vec<String> {
    let chosen = found.iter().filter(|(package, _)| belongs(package));
    chosen.flat_map(|(_, name)| ["--test".to_owned(), name.clone()]).collect()
}

/// Collects `(folder of the package, name)` of every file of integration tests below `dir`, and of every folder with a `main.rs`.
fn integration_tests(dir: &Path, path: &str, found: &mut BTreeSet<(String, String)>) -> Result<()> {
    let broken = |error| format!("cannot read {} ({error}): check its permissions", dir.display());
    let is_package = dir.join("Cargo.toml").is_file();
    for entry in fs::read_dir(dir).map_err(broken)? {
        let entry = entry.map_err(broken)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let built = name == "target" || entry.path().join("CACHEDIR.TAG").exists();
        if name.starts_with('.') || built || !entry.file_type().map_err(broken)?.is_dir() {
            continue;
        }
        // The folder `tests` of the workspace is a package itself.
        if is_package && name == "tests" && !entry.path().join("Cargo.toml").is_file() {
            for file in fs::read_dir(entry.path()).map_err(broken)? {
                let file = file.map_err(broken)?;
                let name = file.file_name().to_string_lossy().into_owned();
                let folder = file.path().join("main.rs").is_file().then_some(&*name);
                if let Some(test) = name.strip_suffix(".rs").or(folder) {
                    found.insert((path.to_owned(), test.to_owned()));
                }
            }
        } else {
            let below = if path.is_empty() { name } else { format!("{path}/{name}") };
            integration_tests(&entry.path(), &below, found)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::root;

    #[test]
    fn every_integration_test_of_this_repository_is_in_one_step() {
        let steps = steps(&root().expect("in the repository")).expect("the tests are there");
        let with = |name: &str| -> Vec<_> {
            steps.iter().filter(|step| step.targets.iter().any(|o| o == name)).map(|step| step.name).collect()
        };
        assert_eq!(with("sqlite"), ["conformance"]);
        assert_eq!(with("wrong"), ["conformance"], "a folder with a main.rs is one, too");
        assert_eq!(with("isolation"), ["units"]);
        assert_eq!(with("--lib"), ["units"]);
        assert_eq!(with("postgres_cluster"), ["postgres-processes"], "it starts servers");
        assert_eq!((with("ui"), with("processes")), (vec!["ui"], vec!["processes"]));
        assert_eq!((with("skew"), with("postgres_skew")), (vec!["processes"], vec!["postgres"]));
    }
}
