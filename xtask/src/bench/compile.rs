//! What 300 receivers cost in `cargo check`, against the same functions without attributes (goal P12).
//!
//! Rounds are interleaved: each measures both crates cold (their own artefacts removed, dependencies kept) and after a
//! touch of `lib.rs`, incrementally, as an editor would see it. Medians of wall time count. Processor time is shown
//! beside them where the system tells it: a goal missed by the one and not by the other was missed by a busy machine.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use super::flags;
use super::generate::{MODULES, RECEIVERS, WITH, WITHOUT, workspace};
use crate::Result;
use crate::process::{Echo, cargo, root, run as run_process, target_dir};
use crate::report::{Format, Measured, median, results, seconds};

const ADDED: f64 = 6.0;
const TOUCHED: f64 = 1.5;
const LIMIT: Duration = Duration::from_secs(20 * 60);

/// The seconds of one crate, a value a round.
#[derive(Debug, Default)]
struct Seconds {
    cold: Vec<f64>,
    touched: Vec<f64>,
    cold_processor: Vec<f64>,
    touched_processor: Vec<f64>,
}

/// Generates, measures, prints; `false` when a goal is missed.
///
/// # Errors
///
/// Returns an error when the crates cannot be written or do not compile.
pub(crate) fn run(options: &[&str]) -> Result {
    let [json, quick] = flags("compile", ["--json", "--quick"], options)?;
    let rounds = if quick { 1 } else { 5 };
    let bench = Bench { dir: target_dir()?.join("xtask/compile"), started: Instant::now() };

    bench.progress(&format!("step 1 of 2: two crates of {} functions, and their dependencies", MODULES * RECEIVERS));
    workspace(&bench.dir, &root()?)?;
    bench.check(WITHOUT)?;
    bench.check(WITH)?;

    let (mut with, mut without) = (Seconds::default(), Seconds::default());
    for round in 1..=rounds {
        bench.progress(&format!("step 2 of 2: round {round} of {rounds}"));
        bench.measure(WITHOUT, &mut without)?;
        bench.measure(WITH, &mut with)?;
    }

    let value = |name, value, goal| Measured { name, value, unit: "s", goal };
    let mut measured = vec![
        value("cold, without attributes", median(&without.cold), None),
        value("cold, with attributes", median(&with.cold), None),
        value("added by 300 receivers", median(&with.cold) - median(&without.cold), Some(ADDED)),
        value("touched, without attributes", median(&without.touched), None),
        value("touched, with attributes", median(&with.touched), Some(TOUCHED)),
    ];
    if processor_time().is_some() {
        let added = median(&with.cold_processor) - median(&without.cold_processor);
        measured.push(value("added, processor time", added, None));
        measured.push(value("touched with attributes, processor time", median(&with.touched_processor), None));
    }
    Ok(results("compile", &[], measured, Format::of(json, false)))
}

struct Bench {
    dir: PathBuf,
    started: Instant,
}

impl Bench {
    fn progress(&self, text: &str) {
        eprintln!("{text} (elapsed {})", seconds(self.started.elapsed()));
    }

    fn cargo(&self, args: &[&str]) -> Result<Command> {
        let mut command = cargo()?;
        command
            .args(args)
            .current_dir(&self.dir)
            .env("CARGO_TARGET_DIR", self.dir.join("target"))
            .env("CARGO_INCREMENTAL", "1")
            .env("RUSTFLAGS", "");
        Ok(command)
    }

    /// `cargo check` of one crate, in seconds of wall time and of processor time.
    fn check(&self, krate: &str) -> Result<(f64, f64)> {
        let before = processor_time().unwrap_or_default();
        let ran = run_process(&mut self.cargo(&["check", "--quiet", "--package", krate])?, LIMIT, Echo::Keep)?;
        if !ran.ok {
            let first: Vec<_> = ran.lines.iter().take(20).map(String::as_str).collect();
            return Err(format!("the generated crate `{krate}` does not compile:\n{}", first.join("\n")));
        }
        Ok((ran.took.as_secs_f64(), processor_time().unwrap_or_default() - before))
    }

    fn measure(&self, krate: &str, seconds: &mut Seconds) -> Result<()> {
        let cleaned = run_process(&mut self.cargo(&["clean", "--package", krate])?, LIMIT, Echo::Keep)?;
        if !cleaned.ok {
            return Err(format!("`cargo clean -p {krate}` failed: {}", cleaned.lines.join("\n")));
        }
        let (wall, processor) = self.check(krate)?;
        seconds.cold.push(wall);
        seconds.cold_processor.push(processor);
        touch(&self.dir.join(krate).join("src/lib.rs"))?;
        let (wall, processor) = self.check(krate)?;
        seconds.touched.push(wall);
        seconds.touched_processor.push(processor);
        Ok(())
    }
}

#[expect(clippy::disallowed_methods, reason = "a file's time is the operating system's")]
fn touch(path: &Path) -> Result<()> {
    let touched = File::options().append(true).open(path).and_then(|file| file.set_modified(SystemTime::now()));
    touched.map_err(|error| format!("cannot touch {} ({error}): run the bench again", path.display()))
}

/// The seconds of processor time of all programs that ended so far, where Linux tells it.
fn processor_time() -> Option<f64> {
    parse_stat(&fs::read_to_string("/proc/self/stat").ok()?)
}

/// proc(5): after the name in parentheses, `cutime` and `cstime` are the 14th and 15th field, in hundredths of a second.
fn parse_stat(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(13);
    let mut next = || fields.next()?.parse::<f64>().ok();
    Some((next()? + next()?) / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_that_of_the_children() {
        let stat = "42 (a ) b) S 1 2 3 4 5 6 7 8 9 10 900 800 150 50 20 0 1";
        assert_eq!(parse_stat(stat), Some(2.0));
        assert_eq!(parse_stat("42 (a) S 1"), None);
    }
}
