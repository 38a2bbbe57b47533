//! What the figures were measured on: printed beside them.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::Instant;

use crate::series::{median, micros};
use crate::{Result, facts};

/// How often the disk is asked.
const SYNCS: usize = 200;

/// Prints `key = value` lines.
pub(crate) async fn describe(database: &Path) -> Result {
    let signals = facts::open(database).await?;
    let pool = signals.backend().pool();
    let version: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(pool).await?;
    let journal: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(pool).await?;
    let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(pool).await?;
    let pages: i64 = sqlx::query_scalar("PRAGMA wal_autocheckpoint").fetch_one(pool).await?;
    let sync = sync_micros(&database.with_extension("probe"))?;
    let cpus = std::thread::available_parallelism()?;
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    println!("machine = {} CPUs, {}, {}", cpus, processor(), std::env::consts::OS);
    println!("build = signals-runtime {}, {profile}", env!("CARGO_PKG_VERSION"));
    println!(
        "sqlite = {version}, journal_mode={journal}, synchronous={synchronous} (claims: 1), \
         wal_autocheckpoint={pages}, pool of {}",
        pool.options().get_max_connections()
    );
    println!("disk = write and sync of 4 KiB in {sync:.0} us (median)");
    Ok(())
}

/// How long the disk takes to keep a page, at a place that it has kept before, as in a log that is written again.
fn sync_micros(probe: &Path) -> Result<f64> {
    let page = [1; 4096];
    let file = File::create(probe)?;
    let mut took = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let began = Instant::now();
        file.write_all_at(&page, 0)?;
        file.sync_data()?;
        took.push(micros(began.elapsed(), 1));
    }
    Ok(median(took))
}

fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.to_owned())
}
