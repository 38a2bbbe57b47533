//! Names and ids (I14, I15): what is stored is read, [`plan`](plan()) says what must change, and only that is written.
//!
//! The plan is made twice: once from a snapshot, and when it is not empty once more under the lock of the registry's row.
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

/// Stores the receivers of a binary, and finds their ids.
pub(super) async fn register(connections: &Connections, registration: &Registration) -> Result<Registered> {
    {
        let mut snapshot = connections.snapshot().await?;
        migrate::check(&mut snapshot).await?;
        let plan = plan(load(&mut snapshot, sql::REGISTRY_LAST).await?, registration)?;
        if plan.changes.is_empty() {
            return Ok(plan.registered);
        }
    }
    let mut tx = connections.large().await?;
    let plan = plan(load(&mut tx, sql::REGISTRY_LOCK).await?, registration)?;
    for change in &plan.changes {
        apply(connections, &mut tx, change).await?;
    }
    tx.commit().await?;
    Ok(plan.registered)
}

/// The ids as they are stored.
pub(super) async fn resolve(connections: &Connections, registration: &Registration) -> Result<Registered> {
    let mut snapshot = connections.snapshot().await?;
    migrate::check(&mut snapshot).await?;
    Ok(load(&mut snapshot, sql::REGISTRY_LAST).await?.resolve(registration))
}

async fn load(conn: &mut PgConnection, last: &'static str) -> Result<Stored> {
    // First, because it may wait for the lock: what follows must see what the holder committed.
    let (last_type, last_receiver) = sqlx::query_as(last).fetch_one(&mut *conn).await.map_err(error::of)?;
    let mut stored = Stored { last_type, last_receiver, ..Stored::default() };
    let types: Vec<(i64, String)> =
        sqlx::query_as(sql::REGISTRY_TYPES).fetch_all(&mut *conn).await.map_err(error::of)?;
    stored.types.extend(types);
    let names: Vec<(String, i64)> =
        sqlx::query_as(sql::REGISTRY_TYPE_NAMES).fetch_all(&mut *conn).await.map_err(error::of)?;
    stored.type_names.extend(names);
    let receivers: Vec<(i64, String, i64, bool, bool)> =
        sqlx::query_as(sql::REGISTRY_RECEIVERS).fetch_all(&mut *conn).await.map_err(error::of)?;
    for (id, name, of, paused, retired) in receivers {
        stored.receivers.insert(id, Receiver { name, of, paused, retired });
    }
    let names: Vec<(String, i64)> =
        sqlx::query_as(sql::REGISTRY_RECEIVER_NAMES).fetch_all(conn).await.map_err(error::of)?;
    stored.receiver_names.extend(names);
    Ok(stored)
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
    let found: Vec<(i64, i64)> = {
        let mut snapshot = connections.snapshot().await?;
        sqlx::query_as(sql::MERGE_STRAGGLERS).fetch_all(&mut *snapshot).await.map_err(error::of)?
    };
    for (from, into) in found {
        let mut tx = connections.large().await?;
        sqlx::query(sql::REGISTRY_LOCK).execute(&mut *tx).await.map_err(error::of)?;
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
