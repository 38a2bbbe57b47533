//! `signals-skew-<build> worker DATABASE FOLDER`: a worker process, until SIGTERM.
//! `signals-skew-<build> sender DATABASE FOLDER SLOT`: a sending process, until its standard input ends.
//!
//! DATABASE is the URL of a Postgres database, or the path of a SQLite file. In FOLDER are the log, which receivers write, and the
//! journal, which the others write.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::bail;
use signals_runtime::{Backend, PgBackend, Result, Signal, Signals, SqliteBackend};
use sqlx::postgres::PgPoolOptions;
use tracing_subscriber::filter::LevelFilter;

use crate::{Added, Forgotten, Log, Removed, Renamed};

/// The numbers of one sender are these.
const NUMBERS: i64 = 1_000_000;

/// How far its sends are apart.
const APART: Duration = Duration::from_millis(25);

/// In what a build differs beside its receivers.
#[derive(Clone, Copy, Debug)]
pub struct Build<R> {
    /// What it is called.
    pub name: &'static str,
    /// The version of the payload that it sends.
    pub version: u32,
    /// The signal of that version.
    pub raised: fn(i64) -> R,
}

/// What a process of `build` does, as its arguments say.
///
/// # Errors
///
/// Returns an error when an argument is missing, or the database refuses for a reason that nothing here explains.
pub async fn main<R: Signal>(build: Build<R>) -> anyhow::Result<()> {
    let events = tracing_subscriber::fmt().with_max_level(LevelFilter::INFO).with_ansi(false);
    events.with_writer(std::io::stderr).init();
    let words: Vec<String> = std::env::args().skip(1).collect();
    let database = words.get(1).map_or("", String::as_str);
    if database.starts_with("postgres") {
        perform(build, over_postgres(database)?, &words).await
    } else {
        perform(build, over_sqlite(Path::new(database)).await?, &words).await
    }
}

/// The application over a Postgres database.
///
/// # Errors
///
/// Returns an error when `url` is none.
pub fn over_postgres(url: &str) -> anyhow::Result<Signals<PgBackend>> {
    Ok(Signals::new(PgBackend::new(PgPoolOptions::new().max_connections(6).connect_lazy(url)?)))
}

/// The application over a SQLite file.
///
/// # Errors
///
/// Returns the database's error.
pub async fn over_sqlite(file: &Path) -> Result<Signals<SqliteBackend>> {
    Ok(Signals::new(SqliteBackend::open(file).await?))
}

async fn perform<R: Signal, B: Backend>(build: Build<R>, signals: Signals<B>, words: &[String]) -> anyhow::Result<()> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (role, folder, slot) = match words[..] {
        [role @ "worker", _, folder] => (role, folder, 0),
        [role @ "sender", _, folder, slot] => (role, folder, slot.parse()?),
        _ => bail!("expected `worker DATABASE FOLDER` or `sender DATABASE FOLDER SLOT`"),
    };
    let [log, journal] = ["log", "journal"].map(|name| Log(Path::new(folder).join(name)));
    journal.write(&format!("registers-{}", build.name), 0, 0)?;
    signals.setup().await?;
    journal.write(&format!("registered-{}", build.name), 0, 0)?;
    if role == "sender" {
        return send_until(&signals, &journal, slot, build, at_the_end_of_stdin()).await;
    }
    // Without its test it ends, too: the standard input of a worker is never written to.
    let end = at_the_end_of_stdin();
    let orphaned = async move {
        while !end.load(Ordering::SeqCst) {
            // tidy: not a wait: the pause of a poll that lasts as long as the process
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::select! {
        report = signals.worker().state(log).build()?.run() => println!("{:?}", report?),
        () = orphaned => bail!("the test is gone"),
    }
    Ok(())
}

/// Becomes true when nobody holds the other end of the standard input any more.
fn at_the_end_of_stdin() -> Arc<AtomicBool> {
    let ended = Arc::new(AtomicBool::new(false));
    let tell = ended.clone();
    std::thread::spawn(move || {
        // An error is an end, too.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        tell.store(true, Ordering::SeqCst);
    });
    ended
}

/// Sends one of each signal in one transaction, again and again; the journal says what came of it.
async fn send_until<R: Signal, B: Backend>(
    signals: &Signals<B>,
    journal: &Log,
    slot: i64,
    build: Build<R>,
    stop: Arc<AtomicBool>,
) -> anyhow::Result<()> {
    for number in slot * NUMBERS.. {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        journal.write("intent", number, build.version)?;
        match send(signals, number, (build.raised)(number)).await {
            Ok(()) => journal.write("stored", number, build.version)?,
            Err(error) if error.is_retryable() => journal.write("refused", number, build.version)?,
            Err(error) => return Err(error.into()),
        }
        // tidy: not a wait: the rate
        tokio::time::sleep(APART).await;
    }
    Ok(())
}

async fn send<B: Backend>(signals: &Signals<B>, number: i64, raised: impl Signal) -> Result<()> {
    let mut tx = signals.begin().await?;
    Added { number }.send(&mut tx).await?;
    Renamed { number }.send(&mut tx).await?;
    Forgotten { number }.send(&mut tx).await?;
    Removed { number }.send(&mut tx).await?;
    raised.send(&mut tx).await?;
    tx.commit().await
}
