//! `shop worker`: runs the receivers of all modules, in a process of its own.

use std::io::{self, Read as _};
use std::time::Duration;

use analytics::{RiskTable, Warehouse};
use anyhow::Result;
use base::{Place, say};
use receipts::Mailer;
use tracing_subscriber::filter::LevelFilter;

use crate::shop::{self, Folders};

/// How a worker is run.
#[derive(Clone, Debug)]
pub(crate) struct WorkerOptions {
    /// How long a delivery stays with a worker that is gone.
    pub(crate) lease: Duration,
    /// What is broken around it.
    pub(crate) faults: Vec<Fault>,
    /// Whether it ends when its standard input does: no worker of the story outlives the story.
    pub(crate) with_parent: bool,
}

/// Something that is broken, to be watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The mail server refuses the first two mails.
    Mail,
    /// The risk table is too short for amounts from 1000.00 on: a panic.
    Score,
    /// Exports take a minute.
    Export,
}

impl Fault {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Mail, Self::Score, Self::Export];

    /// What the command line calls it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Score => "score",
            Self::Export => "export",
        }
    }
}

/// Runs a worker over the database at `place` until SIGTERM or Ctrl-C.
pub(crate) async fn run(place: &Place, options: &WorkerOptions) -> Result<()> {
    tell_all_in_one_stream(options);
    if options.with_parent {
        end_with_stdin();
    }

    let shop = shop::open(place).await?;
    let folders = Folders::of(place);
    let has = |fault| options.faults.contains(&fault);
    let worker = shop
        .worker()
        .state(Mailer::new(folders.mail, if has(Fault::Mail) { 2 } else { 0 })?)
        .state(RiskTable::up_to(if has(Fault::Score) { 5 } else { 9 }))
        .state(Warehouse::new(folders.exports, Duration::from_secs(if has(Fault::Export) { 60 } else { 0 }))?)
        .lease(options.lease)
        .build()?;
    if !options.with_parent {
        say!("worker {} over {place}: stop it with Ctrl-C", std::process::id());
    }
    let report = worker.run().await?;
    say!("stopped: {} done, {} failed attempts, {} given back", report.done, report.failed(), report.released);
    Ok(())
}

/// Panics and what the library tells go where the receivers' lines go, so that all of it stays in order.
fn tell_all_in_one_stream(options: &WorkerOptions) {
    std::panic::set_hook(Box::new(|panic| say!("{}", panic.to_string().replace('\n', " "))));
    // The story tells in words of its own what the library tells below an error.
    let level = if options.with_parent { LevelFilter::ERROR } else { LevelFilter::INFO };
    tracing_subscriber::fmt().with_max_level(level).without_time().with_ansi(false).init();
}

/// Ends this process when its standard input ends, which it does when the process that holds the other end dies.
fn end_with_stdin() {
    std::thread::spawn(|| {
        let _ = io::copy(&mut io::stdin().lock().by_ref(), &mut io::sink());
        std::process::exit(3);
    });
}
