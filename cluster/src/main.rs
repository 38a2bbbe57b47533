//! `signals-cluster run COMMAND…`: runs a command with `DATABASE_URL` naming a private server, and stops it.
//! `signals-cluster serve`: starts one, prints its URL, and stops it when the standard input ends.
//! `signals-cluster install`: installs what the tests run and this machine lacks.
//!
//! `run` and `serve` install the server where it is missing and may be. With `--durable` every commit waits for the disk.

use std::io::{Read as _, Write as _};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, bail};
use signals_cluster::{Binaries, Cluster, Package, Settings, install};

fn main() -> anyhow::Result<ExitCode> {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let durable = words.get(1).is_some_and(|word| word == "--durable");
    let settings = if durable { Settings::durable() } else { Settings::fast() };
    let rest = words.split_off(words.len().min(1 + usize::from(durable)));
    match (words.first().map(String::as_str), rest.as_slice()) {
        (Some("run"), [program, arguments @ ..]) => {
            let cluster = Cluster::start_with(Binaries::find_or_install()?, settings)?;
            let url = cluster.server().url("postgres");
            let ran = Command::new(program).args(arguments).env("DATABASE_URL", url).status();
            let status = ran.with_context(|| format!("cannot run {program}"))?;
            Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
        }
        (Some("serve"), []) => {
            let cluster = Cluster::start_with(Binaries::find_or_install()?, settings)?;
            println!("{}", cluster.server().url("postgres"));
            std::io::stdout().flush()?;
            // Whoever started this holds the other end, and lets go of it by ending.
            std::io::stdin().read_to_end(&mut Vec::new())?;
            Ok(ExitCode::SUCCESS)
        }
        (Some("install"), []) => {
            for package in Package::ALL {
                install(package)?;
            }
            Ok(ExitCode::SUCCESS)
        }
        _ => bail!("usage: signals-cluster run [--durable] COMMAND… | serve [--durable] | install"),
    }
}
