//! A shop of four modules that tell each other what happened by signals: payments, orders, receipts and analytics.
//!
//! `cargo run -p shop` tells a story: an HTTP server and worker processes over one database, real requests, and every
//! failure that the signals must survive; each claim is checked against the database. The other commands, in
//! `cargo run -p shop -- --help`, are for playing with it by hand.

#![cfg_attr(not(test), warn(unused_crate_dependencies))]

mod cli;
mod facts;
mod http;
mod ops;
mod shop;
mod status;
mod story;
mod table;
mod takes;
mod worker;

use std::process::ExitCode;

use anyhow::Result;
use base::say;

use crate::cli::Command;

// The modules that are here for their receivers: without this line a build that names nothing else of them lacks them.
signals_runtime::link!(orders, receipts, analytics);

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("shop: {}", chain(&error));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<()> {
    match cli::parse(std::env::args_os())? {
        Command::Help => say!("{}", cli::help()),
        Command::Story { place } => story::run(place.as_ref()).await?,
        Command::Serve { place, port } => http::serve(&shop::open(&place).await?, port).await?,
        Command::Worker { place, options } => worker::run(&place, &options).await?,
        Command::Operate { place, order, how } => ops::run(&place, order, &how).await?,
    }
    Ok(())
}

/// An error with its causes, none twice: a driver's error often says in its own words what its cause says again.
fn chain(error: &anyhow::Error) -> String {
    let mut told = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if told.is_empty() {
            told = cause;
        } else if !told.contains(&cause) {
            told = format!("{told}: {cause}");
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn a_cause_that_was_told_is_not_told_again() {
        let driver = anyhow!("(code: 26) file is not a database")
            .context("error returned from database: (code: 26) file is not a database");
        let error = driver.context("the database refused");
        assert_eq!(
            chain(&error),
            "the database refused: error returned from database: (code: 26) file is not a database"
        );
    }
}
