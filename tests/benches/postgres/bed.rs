//! The server that is measured on, its databases, and the processor time of both sides.

use std::fs;
use std::time::Duration;

use signals_cluster::{Binaries, Cluster, Database, Settings};
use signals_runtime::{PgBackend, Signals};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, PgConnection, PgPool};

use crate::Result;
use crate::series::{Took, Watch};

/// What the server is told beside `fsync` and `synchronous_commit`, which stay on: room for the tables, and checkpoints that
/// come by time. Every side of a comparison has the same.
const SETTINGS: [(&str, &str); 4] = [
    ("shared_buffers", "512MB"),
    ("max_wal_size", "4GB"),
    ("checkpoint_timeout", "15min"),
    ("log_parameter_max_length", "0"),
];

/// What is printed of it.
const PRINTED: [&str; 6] =
    ["fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_wal_size", "checkpoint_timeout"];

/// Clock ticks of `/proc` in a second: a constant of Linux' interface to programs.
const TICKS: f64 = 100.0;

/// A server for this process alone.
#[derive(Debug)]
pub(crate) struct Bed {
    cluster: Cluster,
    postmaster: u32,
}

impl Bed {
    pub(crate) async fn start() -> Result<Self> {
        let settings = SETTINGS.iter().fold(Settings::durable(), |settings, (name, value)| settings.set(name, value));
        let cluster = Cluster::start_with(Binaries::find_or_install()?, settings)?;
        let mut bed = Self { cluster, postmaster: 0 };
        bed.fresh().await?;
        Ok(bed)
    }

    /// Writes what is dirty: no part pays for the one before it.
    pub(crate) async fn fresh(&mut self) -> Result {
        let mut conn = self.cluster.server().connect().await?;
        sqlx::query("CHECKPOINT").execute(&mut conn).await?;
        let backend: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut conn).await?;
        let stat = fs::read_to_string(format!("/proc/{backend}/stat"))?;
        self.postmaster = Stat::parse(&stat).ok_or("what /proc says of a process is not understood")?.parent;
        Ok(())
    }

    /// Prints `key = value` lines: what the figures were measured on.
    pub(crate) async fn describe(&self) -> Result {
        let mut conn = self.cluster.server().connect().await?;
        let version: String = sqlx::query_scalar("SHOW server_version").fetch_one(&mut conn).await?;
        let mut settings = Vec::new();
        for name in PRINTED {
            let value: String =
                sqlx::query_scalar("SELECT current_setting($1)").bind(name).fetch_one(&mut conn).await?;
            settings.push(format!("{name}={value}"));
        }
        let cpus = std::thread::available_parallelism()?;
        let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
        println!("machine = {cpus} CPUs, {}, {}, loopback", processor(), std::env::consts::OS);
        println!("build = signals-runtime {}, {profile}", env!("CARGO_PKG_VERSION"));
        println!("postgres = {version}, {}", settings.join(", "));
        println!("load at the start = {}", load());
        Ok(())
    }

    /// A database of its own with the tables, and an application with so many connections.
    pub(crate) async fn place(&self, connections: u32) -> Result<Place> {
        let database = self.cluster.server().database().await?;
        let place = Place { signals: Signals::new(over(database.options(), connections)), database };
        place.signals.setup().await?;
        sqlx::query("CREATE TABLE payment (id bigint PRIMARY KEY, amount bigint NOT NULL, reference text NOT NULL)")
            .execute(place.pool())
            .await?;
        Ok(place)
    }

    /// A running stop watch of wall time and of both sides' processor time.
    pub(crate) fn watch(&self) -> Result<BothWatch> {
        // The look at the server first: it takes a while, and is nobody's time.
        let server = self.processor_time()?;
        Ok(BothWatch { own: Watch::start(), server, postmaster: self.postmaster })
    }

    /// What the server has written to its log.
    pub(crate) fn said(&self) -> String {
        self.cluster.log()
    }

    fn processor_time(&self) -> Result<Duration> {
        server_time(self.postmaster)
    }
}

/// A database, and an application over it.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) signals: Signals<PgBackend>,
    pub(crate) database: Database,
}

impl Place {
    pub(crate) fn pool(&self) -> &PgPool {
        self.signals.backend().pool()
    }

    /// Another process's application over the same database: it shares no connection and no hint within the process.
    pub(crate) fn another(&self, connections: u32) -> Signals<PgBackend> {
        Signals::new(over(self.database.options(), connections))
    }

    /// The rows of the deliveries' table that are dead, as far as the server has counted.
    pub(crate) async fn dead_rows(&self) -> Result<f64> {
        let query = "SELECT n_dead_tup FROM pg_stat_user_tables WHERE schemaname = 'signals' AND relname = 'delivery'";
        let dead: i64 = sqlx::query_scalar(query).fetch_one(self.pool()).await?;
        Ok(dead as f64)
    }
}

/// The backend over a pool of so many connections.
pub(crate) fn over(options: PgConnectOptions, connections: u32) -> PgBackend {
    PgBackend::new(PgPoolOptions::new().max_connections(connections).connect_lazy_with(options))
}

/// What something took on both sides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Both {
    pub(crate) own: Took,
    pub(crate) server: Duration,
}

/// A stop watch that runs.
#[derive(Debug)]
pub(crate) struct BothWatch {
    own: Watch,
    server: Duration,
    postmaster: u32,
}

impl BothWatch {
    pub(crate) fn stop(self) -> Result<Both> {
        let own = self.own.stop();
        Ok(Both { own, server: server_time(self.postmaster)?.saturating_sub(self.server) })
    }
}

/// The processor time of all processes of a server, those that have ended included.
fn server_time(postmaster: u32) -> Result<Duration> {
    let mut time = Duration::ZERO;
    for entry in fs::read_dir("/proc")? {
        let process = entry?.path();
        let Ok(stat) = fs::read_to_string(process.join("stat")) else { continue };
        let Some(stat) = Stat::parse(&stat) else { continue };
        if stat.pid == postmaster || stat.parent == postmaster {
            // To the nanosecond where the system counts so.
            let on_processor = fs::read_to_string(process.join("schedstat")).ok();
            let nanos = on_processor.and_then(|told| told.split(' ').next()?.parse().ok());
            time += nanos.map_or_else(|| ticks(stat.own), Duration::from_nanos);
        }
        if stat.pid == postmaster {
            time += ticks(stat.ended_children);
        }
    }
    Ok(time)
}

fn ticks(count: u64) -> Duration {
    Duration::from_secs_f64(count as f64 / TICKS)
}

/// What `/proc/<pid>/stat` says of a process.
#[derive(Debug)]
struct Stat {
    pid: u32,
    parent: u32,
    /// Ticks in both modes, of itself and of those that it has waited for.
    own: u64,
    ended_children: u64,
}

impl Stat {
    fn parse(line: &str) -> Option<Self> {
        let (pid, rest) = line.split_once(" (")?;
        // The name in between may hold anything, brackets too.
        let fields: Vec<&str> = rest.rsplit_once(") ")?.1.split(' ').collect();
        let ticks = |at: usize| fields.get(at)?.parse::<u64>().ok();
        Some(Self {
            pid: pid.parse().ok()?,
            parent: fields.get(1)?.parse().ok()?,
            own: ticks(11)? + ticks(12)?,
            ended_children: ticks(13)? + ticks(14)?,
        })
    }
}

/// How many want to run, on average over the last minute.
pub(crate) fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().unwrap_or("unknown").to_owned()
}

fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.to_owned())
}

/// Who holds the horizon, below which the server may remove what is dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pin {
    None,
    /// A report that has begun.
    Reader,
    /// A session that has written, and is idle in its transaction.
    Writer,
}

impl Pin {
    /// Holds it until the connection is dropped.
    pub(crate) async fn hold(self, place: &Place) -> Result<Option<PgConnection>> {
        let statements: &[&str] = match self {
            Self::None => return Ok(None),
            Self::Reader => &["BEGIN ISOLATION LEVEL REPEATABLE READ", "SELECT count(*) FROM payment"],
            Self::Writer => &["BEGIN", "INSERT INTO payment VALUES (-1, 0, 'a sender that sleeps')"],
        };
        let mut conn = PgConnection::connect_with(&place.database.options()).await?;
        for statement in statements {
            sqlx::raw_sql(*statement).execute(&mut conn).await?;
        }
        Ok(Some(conn))
    }
}
