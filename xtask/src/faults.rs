//! `cargo xtask faults`: cuts the statements of one story over each database, says how far it is, and adds up what was cut.

use std::fs;
use std::time::{Duration, Instant};

use crate::Result;
use crate::postgres::{Need, Postgres, VARIABLE};
use crate::process::{Echo, cargo, run as run_process, target_dir};

/// What the story can be told over: the database, the rig, and what that needs.
const RIGS: [(&str, &str, Option<Need>); 2] =
    [("sqlite", "sqlite_faults", None), ("postgres", "postgres_faults", Some(Need::Server))];

/// The variable by which a rig is told how much to cut.
const DEPTH: &str = "SIGNALS_FAULTS";

/// The longest that a rig may take, the build included.
const LIMIT: Duration = Duration::from_secs(2 * 60 * 60);

/// What the options say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Sweep {
    /// All of them, where none is named.
    databases: Vec<String>,
    /// Every statement of a worker, and not only the first two of each name.
    every: bool,
}

/// Runs `cargo xtask faults` with these options; `false` when a story went wrong.
///
/// # Errors
///
/// Returns an error when an option is not known, or there is no server to be had.
pub(crate) fn run(options: &[&str]) -> Result {
    let sweep = parse(options)?;
    let (mut postgres, mut kept, mut sums) = (Postgres::default(), true, Sums::default());
    let began = Instant::now();
    for (database, rig, need) in RIGS {
        if !sweep.databases.is_empty() && !sweep.databases.iter().any(|named| named == database) {
            continue;
        }
        eprintln!("==> {database}");
        let url = need.map(|need| postgres.provide(need)).transpose()?.flatten();
        // As the tests are built, so that nothing is built twice.
        let mut test = cargo()?;
        test.args(["test", "--workspace", "--all-features", "--test", rig, "--", "--nocapture"]);
        test.envs(url.map(|url| (VARIABLE, url))).envs(sweep.every.then_some((DEPTH, "every")));
        let ran = run_process(&mut test, LIMIT, Echo::Errors)?;
        let list = keep(database, &ran.stdout)?;
        let swept: Vec<&String> = ran.stdout.iter().filter(|line| sums.add(line)).collect();
        swept.iter().for_each(|line| println!("{database}, {line}"));
        println!("{database}: each of them in {list}");
        // A sweep ends with its figures, unless a story went wrong before.
        kept &= ran.ok && swept.len() == CUTS;
    }
    println!("in all: {} in {:.0?}", sums.tell(), began.elapsed());
    Ok(kept)
}

fn parse(options: &[&str]) -> Result<Sweep> {
    let mut sweep = Sweep::default();
    for option in options {
        match *option {
            "--every" => sweep.every = true,
            named if RIGS.iter().any(|(database, ..)| *database == named) => sweep.databases.push(named.to_owned()),
            other => return Err(format!("`faults` knows no `{other}`: it takes `sqlite`, `postgres` and `--every`")),
        }
    }
    Ok(sweep)
}

/// Keeps what a rig has told of each fault; answers where.
fn keep(database: &str, told: &[String]) -> Result<String> {
    let folder = target_dir()?.join("faults");
    let file = folder.join(format!("{database}.txt"));
    let written = fs::create_dir_all(&folder).and_then(|()| fs::write(&file, told.join("\n") + "\n"));
    written.map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    Ok(file.display().to_string())
}

/// How many sweeps a rig makes: one that cuts before a statement, and one that cuts after it.
const CUTS: usize = 2;

/// What sweeps made, as the line says with which each of them ends: `before: 458 faults made, 41 not reached; 509 stories in …`.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sums {
    made: u64,
    missed: u64,
    stories: u64,
}

impl Sums {
    /// Adds the figures of one sweep; whether `line` has them.
    fn add(&mut self, line: &str) -> bool {
        let figure = |behind: &str| line.split_once(behind)?.0.rsplit(' ').next()?.parse::<u64>().ok();
        let figures = [figure(" faults made, "), figure(" not reached; "), figure(" stories in ")];
        let [Some(made), Some(missed), Some(stories)] = figures else { return false };
        self.made += made;
        self.missed += missed;
        self.stories += stories;
        true
    }

    fn tell(&self) -> String {
        let Self { made, missed, stories } = self;
        format!("{made} faults made, {missed} not reached; {stories} stories")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_name_databases_and_the_depth() {
        assert_eq!(parse(&[]), Ok(Sweep::default()));
        let every = Sweep { databases: vec!["postgres".to_owned()], every: true };
        assert_eq!(parse(&["postgres", "--every"]), Ok(every));
        for wrong in ["mysql", "--deep"] {
            assert!(parse(&[wrong]).is_err_and(|message| message.contains(wrong)), "{wrong}");
        }
    }

    #[test]
    fn what_sweeps_made_is_added_up_from_their_last_lines() {
        let mut sums = Sums::default();
        let before = "before: 458 faults made, 41 not reached; 509 stories in 150s, of which the longest took 4.3s";
        assert!(sums.add(before) && sums.add(&before.replace("before", "after")));
        assert!(!sums.add("  claim#2,before: claim (1.1s)"));
        assert_eq!(sums.tell(), "916 faults made, 82 not reached; 1018 stories");
    }
}
