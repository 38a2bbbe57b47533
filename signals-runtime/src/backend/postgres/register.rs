//! Names and ids (I14, I15): what is stored is read, [`plan`](plan()) says what must change, and only that is written.
//!
//! The plan is made twice: once from what is read without a lock, and when it is not empty once more under that of the
//! registry's row. What is read is one statement, and so one snapshot: a worker asks it every second.
//!
//! A send or a promotion that began before a merge may still store something for the receiver that is no more: the merge
//! locks nobody out, because it would wait for the longest transaction, and everybody for it. Such stragglers are moved
//! when they are found ([`move_stragglers`]).

use signals_core::store::{Registered, Registration};
use signals_core::{Error, Result};
use sqlx::PgConnection;

use super::super::common::registration::{Change, Receiver, Stored, plan};
use super::connections::{Connections, Transaction};
use super::{error, migrate, sql};

/// Lists of [`sql::REGISTRY`]: migrations, the highest ids, signals, their names, receivers, their names.
type Lists = (
    Vec<(i64, bool)>,
    i64,
    i64,
    Vec<(i64, String)>,
    Vec<(String, i64)>,
    Vec<(i64, String, i64, bool, bool)>,
    Vec<(String, i64)>,
);

/// Stores the receivers of a binary, and finds their ids.
pub(super) async fn register(connections: &Connections, registration: &Registration) -> Result<Registered> {
    let planned = plan(stored(connections).await?, registration)?;
    if planned.changes.is_empty() {
        return Ok(planned.registered);
    }
    let mut tx = connections.large().await?;
    // First, because it may wait: what follows is another snapshot, which has what the holder committed.
    lock(&mut tx).await?;
    let plan = plan(load(&mut tx).await?, registration)?;
    for change in &plan.changes {
        apply(connections, &mut tx, change).await?;
    }
    tx.commit().await?;
    Ok(plan.registered)
}

/// The ids as they are stored.
pub(super) async fn resolve(connections: &Connections, registration: &Registration) -> Result<Registered> {
    Ok(stored(connections).await?.resolve(registration))
}

/// What is stored, without a lock.
async fn stored(connections: &Connections) -> Result<Stored> {
    let mut read = connections.read().await?;
    let loaded = load(&mut read).await;
    read.end();
    if let Err(Error::NotMigrated { .. }) = loaded {
        // Tables that are newer than this build may lack what it reads, and say so themselves.
        let mut read = connections.read().await?;
        migrate::check(&mut read).await?;
        read.end();
    }
    loaded
}

async fn load(conn: &mut PgConnection) -> Result<Stored> {
    let lists: Lists = sqlx::query_as(sql::REGISTRY).fetch_one(conn).await.map_err(error::of)?;
    let (migrations, last_type, last_receiver, types, type_names, receivers, receiver_names) = lists;
    migrate::check_applied(&migrations.into_iter().collect())?;
    let receiver = |(id, name, of, paused, retired)| (id, Receiver { name, of, paused, retired });
    Ok(Stored {
        types: types.into_iter().collect(),
        type_names: type_names.into_iter().collect(),
        receivers: receivers.into_iter().map(receiver).collect(),
        receiver_names: receiver_names.into_iter().collect(),
        last_type,
        last_receiver,
    })
}

/// One registration at a time.
async fn lock(tx: &mut Transaction<'_>) -> Result<()> {
    sqlx::query(sql::REGISTRY_LOCK).execute(&mut **tx).await.map(drop).map_err(error::of)
}

async fn apply(connections: &Connections, tx: &mut Transaction<'_>, change: &Change) -> Result<()> {
    match change {
        Change::Type { id, name } => {
            sqlx::query(sql::REGISTER_TYPE).bind(id).bind(name).execute(&mut **tx).await.map_err(error::of)?;
            execute(tx, sql::REGISTER_LAST, &[*id, 0]).await
        }
        Change::TypeName { name, id } => {
            let query = sqlx::query(sql::REGISTER_TYPE_NAME).bind(name).bind(id);
            query.execute(&mut **tx).await.map(drop).map_err(error::of)
        }
        Change::MergeType { from, into } => {
            execute(tx, sql::MERGE_TYPE_NAMES, &[*from, *into]).await?;
            execute(tx, sql::MERGE_TYPE_RECEIVERS, &[*from, *into]).await?;
            execute(tx, sql::MERGE_TYPE_REMOVE, &[*from]).await
        }
        Change::Receiver { id, name, of } => {
            let query = sqlx::query(sql::REGISTER_RECEIVER).bind(id).bind(name).bind(of);
            query.execute(&mut **tx).await.map_err(error::of)?;
            execute(tx, sql::REGISTER_LAST, &[0, *id]).await
        }
        Change::ReceiverName { name, id } => {
            let query = sqlx::query(sql::REGISTER_RECEIVER_NAME).bind(name).bind(id);
            query.execute(&mut **tx).await.map(drop).map_err(error::of)
        }
        Change::MergeReceiver { from, into } => merge(connections, tx, *from, *into).await,
        Change::Retire { id } => execute(tx, sql::REGISTER_RETIRED, &[*id]).await,
    }
}

/// Moves everything of receiver `from` to `into`; of two deliveries of one signal that of `from` stays, cancelled.
async fn merge(connections: &Connections, tx: &mut Transaction<'_>, from: i64, into: i64) -> Result<()> {
    execute(tx, sql::MERGE_SETTLED, &[from, into]).await?;
    move_pending(connections, tx, from, into).await?;
    execute(tx, sql::MERGE_ATTEMPTS, &[from, into]).await?;
    execute(tx, sql::MERGE_NAMES, &[from, into]).await?;
    execute(tx, sql::MERGE_STOPS, &[from, into]).await?;
    execute(tx, sql::MERGE_RECEIVER, &[from, into]).await
}

/// What is pending for `from` goes to `into`, or is cancelled when that has the signal too.
async fn move_pending(connections: &Connections, tx: &mut Transaction<'_>, from: i64, into: i64) -> Result<()> {
    let query = sqlx::query(sql::MERGE_PENDING).bind(connections.now()).bind(from).bind(into);
    query.execute(&mut **tx).await.map(drop).map_err(error::of)
}

/// Moves what was stored for merged receivers by transactions that began before the merge.
pub(super) async fn move_stragglers(connections: &Connections) -> Result<()> {
    let mut read = connections.quick_read().await?;
    let found: Vec<(i64, i64)> =
        sqlx::query_as(sql::MERGE_STRAGGLERS).fetch_all(&mut *read).await.map_err(error::of)?;
    read.end();
    for (from, into) in found {
        let mut tx = connections.large().await?;
        lock(&mut tx).await?;
        move_pending(connections, &mut tx, from, into).await?;
        execute(&mut tx, sql::MERGE_ATTEMPTS, &[from, into]).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Runs a statement whose parameters are all numbers.
async fn execute(conn: &mut PgConnection, sql: &'static str, parameters: &[i64]) -> Result<(), Error> {
    let query = parameters.iter().fold(sqlx::query(sql), |query, &parameter| query.bind(parameter));
    query.execute(conn).await.map(drop).map_err(error::of)
}
