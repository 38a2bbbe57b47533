//! The migrator: embedded migrations and a version table of its own.
//!
//! Each migration is applied together with its line in `signals_migration` in one transaction that holds the write lock
//! from before it looks, so any number of processes may migrate at once. A migration is never edited after a release.

use std::collections::BTreeMap;

use signals_core::store::{Bookkeeping, Migration};
use signals_core::{Error, Result};
use sqlx::SqliteConnection;

use super::connections::Connections;
use super::{error, sql};

/// A migration whose file is named like it. What notes it is printed with literals: other tools bind nothing.
macro_rules! migration {
    ($number:literal, $name:literal, $file:literal, additive: $additive:literal) => {
        Migration {
            number: $number,
            name: $name,
            sql: include_str!(concat!("migrations/", $file)),
            additive: $additive,
            bookkeeping: Bookkeeping {
                begin: concat!("BEGIN IMMEDIATE;\n\n", include_str!("sql/migrations_prepare.sql"), ";"),
                note: concat!(
                    "INSERT INTO signals_migration (number, name, additive, applied_at)\nVALUES (",
                    $number,
                    ", '",
                    $name,
                    "', ",
                    $additive,
                    ", CAST(unixepoch('now', 'subsec') * 1000000 AS INTEGER));"
                ),
                end: "COMMIT;",
            },
        }
    };
}

/// Every migration, oldest first.
pub(super) const MIGRATIONS: &[Migration] = &[
    migration!(1, "deliveries", "0001_deliveries.sql", additive: true),
    migration!(2, "operating", "0002_operating.sql", additive: true),
];

/// Brings the tables up to date.
pub(super) async fn migrate(connections: &Connections) -> Result<()> {
    // Looked at first, so that whoever may only read is told what is the matter, and who has nothing to do writes nothing.
    if let done @ (Ok(()) | Err(Error::SchemaTooNew { .. })) = check(&mut *connections.reads().await?).await {
        return done;
    }
    let mut tx = connections.durable().await?;
    let now = tx.now();
    sqlx::query(sql::MIGRATIONS_PREPARE).execute(&mut *tx).await.map_err(error::of)?;
    let applied = applied(&mut tx).await?;
    refuse_newer(&applied)?;
    for migration in MIGRATIONS.iter().filter(|migration| !applied.contains_key(&migration.number)) {
        sqlx::raw_sql(migration.sql).execute(&mut *tx).await.map_err(error::of)?;
        sqlx::query(sql::MIGRATIONS_NOTE)
            .bind(migration.number)
            .bind(migration.name)
            .bind(migration.additive)
            .bind(now.as_micros())
            .execute(&mut *tx)
            .await
            .map_err(error::of)?;
    }
    tx.commit().await
}

/// Whether the tables are what this binary works with.
pub(super) async fn check(conn: &mut SqliteConnection) -> Result<()> {
    let applied = applied(conn).await?;
    refuse_newer(&applied)?;
    match MIGRATIONS.iter().find(|migration| !applied.contains_key(&migration.number)) {
        None => Ok(()),
        Some(missing) => {
            Err(Error::NotMigrated { found: format!("migration {} ({}) is not applied", missing.number, missing.name) })
        }
    }
}

fn refuse_newer(applied: &BTreeMap<i64, bool>) -> Result<()> {
    let known = MIGRATIONS.last().map_or(0, |migration| migration.number);
    match applied.iter().find(|&(&number, &additive)| number > known && !additive) {
        None => Ok(()),
        Some((&migration, _)) => Err(Error::SchemaTooNew { migration }),
    }
}

/// The numbers applied, and whether each was additive.
async fn applied(conn: &mut SqliteConnection) -> Result<BTreeMap<i64, bool>> {
    let rows: Vec<(i64, String, bool)> =
        sqlx::query_as(sql::MIGRATIONS_APPLIED).fetch_all(conn).await.map_err(error::of)?;
    Ok(rows.into_iter().map(|(number, _, additive)| (number, additive)).collect())
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;

    /// D7: what a release has applied somewhere is the past. Change it in a new migration, and pin that one here.
    #[test]
    fn d7_migrations_are_never_edited() {
        let pinned = [(1, "57c1ec8364f53af2"), (2, "efd4922a7e165232")];
        let found = MIGRATIONS.iter().map(|migration| {
            let digest: [u8; 32] = Sha256::digest(migration.sql).into();
            (migration.number, digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect::<String>())
        });
        assert_eq!(found.collect::<Vec<_>>(), pinned.map(|(number, digest)| (number, digest.to_owned())));
    }

    #[test]
    fn d7_a_migration_prints_as_one_transaction_that_notes_it() {
        let printed: Vec<_> = MIGRATIONS.iter().map(ToString::to_string).collect();
        for (migration, script) in MIGRATIONS.iter().zip(&printed) {
            let Migration { number, name, sql, .. } = migration;
            assert!(script.starts_with(&format!("-- Migration {number}: {name} (additive:")), "{script}");
            assert_eq!(script.matches("BEGIN IMMEDIATE;").count(), 1);
            assert!(script.contains(sql.trim_end()) && script.ends_with("\nCOMMIT;\n"), "{script}");
            assert!(script.contains(&format!("VALUES ({number}, '{name}', true, ")), "{script}");
        }
    }
}
