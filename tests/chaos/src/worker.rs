//! A working process: its receivers' effects go into a log, and what it tells goes to its standard error.

use std::io::Write as _;
use std::time::Duration;

use signals_runtime::Signals;
use signals_runtime::clock::{Clock as _, SystemClock};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, Registry, fmt, registry};

use crate::database::Database;
use crate::files::Files;
use crate::member::end_with_the_campaign;
use crate::sender::send_beside;
use crate::{Log, starvation};

/// Works until SIGTERM.
///
/// # Errors
///
/// Returns the database's error, and that of the worker.
pub async fn work<D: Database>(address: &str, log: Log, lease: Duration, grace: Duration) -> anyhow::Result<()> {
    let signals = open::<D>(address).await?;
    run::<D>(&signals, &log, lease, grace).await
}

/// As [`work`], and sends meanwhile through the same handle.
///
/// # Errors
///
/// As [`work`] and [`send_for_ever`](crate::send_for_ever).
pub async fn work_and_send<D: Database>(
    address: &str,
    log: Log,
    lease: Duration,
    grace: Duration,
) -> anyhow::Result<()> {
    let signals = open::<D>(address).await?;
    let journal = Files::beside(&log.0);
    tokio::select! {
        worked = run::<D>(&signals, &log, lease, grace) => worked,
        sent = send_beside::<D>(&signals, &journal) => sent,
    }
}

async fn open<D: Database>(address: &str) -> anyhow::Result<Signals<D::Backend>> {
    end_with_the_campaign()?;
    registry().with(teller(std::io::stderr)).init();
    starvation::watch();
    D::open(address).await
}

async fn run<D: Database>(
    signals: &Signals<D::Backend>,
    log: &Log,
    lease: Duration,
    grace: Duration,
) -> anyhow::Result<()> {
    loop {
        let worker = signals.worker().state(log.clone()).lease(lease).grace(grace).timeout(Duration::from_secs(60));
        match worker.build()?.run().await {
            Ok(report) => {
                println!("{report:?}");
                return Ok(());
            }
            // What a service manager does with a worker that finds no database when it starts.
            Err(error) if error.is_connection() => tell(GAVE_UP)?,
            Err(error) => return Err(error.into()),
        }
        // tidy: not a wait: the pause of a service manager
        tokio::time::sleep(RESTART).await;
    }
}

/// What it says when its worker could not start.
pub(crate) const GAVE_UP: &str = "gave_up";

/// The pause before it is started again.
const RESTART: Duration = Duration::from_millis(200);

/// Says something as workers do; in one write, for the file is everybody's.
pub(crate) fn tell(what: &str) -> std::io::Result<()> {
    let (at, pid) = (SystemClock.now().as_micros(), std::process::id());
    std::io::stderr().write_all(format!("{at} {pid} {what}\n").as_bytes())
}

/// Writes what the library tells, one event a line.
pub(crate) fn teller<W>(writer: W) -> impl Layer<Registry>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let told = fmt::layer().with_ansi(false).with_timer(when_and_who as fn(&mut Writer<'_>) -> std::fmt::Result);
    told.with_writer(writer).with_filter(Targets::new().with_target("signals", LevelFilter::DEBUG))
}

/// What every event that a worker tells begins with: microseconds since the epoch, and its process.
fn when_and_who(writer: &mut Writer<'_>) -> std::fmt::Result {
    write!(writer, "{} {}", SystemClock.now().as_micros(), std::process::id())
}
