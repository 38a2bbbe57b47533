//! What the compiler says about mistakes, word for word, and what it must accept.
//!
//! Each file in `fail` is one mistake and is named after it. After a change of words, read the new ones and keep them
//! with `TRYBUILD=overwrite cargo test -p signals-ui`. Each file in `pass` is a program of this package.
//!
//! Mistakes stand alone with `trybuild`: it checks all of them with one command while none of its cases must pass, and builds
//! every dependency, and then each case by a command of its own, as soon as one must.

use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn every_mistake_is_said_once_where_it_was_made() {
    trybuild::TestCases::new().compile_fail("fail/*/*.rs");
}

#[test]
fn what_must_be_accepted_runs_to_its_end() {
    // Cargo builds the programs of a package beside each other, before its tests.
    let built = Path::new(env!("CARGO_BIN_EXE_minimal")).parent().expect("it is in a folder");
    let sources = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("pass")).expect("the cases are there");
    for source in sources {
        let source = source.expect("the folder can be read").path();
        let name = source.file_stem().expect("it is a file").to_string_lossy();
        let listed = include_str!("../Cargo.toml").contains(&format!("path = \"pass/{name}.rs\""));
        assert!(listed, "pass/{name}.rs is not compiled: list it as a `bin` in Cargo.toml");
        let ran = Command::new(built.join(&*name)).output().expect("it was built");
        assert!(ran.status.success(), "pass/{name}.rs: {}", String::from_utf8_lossy(&ran.stderr));
    }
}
