//! `cargo xtask chaos`: builds `signals-chaos` as the tests do, has it run campaigns over each database, and adds up what they saw.

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
    /// How many of them over each database, each with the seed after that of the one before.
    rounds: u64,
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
    let (mut kept, mut totals) = (true, Totals::default());
    for round in 0..campaign.rounds {
        let campaign = Campaign { seed: campaign.seed.saturating_add(round), ..campaign.clone() };
        for database in &campaign.databases {
            if campaign.databases.len() > 1 || campaign.rounds > 1 {
                eprintln!("==> {database}, seed {}", campaign.seed);
            }
            let raged = rage(&campaign, database)?;
            kept &= totals.add(&raged.figures) && raged.kept.is_ok();
        }
    }
    // With JSON, the figures of each campaign are all there is on stdout.
    if campaign.json {
        eprintln!("{}", totals.tell());
    } else {
        println!("{}", totals.tell());
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
    rage(&campaign, database)?.kept
}

fn parse(options: &[&str]) -> Result<Campaign> {
    let until = Until::Seconds(SECONDS);
    let mut campaign =
        Campaign { databases: Vec::new(), until, seed: 1, rounds: 1, mix: "all", json: false, release: false };
    let mut rest = options.iter();
    while let Some(option) = rest.next() {
        let mut value = || rest.next().copied().ok_or_else(|| format!("`{option}` wants a value"));
        let number =
            |value: &str| value.parse().map_err(|_| format!("`{option} {value}` is no number: give one from 0 up"));
        match *option {
            "--seconds" => campaign.until = Until::Seconds(number(value()?)?),
            "--kills" => campaign.until = Until::Kills(number(value()?)?),
            "--seed" => campaign.seed = number(value()?)?,
            "--rounds" => campaign.rounds = number(value()?)?.max(1),
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
                         `--rounds <n>`, `--mix all|kills`, `--json`, `--release`, `sqlite` and `postgres`"
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

/// What campaigns counted, in the order of [`SUMMED`].
#[derive(Debug, Default, PartialEq, Eq)]
struct Totals {
    campaigns: u64,
    /// Those that ended before they had figures.
    without: u64,
    sums: [u64; SUMMED.len()],
}

/// The figures that are added up, and what each is called then.
const SUMMED: [(&str, &str); 4] = [
    ("kills", "kills"),
    ("lost", "lost"),
    ("double_transactional_effects", "double transactional effects"),
    ("stale_acks_accepted", "stale acknowledgements accepted"),
];

impl Totals {
    /// Adds the figures of one campaign, a line each or one line of JSON; whether they are all there.
    fn add(&mut self, figures: &[String]) -> bool {
        let found: Option<Vec<u64>> = SUMMED.iter().map(|(name, _)| figure(figures, name)).collect();
        self.campaigns += 1;
        self.without += u64::from(found.is_none());
        self.sums.iter_mut().zip(found.iter().flatten()).for_each(|(sum, found)| *sum += found);
        found.is_some()
    }

    fn tell(&self) -> String {
        let sums: Vec<String> = self.sums.iter().zip(SUMMED).map(|(sum, (_, what))| format!("{sum} {what}")).collect();
        let without =
            if self.without > 0 { format!("; {} ended without figures", self.without) } else { String::new() };
        format!("{} campaigns in all: {}{without}", self.campaigns, sums.join(", "))
    }
}

/// The figure `name` among what a campaign printed.
fn figure(lines: &[String], name: &str) -> Option<u64> {
    let (field, row) = (format!(r#""{name}":"#), name.replace('_', " "));
    lines.iter().find_map(|line| {
        if let Some((_, rest)) = line.split_once(&field) {
            return rest.split([',', '}']).next()?.parse().ok();
        }
        line.strip_prefix(&row)?.trim().parse().ok()
    })
}

/// A campaign that was run.
struct Raged {
    /// The line that sums it up, or why it failed.
    kept: Result<String>,
    /// What it printed.
    figures: Vec<String>,
}

/// Runs a campaign over one database.
fn rage(campaign: &Campaign, database: &str) -> Result<Raged> {
    let target = target_dir()?;
    let several = campaign.rounds > 1;
    let folder = if several { format!("{database}-{}", campaign.seed) } else { database.to_owned() };
    let folder = target.join("chaos").join(folder);
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
    let last = ran.stdout.last().cloned().unwrap_or_default();
    let kept = if ran.ok {
        if several {
            // Of many campaigns only what failed is evidence; what cannot be removed is in nobody's way.
            let _ = fs::remove_dir_all(&folder);
        }
        Ok(last)
    } else {
        Err(format!("{}: see above, and the records in {}", ran.end, folder.display()))
    };
    Ok(Raged { kept, figures: ran.stdout })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_numbers_or_are_named() {
        let campaign = parse(&["--kills", "7", "--seed", "9", "--mix", "kills", "--json", "--release", "sqlite"]);
        let databases = vec!["sqlite"];
        let (until, rounds) = (Until::Kills(7), 1);
        let expected = Campaign { databases, until, seed: 9, rounds, mix: "kills", json: true, release: true };
        assert_eq!(campaign, Ok(expected));
        let (databases, until) = (vec!["sqlite", "postgres"], Until::Seconds(60));
        let usual = Campaign { databases, until, seed: 1, rounds: 1, mix: "all", json: false, release: false };
        assert_eq!(parse(&[]), Ok(usual));
        for wrong in [&["--kills"][..], &["--seconds", "many"], &["--mix", "kind"], &["mysql"]] {
            assert!(parse(wrong).is_err_and(|message| message.contains(wrong[0])), "{wrong:?}");
        }
        assert_eq!(parse(&["--rounds", "20"]).map(|campaign| campaign.rounds), Ok(20));
    }

    #[test]
    fn what_the_campaigns_of_one_command_saw_is_added_up_from_tables_and_from_json() {
        let table = [
            "kills                        213",
            "kills per minute             319",
            "lost their database          1",
            "lost                         2",
            "double transactional effects 0",
            "stale acks accepted          0",
        ];
        let table = table.map(str::to_owned);
        let json = r#"{"kills":7,"lost_leases":9,"lost":1,"double_transactional_effects":0,"stale_acks_accepted":3,"findings":0}"#;
        let mut totals = Totals::default();
        assert!(totals.add(&table) && totals.add(&[json.to_owned()]));
        assert_eq!(totals, Totals { campaigns: 2, without: 0, sums: [220, 3, 0, 3] });
        let told =
            "2 campaigns in all: 220 kills, 3 lost, 0 double transactional effects, 3 stale acknowledgements accepted";
        assert_eq!(totals.tell(), told);
        assert!(!totals.add(&table[..5]), "a figure that is not there is no nought");
        assert!(totals.tell().ends_with("; 1 ended without figures"), "{}", totals.tell());
        assert_eq!(totals.sums, [220, 3, 0, 3]);
    }
}
