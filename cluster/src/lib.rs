//! Private Postgres servers for tests, benches and examples: found or installed, started in a second, broken in every way
//! that a server breaks, and never left behind.
//!
//! ```no_run
//! # async fn run() -> anyhow::Result<()> {
//! use signals_cluster::{Cluster, Settings};
//!
//! let cluster = Cluster::start(Settings::fast())?;
//! let database = cluster.server().database().await?; // empty, of its own, dropped with `database`
//! let pool = sqlx::PgPool::connect(database.url()).await?;
//! # pool.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! A [`Cluster`] is a server of this process, in a temporary folder, on a free port of the loopback interface; it is
//! stopped and removed when it is dropped, and also when the process dies by any signal. A [`Server`] is where one is,
//! whoever started it, and gives each test a [`Database`] of its own, copied from a template.
//!
//! | what | where |
//! |---|---|
//! | where the programs are, and what is missing | [`Binaries`] |
//! | what a server does at `fsync`, how many connections it takes, which clock it sees | [`Settings`] |
//! | start, stop, `kill -9`, restart, other settings, a standby and its promotion | [`Cluster`] |
//! | another process's clock | [`shift_clock`] |
//! | a pool of connections in front of it | [`PgBouncer`] |
//! | a wire to it that is cut, or a black hole | [`Wire`] |
//! | what a bare machine lacks | [`Package`], [`install`] |
//! | a database for each test | [`Server`], [`Database`] |
//!
//! A development tool: nothing that ships depends on it. It knows nothing of signals.

mod binaries;
mod bouncer;
mod cluster;
mod database;
mod faketime;
mod install;
mod owner;
mod settings;
mod watchdog;
mod wire;

pub use binaries::{Binaries, NotFound};
pub use bouncer::{PgBouncer, StartOptions};
pub use cluster::{Cluster, Stop};
pub use database::{Database, Server};
pub use faketime::shift_clock;
pub use install::{Package, install};
pub use settings::Settings;
pub use wire::{Flow, Wire};
