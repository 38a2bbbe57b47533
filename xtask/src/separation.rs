//! A build for one database contains no other: neither its driver nor its library.
//!
//! What is not among the packages that cargo would build cannot be in the program, so the tree of dependencies is asked, for
//! each feature of the runtime alone. A missing driver is found too, or the question would prove nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::Result;
use crate::process::{Echo, cargo, run};

/// The package whose features choose the database.
const PACKAGE: &str = "signals-runtime";

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
    for feature in [""].iter().chain(features) {
        wrong.extend(compare(feature, &packages(feature)?));
    }
    if wrong.is_empty() { Ok(format!("{} builds", features.len() + 1)) } else { Err(wrong.join("\n")) }
}

/// The names of all packages that the runtime is built from with this feature alone.
fn packages(feature: &str) -> Result<BTreeSet<String>> {
    let mut tree = cargo()?;
    tree.args(["tree", "--package", PACKAGE, "--no-default-features", "--edges", "normal,build", "--prefix", "none"]);
    tree.args(["--features", feature]);
    let ran = run(&mut tree, Duration::from_secs(10 * 60), Echo::Errors)?;
    if !ran.ok {
        return Err(format!("`cargo tree` ended with {}: see its output above", ran.end));
    }
    Ok(ran.stdout.iter().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect())
}

/// What is wrong with `packages` in a build with `feature` alone.
fn compare(feature: &str, packages: &BTreeSet<String>) -> Vec<String> {
    let of = |(database, drivers): &(&str, &'static [&'static str])| {
        drivers
            .iter()
            .filter(|driver| (*database == feature) != packages.contains(**driver))
            .map(|driver| {
                let found = if *database == feature { "lacks" } else { "contains" };
                format!("{PACKAGE} with the features [{feature}] {found} {driver}: repair its features")
            })
            .collect::<Vec<_>>()
    };
    DATABASES.iter().flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(feature: &str, packages: &[&str]) -> Vec<String> {
        compare(feature, &packages.iter().map(|&name| name.to_owned()).collect())
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
