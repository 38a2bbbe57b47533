//! The build that is broken on purpose, and programs out of it. It has every switch; each run chooses one.
//!
//! A `--cfg` in `RUSTFLAGS` would build every dependency again whenever a switch is added, and take the place of the flags that
//! somebody has there. A wrapper around the compiler is asked for the packages of this workspace only. All of it is in a folder of
//! its own: no broken program is ever where another command looks for one.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::iter;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use crate::Result;
use crate::examples::executable;
use crate::process::{Echo, cargo, run, target_dir};

use super::matrix::{Break, MEANT, Rig, Run};

/// The longest that a build may take.
const LIMIT: Duration = Duration::from_secs(60 * 60);

/// The variable that makes a compiler of this program.
const SWITCH: &str = "XTASK_BITE";

/// The programs of one build, by the name of their target.
pub(super) type Programs = BTreeMap<String, PathBuf>;

/// Where all of this is built, and what rigs may write.
pub(super) fn folder() -> Result<PathBuf> {
    Ok(target_dir()?.join("bite"))
}

/// Builds what `rigs` run, with every switch.
///
/// # Errors
///
/// Returns cargo's messages: a build that fails bites nothing.
pub(super) fn build(rigs: &[&Rig]) -> Result<Programs> {
    let folder = folder()?;
    let mut build = cargo()?;
    // Targets and never packages: which features a dependency is built with follows from the packages.
    build.args(["test", "--no-run", "--message-format=json-render-diagnostics", "--workspace", "--all-features"]);
    for rig in rigs {
        match rig.run {
            Run::Tests { target, .. } => build.args(["--test", target]),
            Run::Program { bin, .. } => build.args(["--bin", bin]),
        };
    }
    build.env("CARGO_TARGET_DIR", &folder).env("CARGO_INCREMENTAL", "0");
    // Nobody looks at a line of a backtrace here, and what is linked is half as large.
    build.env("CARGO_PROFILE_DEV_DEBUG", "0").env("RUSTC_WORKSPACE_WRAPPER", wrapper(&folder)?).env(SWITCH, "1");
    let built = run(&mut build, LIMIT, Echo::Keep)?;
    if !built.ok {
        let told: Vec<_> = built.lines.iter().filter(|line| !line.starts_with('{')).map(String::as_str).collect();
        return Err(format!("it does not build ({}):\n{}", built.end, told.join("\n")));
    }
    let programs = built.lines.iter().filter_map(|line| executable(line));
    Ok(programs.filter_map(|path| Some((target(&path)?, path))).collect())
}

/// A copy of this program that compiles with the switches: see [`compile`]. A script would lose the variables whose names have
/// hyphens, by which cargo tells tests where their programs are.
fn wrapper(folder: &Path) -> Result<PathBuf> {
    let path = folder.join("compiler");
    let copy = || {
        fs::create_dir_all(folder)?;
        fs::copy(env::current_exe()?, &path)
    };
    match copy() {
        Ok(_) => Ok(path),
        Err(error) => Err(format!("cannot write {} ({error}): make room there", path.display())),
    }
}

/// When cargo calls a copy of this program as its compiler: the compiler's own answer, with every switch set.
pub(crate) fn compile() -> Option<ExitCode> {
    env::var_os(SWITCH)?;
    let mut words = env::args_os().skip(1);
    let mut compiler = Command::new(words.next()?);
    compiler.args(words);
    for cfg in iter::once(MEANT).chain(Break::ALL.map(Break::cfg)) {
        compiler.args(["--cfg", cfg]);
    }
    let code = compiler.status().ok().and_then(|status| u8::try_from(status.code()?).ok());
    Some(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// The target that a program was built of: its name, without the hash that cargo gives to tests.
fn target(path: &Path) -> Option<String> {
    let stem = path.file_stem()?.to_str()?;
    let is_hash = |text: &str| text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    Some(stem.rsplit_once('-').filter(|(_, hash)| is_hash(hash)).map_or(stem, |(name, _)| name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_known_by_their_targets() {
        let named = |path: &str| target(Path::new(path));
        assert_eq!(named("target/debug/deps/postgres_skew-0123456789abcdef").as_deref(), Some("postgres_skew"));
        assert_eq!(named("target/debug/signals-rig").as_deref(), Some("signals-rig"));
    }
}
