//! `shop migrate`: the tables of the signals, made or printed for another tool.

use std::path::Path;

use anyhow::Result;
use base::say;

/// Migrates `database`, or prints what that would do to an empty one, migration by migration.
pub(super) async fn run(database: &Path, print: bool) -> Result<()> {
    if print {
        // The migrations are the backend's, whatever its file holds: none is made for the sake of printing.
        let folder = tempfile::tempdir()?;
        for migration in base::open(&folder.path().join("none.db")).await?.migrations() {
            say!("{migration}");
        }
        return Ok(());
    }
    base::open(database).await?.migrate().await?;
    say!("the tables of the signals in {} are up to date", database.display());
    Ok(())
}
