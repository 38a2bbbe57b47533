//! A build for one database contains no other: neither its driver nor its library.
//!
//! What is not among the packages that cargo would build cannot be in the program, so the tree of dependencies is asked, for
//! each feature of the runtime alone, and of an application. A missing driver is found too, or the question would prove nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::Result;
use crate::process::{Echo, cargo, run};

/// The packages whose features choose the database: the library, and an application, in which the features of all its crates
/// come together.
const PACKAGES: [&str; 2] = ["signals-runtime", "shop"];

/// Each database's feature, and the packages that come with it.
const DATABASES: [(&str, &[&str]); 2] =
    [("sqlite", &["sqlx-sqlite", "libsqlite3-sys"]), ("postgres", &["sqlx-postgres"])];

/// Asks for each of `features`, and for none; answers a note for the summary.
///
/// # Errors
///
/// Returns what is where it does not belong.
pub(crate) fn check(features: &[&str]) -> Result<String> {
    let mut wrong = Vec::new();
    let mut builds = 0;
    for package in PACKAGES {
        // An application without a database is none, and has no features but the databases.
        let is_library = package == PACKAGES[0];
        let none = is_library.then_some("");
        let is_its_own = |feature: &&&str| is_library || DATABASES.iter().any(|(database, _)| *database == **feature);
        for feature in none.iter().chain(features.iter().filter(is_its_own)) {
            wrong.extend(compare(package, feature, &packages(package, feature)?));
            builds += 1;
        }
    }
    if wrong.is_empty() { Ok(format!("{builds} builds")) } else { Err(wrong.join("\n")) }
}

/// The names of all packages that `package` is built from with this feature alone.
fn packages(package: &str, feature: &str) -> Result<BTreeSet<String>> {
    let mut tree = cargo()?;
    tree.args(["tree", "--package", package, "--no-default-features", "--edges", "normal,build", "--prefix", "none"]);
    tree.args(["--features", feature]);
    let ran = run(&mut tree, Duration::from_secs(10 * 60), Echo::Errors)?;
    if !ran.ok {
        return Err(format!("`cargo tree` ended with {}: see its output above", ran.end));
    }
    Ok(ran.stdout.iter().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect())
}

/// What is wrong with `packages` in a build of `package` with `feature` alone.
fn compare(package: &str, feature: &str, packages: &BTreeSet<String>) -> Vec<String> {
    let of = |(database, drivers): &(&str, &'static [&'static str])| {
        drivers
            .iter()
            .filter(|driver| (*database == feature) != packages.contains(**driver))
            .map(|driver| {
                let found = if *database == feature { "lacks" } else { "contains" };
                format!("{package} with the features [{feature}] {found} {driver}: repair its features")
            })
            .collect::<Vec<_>>()
    };
    DATABASES.iter().flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(feature: &str, packages: &[&str]) -> Vec<String> {
        compare("shop", feature, &packages.iter().map(|&name| name.to_owned()).collect())
    }

    #[test]
    fn a_driver_of_another_database_is_found_and_so_is_a_missing_one() {
        assert!(wrong("postgres", &["sqlx", "sqlx-postgres"]).is_empty());
        assert!(wrong("", &["tokio"]).is_empty());
        let both = wrong("postgres", &["sqlx-postgres", "libsqlite3-sys"]);
        assert!(both.len() == 1 && both[0].contains("[postgres] contains libsqlite3-sys"), "{both:?}");
        let none = wrong("postgres", &["sqlx"]);
        assert!(none.len() == 1 && none[0].contains("lacks sqlx-postgres"), "{none:?}");
        assert_eq!(wrong("", &["sqlx-postgres"]).len(), 1);
    }
}
