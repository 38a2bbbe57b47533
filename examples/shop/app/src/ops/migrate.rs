//! `shop migrate`: the tables of the signals, made or printed for another tool.

use anyhow::Result;
use base::{Place, say};

/// Migrates the database at `place`, or prints what that would do to an empty one, migration by migration.
pub(super) async fn run(place: &Place, print: bool) -> Result<()> {
    if print {
        for script in base::scripts().await? {
            say!("{script}");
        }
        return Ok(());
    }
    base::open(place).await?.migrate().await?;
    say!("the tables of the signals in {place} are up to date");
    Ok(())
}
