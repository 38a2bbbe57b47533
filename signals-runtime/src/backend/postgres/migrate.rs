//! The migrator: embedded migrations and a version table of its own.
//!
//! Each migration is applied together with its line in `signals.migration`, all of them in one transaction that holds an
//! advisory lock from before it looks, so any number of processes may migrate at once. A migration is never edited after a
//! release.

use std::collections::BTreeMap;

use signals_core::store::{Bookkeeping, Migration};
use signals_core::{Error, Result};
use sqlx::PgConnection;

use super::connections::Connections;
use super::{error, sql};

/// The oldest server that has what the statements use.
const OLDEST: i32 = 140_000;

/// How often a migration begins again that could not have a lock in time. Between two of them those go on that wait for it.
const TIMES: usize = 10;

/// A migration whose file is named like it. What notes it is printed with literals: other tools bind nothing.
macro_rules! migration {
    ($number:literal, $name:literal, $file:literal, additive: $additive:literal) => {
        Migration {
            number: $number,
            name: $name,
            sql: include_str!(concat!("migrations/", $file)),
            additive: $additive,
            bookkeeping: Bookkeeping {
                begin: concat!(
                    "BEGIN;\n\n",
                    include_str!("sql/migrations_lock.sql"),
                    ";\n\n",
                    include_str!("sql/migrations_patience.sql"),
                    ";\n\n",
                    include_str!("sql/migrations_schema.sql"),
                    ";\n\n",
                    include_str!("sql/migrations_prepare.sql"),
                    ";"
                ),
                note: concat!(
                    "INSERT INTO signals.migration (number, name, additive, applied_at)\nVALUES (",
                    $number,
                    ", '",
                    $name,
                    "', ",
                    $additive,
                    ", statement_timestamp());"
                ),
                end: "COMMIT;",
            },
        }
    };
}

/// Every migration, oldest first.
pub(super) const MIGRATIONS: &[Migration] = &[
    migration!(1, "deliveries", "0001_deliveries.sql", additive: true),
    migration!(2, "addressed", "0002_addressed.sql", additive: true),
];

/// Brings the tables up to date.
pub(super) async fn migrate(connections: &Connections) -> Result<()> {
    {
        let mut snapshot = connections.snapshot().await?;
        check_server(&mut snapshot).await?;
        // Looked at first, so that whoever may only read is told what is the matter, and who has nothing to do writes nothing.
        if exists(&mut snapshot).await?
            && let done @ (Ok(()) | Err(Error::SchemaTooNew { .. })) = check(&mut snapshot).await
        {
            return done;
        }
    }
    for _ in 1..TIMES {
        match apply(connections).await {
            Err(Error::Contention(_)) => {}
            done => return done,
        }
    }
    apply(connections).await
}

/// Applies what is missing, in one transaction.
async fn apply(connections: &Connections) -> Result<()> {
    let mut tx = connections.large().await?;
    sqlx::query(sql::MIGRATIONS_LOCK).execute(&mut *tx).await.map_err(error::of)?;
    sqlx::query(sql::MIGRATIONS_PATIENCE).execute(&mut *tx).await.map_err(error::of)?;
    if !exists(&mut tx).await? {
        sqlx::query(sql::MIGRATIONS_SCHEMA).execute(&mut *tx).await.map_err(error::of)?;
        sqlx::query(sql::MIGRATIONS_PREPARE).execute(&mut *tx).await.map_err(error::of)?;
    }
    let applied = applied(&mut tx).await?;
    refuse_newer(&applied)?;
    for migration in MIGRATIONS.iter().filter(|migration| !applied.contains_key(&migration.number)) {
        sqlx::raw_sql(migration.sql).execute(&mut *tx).await.map_err(error::of)?;
        sqlx::query(sql::MIGRATIONS_NOTE)
            .bind(connections.now())
            .bind(migration.number)
            .bind(migration.name)
            .bind(migration.additive)
            .execute(&mut *tx)
            .await
            .map_err(error::of)?;
    }
    tx.commit().await
}

/// Whether the tables are what this binary works with.
pub(super) async fn check(conn: &mut PgConnection) -> Result<()> {
    check_applied(&applied(conn).await?)
}

/// The same of what is known to be applied: numbers, and whether each was additive.
pub(super) fn check_applied(applied: &BTreeMap<i64, bool>) -> Result<()> {
    refuse_newer(applied)?;
    match MIGRATIONS.iter().find(|migration| !applied.contains_key(&migration.number)) {
        None => Ok(()),
        Some(missing) => {
            Err(Error::NotMigrated { found: format!("migration {} ({}) is not applied", missing.number, missing.name) })
        }
    }
}

/// Whether the server is what the guarantees need.
async fn check_server(conn: &mut PgConnection) -> Result<()> {
    let (version, encoding): (i32, String) = sqlx::query_as(sql::CHECK).fetch_one(conn).await.map_err(error::of)?;
    if version < OLDEST {
        let (found, oldest) = (version / 10_000, OLDEST / 10_000);
        return Err(Error::Misconfigured(format!("this is Postgres {found}: signals need {oldest} or newer")));
    }
    if encoding != "UTF8" {
        return Err(Error::Misconfigured(format!(
            "the encoding of this database is {encoding}, which cannot hold every payload: create it with `ENCODING 'UTF8'`"
        )));
    }
    Ok(())
}

async fn exists(conn: &mut PgConnection) -> Result<bool> {
    sqlx::query_scalar(sql::MIGRATIONS_EXISTS).fetch_one(conn).await.map_err(error::of)
}

fn refuse_newer(applied: &BTreeMap<i64, bool>) -> Result<()> {
    let known = MIGRATIONS.last().map_or(0, |migration| migration.number);
    match applied.iter().find(|&(&number, &additive)| number > known && !additive) {
        None => Ok(()),
        Some((&migration, _)) => Err(Error::SchemaTooNew { migration }),
    }
}

/// The numbers applied, and whether each was additive.
async fn applied(conn: &mut PgConnection) -> Result<BTreeMap<i64, bool>> {
    let rows: Vec<(i64, bool)> = sqlx::query_as(sql::MIGRATIONS_APPLIED).fetch_all(conn).await.map_err(error::of)?;
    Ok(rows.into_iter().collect())
}
