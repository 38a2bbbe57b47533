//! A working process: its receivers' effects go into a log, and what it tells goes to its standard error.

use std::time::Duration;

use signals_runtime::clock::{Clock as _, SystemClock};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt, registry};

use crate::database::Database;
use crate::member::end_with_the_campaign;
use crate::{Log, starvation};

/// Works until SIGTERM.
///
/// # Errors
///
/// Returns the database's error, and that of the worker.
pub async fn work<D: Database>(address: &str, log: Log, lease: Duration, grace: Duration) -> anyhow::Result<()> {
    end_with_the_campaign()?;
    let told = fmt::layer().with_ansi(false).with_timer(when_and_who as fn(&mut Writer<'_>) -> std::fmt::Result);
    let ours = Targets::new().with_target("signals", LevelFilter::DEBUG);
    registry().with(told.with_writer(std::io::stderr).with_filter(ours)).init();
    starvation::watch();
    let signals = D::open(address).await?;
    let worker = signals.worker().state(log).lease(lease).grace(grace).timeout(Duration::from_secs(60));
    let report = worker.build()?.run().await?;
    println!("{report:?}");
    Ok(())
}

/// What every event that a worker tells begins with: microseconds since the epoch, and its process.
fn when_and_who(writer: &mut Writer<'_>) -> std::fmt::Result {
    write!(writer, "{} {}", SystemClock.now().as_micros(), std::process::id())
}
