//! A program that sees another time than the machine's, through `libfaketime`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::install::{Package, hint};

/// Where packages put the library. `*` is the machine's kind.
const FOLDERS: [&str; 3] = ["/usr/lib", "/usr/lib64", "/usr/local/lib"];

/// Lets `command` see a clock that is `seconds` ahead. Durations are as long as ever.
///
/// # Errors
///
/// Returns an error that says what to install when the library is not there.
pub fn shift_clock(command: &mut Command, seconds: i64) -> anyhow::Result<()> {
    let library = find().with_context(|| format!("libfaketime is missing: {}", hint(Package::FakeTime)))?;
    command.env("LD_PRELOAD", library);
    command
        .env("FAKETIME", format!("{seconds:+}"))
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .env("FAKETIME_NO_CACHE", "1");
    Ok(())
}

/// The library.
pub(crate) fn find() -> Option<PathBuf> {
    FOLDERS.iter().find_map(|folder| {
        let of_kinds = Path::new(folder).read_dir().into_iter().flatten().flatten().map(|entry| entry.path());
        let mut places = [PathBuf::from(folder)].into_iter().chain(of_kinds);
        places.find_map(|place| Some(place.join("faketime/libfaketime.so.1")).filter(|library| library.is_file()))
    })
}
