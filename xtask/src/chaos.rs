//! `cargo xtask kills`: builds `signals-rig` as the tests do and has it kill its own processes.

use std::fs;
use std::process::Command;
use std::time::Duration;

use crate::Result;
use crate::process::{Echo, cargo, run as run_process, target_dir};

/// How many processes are killed when nobody says otherwise.
const COUNT: u64 = 1_000;

/// The longest that a build may take.
const BUILD: Duration = Duration::from_secs(30 * 60);

/// What a campaign may take beside its kills, and for each of them.
const FIXED: Duration = Duration::from_secs(5 * 60);
const EACH: Duration = Duration::from_secs(1);

/// What the options say.
#[derive(Debug, PartialEq, Eq)]
struct Campaign {
    count: u64,
    seed: u64,
    json: bool,
}

/// Runs `cargo xtask kills` with these options; `false` when a promise was broken.
///
/// # Errors
///
/// Returns an error when an option is not known, or the rig cannot be built.
pub(crate) fn run(options: &[&str]) -> Result {
    let campaign = parse(options)?;
    let ran = kill(&campaign)?;
    Ok(ran.is_ok())
}

/// The step of `cargo xtask test`: a hundred kills; the note of a campaign in which every promise was kept.
///
/// # Errors
///
/// Returns an error when one was broken, or the rig cannot be built.
pub(crate) fn check() -> Result<String> {
    kill(&Campaign { count: 100, seed: 1, json: false })?
}

fn parse(options: &[&str]) -> Result<Campaign> {
    let mut campaign = Campaign { count: COUNT, seed: 1, json: false };
    let mut rest = options.iter();
    while let Some(option) = rest.next() {
        let mut number = || {
            let value = rest.next().ok_or_else(|| format!("`{option}` wants a number"))?;
            value.parse().map_err(|_| format!("`{option} {value}` is no number: give one from 0 up"))
        };
        match *option {
            "--count" => campaign.count = number()?,
            "--seed" => campaign.seed = number()?,
            "--json" => campaign.json = true,
            other => {
                return Err(format!("`kills` knows no `{other}`: it takes `--count <n>`, `--seed <n>` and `--json`"));
            }
        }
    }
    Ok(campaign)
}

/// Runs a campaign; the line that sums it up, or why it failed.
fn kill(campaign: &Campaign) -> Result<Result<String>> {
    let target = target_dir()?;
    let folder = target.join("kills");
    // Left by an earlier run; what is there afterwards is evidence.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(|error| format!("cannot create {}: {error}", folder.display()))?;

    // As the tests are built, so that nothing is built twice.
    let mut build = cargo()?;
    build.args(["build", "--quiet", "--workspace", "--all-features", "--bin", "signals-rig"]);
    let built = run_process(&mut build, BUILD, Echo::Both)?;
    if !built.ok {
        return Err(format!("signals-rig does not build: {}", built.end));
    }
    let mut rig = Command::new(target.join("debug/signals-rig"));
    rig.arg("kills").arg(&folder).args([campaign.count.to_string(), campaign.seed.to_string()]);
    if campaign.json {
        rig.arg("--json");
    }
    let limit = FIXED + EACH * u32::try_from(campaign.count).unwrap_or(u32::MAX);
    let ran = run_process(&mut rig, limit, Echo::Both)?;
    if ran.ok {
        return Ok(Ok(format!("{} kills, {}", campaign.count, ran.stdout.last().map_or("", String::as_str))));
    }
    Ok(Err(format!("{}: see above, and the records in {}", ran.end, folder.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_numbers_or_are_named() {
        let campaign = parse(&["--count", "7", "--seed", "9", "--json"]);
        assert_eq!(campaign, Ok(Campaign { count: 7, seed: 9, json: true }));
        assert_eq!(parse(&[]), Ok(Campaign { count: 1_000, seed: 1, json: false }));
        for wrong in [&["--count"][..], &["--count", "many"], &["--kindly"]] {
            assert!(parse(wrong).is_err_and(|message| message.contains(wrong[0])), "{wrong:?}");
        }
    }
}
