//! `signals-chaos campaign DATABASE FOLDER seconds|kills COUNT SEED all|kills [--json]`: a campaign, with its records in FOLDER.
//! `signals-chaos worker DATABASE ADDRESS LOG LEASE_MS GRACE_MS`: a worker process to be stopped, killed and started again.
//! `signals-chaos busy-worker DATABASE ADDRESS LOG LEASE_MS GRACE_MS`: the same, and it sends meanwhile.
//! `signals-chaos sender DATABASE ADDRESS JOURNAL SLOT SEED`: a sending process to be killed.
//! `signals-chaos send-and-stay DATABASE ADDRESS JOURNAL NUMBER POINT`: a sender that stays between two steps until it is killed.
//!
//! DATABASE is `sqlite` or `postgres`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use signals_chaos::database::{Database, Host};
use signals_chaos::postgres::PrivateServer;
use signals_chaos::sqlite::File;
use signals_chaos::{Log, Mix, Options, Point, Until, run, send_and_stay, send_for_ever, work, work_and_send};

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.get(1).copied() {
        Some("sqlite") => perform::<File>(&words).await,
        Some("postgres") => perform::<PrivateServer>(&words).await,
        other => bail!("no database `{}`: expected `sqlite` or `postgres`", other.unwrap_or_default()),
    }
}

async fn perform<H: Host>(words: &[&str]) -> anyhow::Result<ExitCode> {
    match *words {
        ["campaign", _, folder, unit, count, seed, mix, ref json @ ..] => {
            let count = count.parse().context("COUNT")?;
            let until = match unit {
                "seconds" => Until::Elapsed(Duration::from_secs(count)),
                "kills" => Until::Killed(count),
                other => bail!("no unit `{other}`: expected `seconds` or `kills`"),
            };
            let mix = match mix {
                "all" => Mix::All,
                "kills" => Mix::Kills,
                other => bail!("no mix `{other}`: expected `all` or `kills`"),
            };
            let options = Options { until, seed: seed.parse().context("SEED")?, mix, json: json == ["--json"] };
            let kept = run::<H>(Path::new(folder), options).await?;
            return Ok(if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        ["worker", _, address, log, lease, grace] => {
            let [lease, grace] = [lease.parse()?, grace.parse()?].map(Duration::from_millis);
            work::<H::Database>(address, Log(PathBuf::from(log)), lease, grace).await?;
        }
        ["busy-worker", _, address, log, lease, grace] => {
            let [lease, grace] = [lease.parse()?, grace.parse()?].map(Duration::from_millis);
            work_and_send::<H::Database>(address, Log(PathBuf::from(log)), lease, grace).await?;
        }
        ["sender", _, address, journal, slot, seed] => {
            let journal = Log(PathBuf::from(journal));
            send_for_ever::<H::Database>(address, &journal, slot.parse()?, seed.parse()?).await?;
        }
        ["send-and-stay", _, address, journal, number, point] => {
            let point = [Point::Inserted, Point::Committed].into_iter().find(|known| known.name() == point);
            let (point, journal) = (point.context("no such POINT")?, Log(PathBuf::from(journal)));
            send_and_stay::<H::Database>(address, &journal, number.parse()?, point).await?;
        }
        _ => bail!("no such command over {}: the head of main.rs lists them", H::Database::NAME),
    }
    Ok(ExitCode::SUCCESS)
}
