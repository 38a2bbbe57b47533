//! Payments depends on none of the modules that react to its signals, neither directly nor through another package.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

/// Every package of the workspace that `package` depends on, in whatever way, as `cargo` sees it.
fn reach(metadata: &Value, package: &str) -> BTreeSet<String> {
    let packages = metadata["packages"].as_array().expect("cargo lists the packages");
    let mut reached = BTreeSet::new();
    let mut open = vec![package.to_owned()];
    while let Some(name) = open.pop() {
        // A package that is not of this workspace is not in the list: it cannot depend on one that is.
        let Some(found) = packages.iter().find(|package| package["name"] == name.as_str()) else { continue };
        for dependency in found["dependencies"].as_array().expect("a package has dependencies") {
            let name = dependency["name"].as_str().expect("a dependency has a name");
            if reached.insert(name.to_owned()) {
                open.push(name.to_owned());
            }
        }
    }
    reached
}

#[test]
fn payments_depends_on_none_of_its_receivers() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");

    let reached = reach(&metadata, "shop-payments");
    assert!(reached.contains("shop-base"), "the search finds what is there: {reached:?}");
    for receiver in ["shop-orders", "shop-receipts", "shop-analytics", "shop"] {
        assert!(!reached.contains(receiver), "payments must not depend on {receiver}");
    }
    assert!(reach(&metadata, "shop-analytics").contains("shop-payments"), "the search finds what is further away");
}
