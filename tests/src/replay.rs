//! The command that takes again what went wrong.

use std::env;

/// Cargo's command for the tests of this program whose names contain `case`.
pub(crate) fn command(case: &str) -> String {
    let package = env::var("CARGO_PKG_NAME").unwrap_or_else(|_| env!("CARGO_PKG_NAME").to_owned());
    let file = env::current_exe().ok().and_then(|path| Some(path.file_stem()?.to_string_lossy().into_owned()));
    // Cargo calls it `sqlite-0123456789abcdef`.
    let test = file.as_deref().and_then(|name| name.rsplit_once('-')).map_or("<test>", |(name, _)| name);
    format!("cargo test -p {package} --all-features --test {test} {case}").trim_end().to_owned()
}
