//! The two crates that the compile bench compares: 300 receivers, and the same functions without attributes.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::Result;

/// How many modules there are, each with one signal.
pub(super) const MODULES: usize = 50;

/// How many receivers each module has.
pub(super) const RECEIVERS: usize = 6;

/// The crate with attributes.
pub(super) const WITH: &str = "with_attributes";

/// The crate without.
pub(super) const WITHOUT: &str = "without_attributes";

/// Writes a workspace of both crates to `dir`; `root` is the repository's.
pub(super) fn workspace(dir: &Path, root: &Path) -> Result<()> {
    // A workspace of its own, with the profile that a user has who set nothing.
    write(&dir.join("Cargo.toml"), &format!("[workspace]\nresolver = \"3\"\nmembers = [\"{WITH}\", \"{WITHOUT}\"]\n"))?;
    let lock = fs::read_to_string(root.join("Cargo.lock"))
        .map_err(|error| format!("cannot read Cargo.lock ({error}): run `cargo check` once"))?;
    write(&dir.join("Cargo.lock"), &lock)?;
    for (name, attributes) in [(WITH, true), (WITHOUT, false)] {
        let core = root.join("signals-core");
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\nsignals-core = {{ path = {core:?} }}\n"
        );
        write(&dir.join(name).join("Cargo.toml"), &manifest)?;
        write(&dir.join(name).join("src/lib.rs"), &lib())?;
        for module in 0..MODULES {
            write(&dir.join(name).join(format!("src/m{module}.rs")), &source(module, attributes))?;
        }
    }
    Ok(())
}

fn lib() -> String {
    let mut out = String::from("extern crate signals_core as signals_runtime;\n\n");
    for module in 0..MODULES {
        writeln!(out, "pub mod m{module};").expect("a String takes everything");
    }
    out
}

/// One signal and its receivers: by value and by reference, with and without extractors, options and errors, async and not.
fn source(module: usize, attributes: bool) -> String {
    let attribute = |text: String| if attributes { text + "\n" } else { String::new() };
    let mut out = format!(
        "use signals_runtime::{{BoxError, Delivery{}}};\n\n{}pub struct Fact{module} {{ pub id: i64, pub name: String, pub done: bool }}\n",
        if attributes { ", receiver, signal" } else { "" },
        attribute("#[signal]".to_owned()),
    );
    for receiver in 0..RECEIVERS {
        let name = format!("receive_{receiver}");
        let fact = format!("Fact{module}");
        let (options, function) = match receiver % 6 {
            0 => ("", format!("pub async fn {name}(fact: &{fact}) {{ let _ = fact.id; }}")),
            1 => {
                ("", format!("pub async fn {name}(fact: {fact}) -> Result<(), BoxError> {{ drop(fact.name); Ok(()) }}"))
            }
            2 => (
                ", max_attempts = 8, timeout = \"20s\"",
                format!(
                    "pub async fn {name}(fact: &{fact}, delivery: Delivery) -> Result<(), BoxError> {{ let _ = (fact.done, delivery.attempt); Ok(()) }}"
                ),
            ),
            3 => ("", format!("pub fn {name}(fact: &{fact}) {{ let _ = fact.id; }}")),
            4 => (
                ", backoff(initial = \"1s\", factor = 2.0, max = \"1h\"), concurrency = 8",
                format!("pub async fn {name}(fact: {fact}) {{ std::future::ready(fact.id).await; }}"),
            ),
            _ => (
                "",
                format!(
                    "pub fn {name}(fact: {fact}, delivery: Delivery) -> Result<(), std::io::Error> {{ drop((fact, delivery)); Ok(()) }}"
                ),
            ),
        };
        let attribute = attribute(format!("#[receiver(signal = {fact}{options})]"));
        write!(out, "\n{attribute}{function}\n").expect("a String takes everything");
    }
    out
}

fn write(path: &Path, text: &str) -> Result<()> {
    let parent = path.parent().unwrap_or(path);
    fs::create_dir_all(parent)
        .and_then(|()| fs::write(path, text))
        .map_err(|error| format!("cannot write {} ({error}): free the disk or set CARGO_TARGET_DIR", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_crates_have_the_same_functions() {
        let (with, without) = (source(7, true), source(7, false));
        assert_eq!(with.matches("#[receiver(signal = Fact7").count(), RECEIVERS);
        assert_eq!(with.matches("#[signal]").count(), 1);
        assert!(!without.contains("#["), "{without}");
        let functions =
            |text: &str| text.lines().filter(|line| line.contains("fn ")).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(functions(&with), functions(&without));
        assert_eq!(MODULES * RECEIVERS, 300, "the goal speaks of 300 receivers");
    }
}
