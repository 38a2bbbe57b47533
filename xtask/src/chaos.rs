//! `cargo xtask chaos`: builds `signals-chaos` as the tests do and has it run a campaign over each database.

use std::fs;
use std::process::Command;
use std::time::Duration;

use crate::Result;
use crate::process::{Echo, cargo, run as run_process, target_dir};

/// How long a campaign takes when nobody says otherwise.
const SECONDS: u64 = 60;

/// The longest that a build may take.
const BUILD: Duration = Duration::from_secs(30 * 60);

/// What a campaign may take beside what it was told, its last act played three times included, and for each kill.
const FIXED: Duration = Duration::from_secs(10 * 60);
const EACH: Duration = Duration::from_secs(1);

/// What it can be over.
const DATABASES: [&str; 2] = ["sqlite", "postgres"];

/// When a campaign is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Until {
    Seconds(u64),
    Kills(u64),
}

/// What the options say.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Campaign {
    databases: Vec<&'static str>,
    until: Until,
    seed: u64,
    mix: &'static str,
    json: bool,
    /// Whether it is built optimized: processes that are not want more than two processors.
    release: bool,
}

/// Runs `cargo xtask chaos` with these options; `false` when a promise was broken.
///
/// # Errors
///
/// Returns an error when an option is not known, or the rig cannot be built.
pub(crate) fn run(options: &[&str]) -> Result {
    let campaign = parse(options)?;
    let mut kept = true;
    for database in &campaign.databases {
        if campaign.databases.len() > 1 {
            eprintln!("==> {database}");
        }
        kept &= rage(&campaign, database)?.is_ok();
    }
    Ok(kept)
}

/// A step of `cargo xtask test`: a minute over one database; the note of a campaign in which every promise was kept.
///
/// # Errors
///
/// Returns an error when one was broken, or the rig cannot be built.
pub(crate) fn check(database: &'static str, seed: u64) -> Result<String> {
    let campaign = Campaign { seed, ..parse(&[database])? };
    rage(&campaign, database)?
}

fn parse(options: &[&str]) -> Result<Campaign> {
    let until = Until::Seconds(SECONDS);
    let mut campaign = Campaign { databases: Vec::new(), until, seed: 1, mix: "all", json: false, release: false };
    let mut rest = options.iter();
    while let Some(option) = rest.next() {
        let mut value = || rest.next().copied().ok_or_else(|| format!("`{option}` wants a value"));
        let number =
            |value: &str| value.parse().map_err(|_| format!("`{option} {value}` is no number: give one from 0 up"));
        match *option {
            "--seconds" => campaign.until = Until::Seconds(number(value()?)?),
            "--kills" => campaign.until = Until::Kills(number(value()?)?),
            "--seed" => campaign.seed = number(value()?)?,
            "--mix" => {
                let mix = value()?;
                let known = ["all", "kills"].into_iter().find(|known| *known == mix);
                campaign.mix = known.ok_or_else(|| format!("`--mix {mix}` is none: it is `all` or `kills`"))?;
            }
            "--json" => campaign.json = true,
            "--release" => campaign.release = true,
            other => {
                let known = DATABASES.into_iter().find(|known| *known == other);
                campaign.databases.push(known.ok_or_else(|| {
                    format!(
                        "`chaos` knows no `{other}`: it takes `--seconds <n>` or `--kills <n>`, `--seed <n>`, \
                         `--mix all|kills`, `--json`, `--release`, `sqlite` and `postgres`"
                    )
                })?);
            }
        }
    }
    if campaign.databases.is_empty() {
        campaign.databases.extend(DATABASES);
    }
    Ok(campaign)
}

/// Runs a campaign over one database; the line that sums it up, or why it failed.
fn rage(campaign: &Campaign, database: &str) -> Result<Result<String>> {
    let target = target_dir()?;
    let folder = target.join("chaos").join(database);
    // Left by an earlier run; what is there afterwards is evidence.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(|error| format!("cannot create {}: {error}", folder.display()))?;

    // As the tests are built, so that nothing is built twice.
    let mut build = cargo()?;
    build.args(["build", "--quiet", "--workspace", "--all-features", "--bin", "signals-chaos"]);
    build.args(campaign.release.then_some("--release"));
    let built = run_process(&mut build, BUILD, Echo::Both)?;
    if !built.ok {
        return Err(format!("signals-chaos does not build: {}", built.end));
    }
    let (unit, count, limit) = match campaign.until {
        Until::Seconds(count) => ("seconds", count, Duration::from_secs(count)),
        Until::Kills(count) => ("kills", count, EACH * u32::try_from(count).unwrap_or(u32::MAX)),
    };
    let mut rig =
        Command::new(target.join(if campaign.release { "release/signals-chaos" } else { "debug/signals-chaos" }));
    rig.args(["campaign", database]).arg(&folder).args([unit, &count.to_string()]);
    rig.args([&campaign.seed.to_string(), campaign.mix]);
    if campaign.json {
        rig.arg("--json");
    }
    let ran = run_process(&mut rig, FIXED + limit, Echo::Both)?;
    if ran.ok {
        return Ok(Ok(ran.stdout.last().cloned().unwrap_or_default()));
    }
    Ok(Err(format!("{}: see above, and the records in {}", ran.end, folder.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_numbers_or_are_named() {
        let campaign = parse(&["--kills", "7", "--seed", "9", "--mix", "kills", "--json", "--release", "sqlite"]);
        let databases = vec!["sqlite"];
        let expected = Campaign { databases, until: Until::Kills(7), seed: 9, mix: "kills", json: true, release: true };
        assert_eq!(campaign, Ok(expected));
        let (databases, until) = (vec!["sqlite", "postgres"], Until::Seconds(60));
        let usual = Campaign { databases, until, seed: 1, mix: "all", json: false, release: false };
        assert_eq!(parse(&[]), Ok(usual));
        for wrong in [&["--kills"][..], &["--seconds", "many"], &["--mix", "kind"], &["mysql"]] {
            assert!(parse(wrong).is_err_and(|message| message.contains(wrong[0])), "{wrong:?}");
        }
    }
}
